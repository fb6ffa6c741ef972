"""Categories that hold a missing value, as skl2onnx exports them, with ONNX Runtime's answers: NaN becomes nan, None becomes None.

Made with scikit-learn 1.9.1, skl2onnx 1.20.0, onnxruntime 1.32.0: python generate.py
"""
import json
import pathlib

import numpy as np
import onnxruntime
import pandas as pd
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

HERE = pathlib.Path(__file__).parent


def make(name, null, word, encoder):
    embarked = pd.Series(["S", "C", "Q", null] * 30, dtype=object)
    frame = pd.DataFrame({"embarked": embarked, "sex": ["male", "female", "male", "female", "female", "male"] * 20,
                          "age": (np.arange(120) % 60 + 1).astype(np.float32)})
    target = [int(place == "S") if k % 5 else k % 2 for k, place in enumerate(embarked)]
    pipe = make_pipeline(make_column_transformer((encoder, ["embarked", "sex"]), (StandardScaler(), ["age"])), LogisticRegression())
    pipe.fit(frame, target)
    types = [("embarked", StringTensorType([None, 1])), ("sex", StringTensorType([None, 1])), ("age", FloatTensorType([None, 1]))]
    model = skl2onnx.to_onnx(pipe, initial_types=types, options={"zipmap": False}, target_opset={"": 21, "ai.onnx.ml": 3}).SerializeToString()
    (HERE / name).mkdir(exist_ok=True)
    (HERE / name / "model.onnx").write_bytes(model)
    session = onnxruntime.InferenceSession(model)
    cases = []
    for place in ("S", "Q", None, "X"):
        told = word if place is None else place
        label, scores = session.run(None, {"embarked": np.array([[told]], dtype=object), "sex": np.array([["male"]], dtype=object), "age": np.float32([[30]])})
        cases.append({"embarked": place, "label": int(label[0]), "probabilities": [float(str(p)) for p in scores[0]]})
    (HERE / name / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")


make("onehot_nan", np.nan, "nan", OneHotEncoder(handle_unknown="ignore"))
make("onehot_none", None, "None", OneHotEncoder(handle_unknown="ignore"))
make("ordinal_none", None, "None", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1))
