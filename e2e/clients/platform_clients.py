"""The managed platforms' own clients against a running service: PORT MODEL CASES ROUTE.

MLflow's ScoringServerClient, SageMaker's serializers, deserializers and local runtime, KServe's client of V1, and a caller of the
address that Vertex AI chose. All rows of all recorded cases, in every form; what they read must be what /predict answers.
"""
import asyncio
import json
import sys

import httpx
import numpy as np
import pandas as pd
import requests
from kserve import InferenceRESTClient
from kserve.inference_client import RESTConfig
from mlflow.pyfunc.scoring_server.client import ScoringServerClient
from sagemaker.core.deserializers import CSVDeserializer, JSONDeserializer, PandasDeserializer
from sagemaker.core.local.local_session import LocalSagemakerRuntimeClient
from sagemaker.core.serializers import CSVSerializer, JSONSerializer

import cases


def columns(case, features):
    """The rows of a case as a frame: by the names of the features, else of several inputs, else by number."""
    arrays = {n: cases.array(t) for n, t in case["inputs"].items()}
    if len(arrays) == 1:
        (a,) = arrays.values()
        frame = pd.DataFrame(a.reshape(len(a), -1))
        return frame.set_axis(features, axis=1) if features else frame
    return pd.DataFrame({n: a[:, 0] for n, a in arrays.items()})


def plain(frame):
    """The frame with None where a value is missing, as JSON has it."""
    return frame.astype(object).where(frame.notna(), None)


class SageMaker:
    """What a Predictor does in local mode."""

    def __init__(self, port):
        self.runtime = LocalSagemakerRuntimeClient({"local": {"serving_port": port}})

    def predict(self, data, serializer, deserializer, accept=None):
        answer = self.runtime.invoke_endpoint(serializer.serialize(data), "endpoint", ContentType=serializer.CONTENT_TYPE,
                                              Accept=accept or ", ".join(deserializer.ACCEPT))
        if answer["ResponseMetadata"]["HTTPStatusCode"] != 200:
            raise RuntimeError(answer["Body"].read().decode())
        return deserializer.deserialize(answer["Body"], answer["ContentType"])


def texts(value):
    """A prediction as the cells of a line of CSV."""
    return [str(int(v)) if isinstance(v, float) and v.is_integer() else repr(v) if isinstance(v, float) else str(v)
            for v in (value if isinstance(value, list) else [value])]


def same_cells(line, value):
    return all(a == b or float(a) == float(b) for a, b in zip(line, texts(value), strict=True))


def without_warnings(answer, warned):
    """An answer without what it says of unknown categories, which stands behind all rows and only where /predict says it too."""
    said = answer.pop("warnings", [])
    if bool(said) != warned or not all(isinstance(w, str) and "is not a category of the model" in w for w in said):
        sys.exit(f"warnings: got {said}, and /predict has {'some' if warned else 'none'}")
    return answer


