"""The service's own binary, asked over HTTP."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np

from .rows import plain


def binary(path=None):
    """The ml-service to run."""
    if path and not os.path.exists(path):
        raise ValueError(f"--service: there is no file {path}")
    here = pathlib.Path(__file__).resolve().parents[2] / "bin" / "ml-service"
    for candidate in (path, os.environ.get("ML_SERVICE"), str(here), shutil.which("ml-service")):
        if candidate and os.path.exists(candidate):
            return candidate
    raise ValueError(
        "packing runs the ml-service binary, and there is none: run `make build` in the repository, which makes bin/ml-service, or take the binary of a release (install.sh); "
        "then name it with --service PATH or $ML_SERVICE, or put it on the PATH"
    )


class Service:
    """A running ml-service of one version."""

    def __init__(self, program, models, version):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{s.getsockname()[1]}"
            port = str(s.getsockname()[1])
        env = {**os.environ, "HOST": "127.0.0.1", "PORT": port, "MODEL_DIR": str(models), "MODEL_VERSION": version, "MODEL_NAME": "m", "DRAIN_DELAY": "0s", "METRICS": "false"}
        self.process = subprocess.Popen([program], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.wait()
        self.about = self.get("/v2/models/m")
        self.inputs, self.outputs = self.about["inputs"], self.about["outputs"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def wait(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                self.get("/health")
                return
            except (urllib.error.URLError, ConnectionError):
                if self.process.poll() is not None:
                    said = self.process.stderr.read().strip()
                    self.__exit__()
                    raise NotServed(said.splitlines()[-1].removeprefix("ml-service: ") if said else "it ended without a word") from None
                if time.monotonic() > deadline:
                    self.__exit__()
                    raise NotServed("it was not healthy within 30 s") from None
                time.sleep(0.01)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as r:
            return json.load(r)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as r:
                return json.load(r)
        except urllib.error.HTTPError as e:
            raise NotServed(f"{e.code} {json.load(e)['error']}") from None

    def x(self, rows):
        """Rows of a DataFrame as x of POST /predict."""
        inputs, names = self.inputs, list(rows.columns)
        if len(inputs) == 1 and len(names) == inputs[0]["shape"][-1]:
            text = inputs[0]["datatype"] == "BYTES"
            return [[self.cell(v, text) for v in row] for row in rows.itertuples(index=False, name=None)]
        kinds = [i["datatype"] == "BYTES" for i in inputs]
        by_place = [names[k] for k in range(len(inputs))] if len(names) == len(inputs) else names
        columns = [i["name"] if i["name"] in rows.columns else by_place[k] for k, i in enumerate(inputs)]
        return [{i["name"]: self.cell(row[names.index(c)], t) for i, c, t in zip(inputs, columns, kinds)} for row in rows.itertuples(index=False, name=None)]

    @staticmethod
    def cell(value, text):
        value = plain(value)
        return str(value) if text and value is not None else value

    def answers(self, rows):
        """(predictions, probabilities or None) of a DataFrame."""
        x = self.x(rows)
        answer = self.post("/predict", {"x": x})
        if "predictions" in answer:
            predicted = np.asarray([p["prediction"] for p in answer["predictions"]])
        else:
            predicted = np.asarray(next(iter(answer["outputs"].values())))
        tensors = []
        for i in self.inputs:
            width = i["shape"][-1] if len(i["shape"]) > 1 else 1
            data = [(r if isinstance(r, list) else [r[i["name"]]]) for r in x]
            tensors.append({"name": i["name"], "datatype": i["datatype"], "shape": [len(x), width] if len(i["shape"]) > 1 else [len(x)], "data": [v for r in data for v in r]})
        out = {o["name"]: o for o in self.post("/v2/models/m/infer", {"inputs": tensors})["outputs"]}
        for o in self.outputs:
            if "labels" in o.get("parameters", {}) or o["name"] == "probabilities":
                t = out[o["name"]]
                values = np.asarray([np.nan if v is None else v for v in t["data"]], float).reshape(t["shape"])
                return predicted, values
        return predicted, None


class NotServed(Exception):
    """Why the service does not take a model, or a row."""
