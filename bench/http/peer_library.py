"""FastAPI + the training library itself, as tutorials do: uvicorn peer_library:app, with WIDTH=3 (scikit-learn's
logistic regression) or WIDTH=30 (XGBoost, 100 trees of depth 6) in the environment. The model is trained at start, on rows
made by seed; what it answers is not compared, only what it costs."""
import os

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

width = int(os.environ["WIDTH"])
random = np.random.RandomState(0)
rows = random.normal(size=(4000, width)).astype(np.float32)
labels = (rows[:, 0] + rows[:, 1] * rows[:, 2] + random.normal(size=4000) > 0).astype(int)
if width == 3:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(rows, labels)
else:
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=100, max_depth=6, learning_rate=0.05, n_jobs=1, random_state=0).fit(rows, labels)
app = FastAPI()


class Row(BaseModel):
    x: list[float]


@app.post("/predict")
async def predict(row: Row):
    x = np.array([row.x])
    return {"prediction": float(model.predict(x)[0]), "confidence": round(float(model.predict_proba(x).max()), 3), "version": "v1"}