async def main(port, model, path, route):
    url = f"http://127.0.0.1:{port}"
    fixture, recorded = cases.load(path)
    metadata = requests.get(f"{url}/v2/models/{model}", timeout=10).json()
    features = metadata["inputs"][0].get("parameters", {}).get("features") if len(metadata["inputs"]) == 1 else None
    counts = cases.Counts()
    mlflow, sagemaker = ScoringServerClient("127.0.0.1", port), SageMaker(int(port))
    kserve = InferenceRESTClient(RESTConfig(protocol="v1"))
    mlflow.wait_server_ready(timeout=10)
    counts.check("KServe V1, ready", await kserve.is_model_ready(url, model), True)
    try:
        await kserve.is_model_ready(url, "other")
    except httpx.HTTPStatusError as e:
        counts.check("KServe V1, another model", (e.response.status_code, 'there is "tabular"' in str(e)), (404, True))
    else:
        sys.exit("KServe V1: another model is there")
    counts.check("KServe V1, models", requests.get(f"{url}/v1/models", timeout=10).json(), {"models": [model]})
    health, predict = route.removesuffix(":predict"), route
    counts.check("Vertex AI, health", requests.get(url + health, timeout=10).status_code, 200)

    for case in recorded:
        frame = columns(case, features)
        rows, records = plain(frame).values.tolist(), plain(frame).to_dict("records")
        several = len(case["inputs"]) > 1
        x = records if several else [[r] if np.ndim(r) == 0 else r for r in rows]
        answer = requests.post(f"{url}/predict", json={"x": x}, timeout=10)
        answer.raise_for_status()
        want = [p["prediction"] for p in answer.json()["predictions"]]
        warned = any("warnings" in p for p in answer.json()["predictions"])
        whole = not frame.isna().any(axis=None)  # MLflow's client writes NaN, which is no JSON

        if whole:
            counts.check("MLflow, frame", mlflow.invoke(frame)["predictions"], want)
            ndarray = mlflow.invoke(frame).get_predictions("ndarray")
            counts.check("MLflow, as an array", ndarray.tolist(), np.array(want).tolist())
            if not several:
                counts.check("MLflow, array", mlflow.invoke(frame.to_numpy())["predictions"], want)
        for member, body in {"dataframe_records": records, "dataframe_split": plain(frame).to_dict("split"), "instances": rows,
                             "inputs": plain(frame).to_dict("list")}.items():
            got = requests.post(f"{url}/invocations", json={member: body}, timeout=10)
            counts.check(f"MLflow, {member}", (got.status_code, without_warnings(got.json(), warned)), (200, {"predictions": want}))
        if whole:  # ScoringServerClient of MLflow 3.17.2 cannot write them
            tensors = {"inputs": {n: cases.array(t).tolist() for n, t in case["inputs"].items()}}
            got = requests.post(f"{url}/invocations", json=tensors, timeout=10)
            counts.check("MLflow, inputs by name", (got.status_code, without_warnings(got.json(), warned)), (200, {"predictions": want}))
        empty = frame.eq("").any(axis=None)  # in CSV that is a missing category, as null is in JSON
        if empty:
            got = requests.post(f"{url}/invocations", data=CSVSerializer().serialize(frame).encode(), headers={"Content-Type": "text/csv"}, timeout=10)
            counts.check("CSV, an empty category", (got.status_code, "the model handles no missing value here" in got.text), (422, True))
        elif features or several:
            got = requests.post(f"{url}/invocations", data=frame.to_csv(index=False).encode(), headers={"Content-Type": "text/csv"}, timeout=10)
            counts.check("MLflow, CSV", (got.status_code, without_warnings(got.json(), warned)), (200, {"predictions": want}))

        counts.check("SageMaker, JSON", without_warnings(sagemaker.predict(rows, JSONSerializer(), JSONDeserializer()), warned), {"predictions": want})
        if not empty:
            counts.check("SageMaker, CSV for JSON", without_warnings(sagemaker.predict(frame, CSVSerializer(), JSONDeserializer()), warned), {"predictions": want})
            lines = sagemaker.predict(frame, CSVSerializer(), CSVDeserializer())
            counts.check("SageMaker, CSV", len(lines) == len(want) and all(map(same_cells, lines, want)), True)
            counts.check("SageMaker, CSV as a frame", len(sagemaker.predict(frame, CSVSerializer(), PandasDeserializer())), len(want) - 1)  # it takes a header

        instances = {"instances": records if several else rows}
        headers = {}
        counts.check("KServe V1", without_warnings(await kserve.infer(url, instances, model_name=model, response_headers=headers), warned), {"predictions": want})
        counts.check("KServe V1, version", headers["x-model-version"], fixture["name"])
        got = requests.post(url + predict, json={**instances, "parameters": {"note": "x"}}, timeout=10)
        counts.check("Vertex AI", (got.status_code, without_warnings(got.json(), warned)), (200, {"predictions": want}))

    for name, call in {"MLflow": lambda: mlflow.invoke([["too", "short"]]), "SageMaker": lambda: sagemaker.predict([["too", "short"]], CSVSerializer(), JSONDeserializer())}.items():
        try:
            call()
        except Exception as e:  # MLflow's is a bare one
            counts.check(f"{name}, an error", '"error":' in str(e) and '"field":' in str(e), True)
        else:
            sys.exit(f"{name}: a row that does not fit was answered")
    await kserve.close()
    print(json.dumps({"cases": len(recorded), **counts}))


asyncio.run(main(*sys.argv[1:]))
