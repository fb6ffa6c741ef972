"""FastAPI + ONNX Runtime, one thread: uvicorn peer_onnx:app, with MODEL=<file> in the environment."""
import os

import numpy as np
import onnxruntime
from fastapi import FastAPI
from pydantic import BaseModel

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])
name = session.get_inputs()[0].name
app = FastAPI()


class Row(BaseModel):
    x: list[float]


@app.post("/predict")
async def predict(row: Row):
    label, scores = session.run(None, {name: np.array([row.x], np.float32)})
    return {"prediction": float(label[0]), "confidence": round(float(scores[0].max()), 3), "version": "v1"}
