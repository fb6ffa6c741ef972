"""Make the models and rows that tests and measurements share.

    OMP_NUM_THREADS=1 python make.py [FOLDER]       # the five folders kept here, with what ../models/requirements.txt names

Each folder: model.onnx; rows.f32 (512 rows of 30, little-endian float32, row-major); answers.f32 (what ONNX Runtime, one thread,
answers for these rows: two probabilities a row); about.json (names, shapes, sizes). One repeated row flatters a branch predictor several
times over, so measurements go round the 512 rows. A batch of 1,000 is rows 0 to 511 and again 0 to 487.
"""
import json
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnxmltools
import onnxruntime as ort
import skl2onnx
import xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as MLFloat
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression


def boosted(trees, depth, **more):
    return xgboost.XGBClassifier(n_estimators=trees, max_depth=depth, n_jobs=1, random_state=0, **more)


KEPT = {
    "logistic30": lambda: LogisticRegression(max_iter=1000),
    "xgb100_d3": lambda: boosted(100, 3),
    "xgb100_d6": lambda: boosted(100, 6, learning_rate=.05),
    "xgb1000_d6": lambda: boosted(1000, 6, learning_rate=.05),
    "forest100_d8": lambda: RandomForestClassifier(100, max_depth=8, random_state=0),
}
# 288,000 nodes and 11 MB: made where it is needed.
LARGE = {"forest100_full": lambda: RandomForestClassifier(100, random_state=0)}


def data():
    """Training rows and labels, and the 512 rows. Noisy labels, so that trees of depth 6 fill and a full forest is a big one."""
    x, y = make_classification(12000, 30, n_informative=15, n_clusters_per_class=8, flip_y=.15, random_state=42)
    x = x.astype(np.float32)
    return x[:10000], y[:10000], x[10000:10512]


def export(name, model):
    if name.startswith("xgb"):
        onx = onnxmltools.convert_xgboost(model, initial_types=[("x", MLFloat([None, 30]))])
    else:
        onx = skl2onnx.to_onnx(model, initial_types=[("x", FloatTensorType([None, 30]))], options={id(model): {"zipmap": False}})
    onx.graph.name, onx.doc_string = name, ""
    return onx


def save(folder, name, model, rows):
    onx = export(name, model)
    raw = onx.SerializeToString(deterministic=True)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    answers = session.run(None, {"x": rows})[1]
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    for file, content in (("model.onnx", raw), ("rows.f32", rows.astype("<f4").tobytes()), ("answers.f32", answers.astype("<f4").tobytes())):
        with open(os.path.join(folder, name, file), "wb") as f:
            f.write(content)
    ids = [a for n in onx.graph.node for a in n.attribute if a.name in ("nodes_nodeids", "nodes_treeids")]
    about = {"input": {"name": "x", "shape": [512, 30]}, "output": {"name": session.get_outputs()[1].name, "shape": list(answers.shape)},
             "trees": sum(len(set(a.ints)) for a in ids if a.name == "nodes_treeids"),
             "nodes": sum(len(a.ints) for a in ids if a.name == "nodes_nodeids"),
             "bytes": len(raw), "runtime": f"onnxruntime {ort.__version__}, 1 thread"}
    with open(os.path.join(folder, name, "about.json"), "w") as f:
        json.dump(about, f, indent=1)
        f.write("\n")
    print(name, about["bytes"], "bytes,", about["trees"], "trees,", about["nodes"], "nodes", flush=True)


if __name__ == "__main__":
    x, y, rows = data()
    for name, untrained in KEPT.items():
        save(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__)), name, untrained().fit(x, y), rows)
