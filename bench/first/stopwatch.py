"""From nothing to the first answer and to a model of one's own: python3 bench/first/stopwatch.py WAY...

Each way runs in an empty folder with empty caches of Go and pip, as on a reader's first day, and is what a reader types. The clock
runs from the first command to the first right answer. Not on the clock: installing Go, Python, Docker, git and the images that Docker
has already, which are printed; the download of the source is a clone from this machine. WAY: go, docker, image, lambda, fastapi, mlflow, bentoml.
"""
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DEMO = {"x": [0.4, -0.2, 0.1]}
IRIS = [6.1, 2.8, 4.7, 1.2]  # class 1
FOREST = """from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
iris = load_iris()
model = RandomForestClassifier(30, random_state=0).fit(iris.data, iris.target)
"""


class Watch:
    """A reader in an empty folder."""

    def __init__(self, way):
        self.way, self.dir, self.steps, self.servers = way, tempfile.mkdtemp(prefix="first-"), [], []
        self.env = dict(os.environ, GOMODCACHE=self.path("gomod"), GOCACHE=self.path("gocache"), GOFLAGS="-modcacherw", PIP_NO_CACHE_DIR="1",
                        MLFLOW_TRACKING_URI="file:" + self.path("mlruns"), BENTOML_HOME=self.path("bentoml"), BENTOML_DO_NOT_TRACK="true",
                        MLFLOW_DISABLE_TELEMETRY="true", SAM_CLI_TELEMETRY="0", HOST="127.0.0.1")
        self.start, self.commands, self.load = time.monotonic(), 0, os.getloadavg()[0]

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def note(self, what, since):
        self.steps.append((what, round(time.monotonic() - since, 1)))
        print(f"  {self.steps[-1][1]:7.1f} s  {what}", flush=True)

    def write(self, name, text):
        self.commands += 1
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def run(self, command, cwd=".", **env):
        self.commands += 1
        since = time.monotonic()
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=self.path(cwd), env={**self.env, **env}, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{self.way}: {command}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
        self.note(command, since)

    def serve(self, command, cwd=".", **env):
        self.commands += 1
        log = open(self.path(f"server{len(self.servers)}.log"), "wb")
        self.servers.append(subprocess.Popen(["bash", "-c", "exec " + command], cwd=self.path(cwd), env={**self.env, **env}, stdout=log,
                                             stderr=log, start_new_session=True))
        return command, time.monotonic()

    def stop(self):
        """Ends the servers. The clock stands meanwhile: a reader goes on in another window."""
        since = time.monotonic()
        for s in self.servers:
            if s.poll() is None:
                os.killpg(s.pid, signal.SIGINT)
            try:
                s.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(s.pid, signal.SIGKILL)
                s.wait()
        self.start += time.monotonic() - since

    def ask(self, what, server, port, path, body, right):
        """Asks once more and more until the right answer comes; that is one command."""
        self.commands += 1
        command, since = server
        while True:
            try:
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    text = answer.read().decode()
                break
            except OSError:
                if self.servers[-1].poll() is not None or time.monotonic() - since > 600:
                    with open(self.path(f"server{len(self.servers) - 1}.log"), encoding="utf-8", errors="replace") as f:
                        sys.exit(f"{self.way}: {command}: no answer\n{f.read()[-3000:]}")
                time.sleep(0.05)
        if not re.search(right, text):
            sys.exit(f"{self.way}: got {text}, want {right}")
        self.note(command, since)
        print(f"{self.way}: {what} after {time.monotonic() - self.start:.0f} s, {self.commands} commands; load before {self.load:.1f}, now {os.getloadavg()[0]:.1f}", flush=True)


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def clone(w):
    w.run(f"git clone --quiet {shlex.quote('file://' + ROOT)} ml-service")


def own_model(w):
    """The README's Python block."""
    w.run("python3 -m venv venv && venv/bin/pip install --quiet scikit-learn skl2onnx", "ml-service")
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        w.write("ml-service/train.py", re.search(r"```python\n(.*?)```", f.read(), re.S)[1])
    w.run("venv/bin/python train.py", "ml-service")


def go(w):
    clone(w)
    port = free()
    w.ask("first answer", w.serve("go run ./cmd/local", "ml-service", PORT=str(port)), port, "/predict", DEMO, r'"prediction":1.0,"confidence":0.603')
    own_model(w)
    port = free()
    w.ask("own model", w.serve("go run ./cmd/local", "ml-service", MODEL_DIR="my-models", PORT=str(port)), port, "/predict", {"x": IRIS}, r'"prediction":1.0')


def container(w, image):
    port, name = free(), f"first-{os.getpid()}-{time.monotonic_ns()}"
    return w.serve(f"docker run --rm --name {name} -p 127.0.0.1:{port}:8080 {image}"), port, name


def from_image(w, image):
    server, port, name = container(w, image)
    w.ask("first answer", server, port, "/predict", DEMO, r'"prediction":1.0,"confidence":0.603')
    subprocess.run(["docker", "stop", "--time", "1", name], capture_output=True, check=False)
    own_model(w)
    server, port, name = container(w, f"-v {w.path('ml-service', 'my-models')}:/models {image}")
    w.ask("own model", server, port, "/predict", {"x": IRIS}, r'"prediction":1.0')
    subprocess.run(["docker", "stop", "--time", "1", name], capture_output=True, check=False)


def docker(w):
    """With the source: docker build."""
    clone(w)
    w.run("docker build --quiet -t ml-service:first .", "ml-service")
    from_image(w, "ml-service:first")


def image(w):
    """Without it: the image of a release, from a file instead of a registry."""
    file = os.path.join(tempfile.gettempdir(), "ml-service-first.tar.gz")
    subprocess.run(f"docker build --quiet -t ml-service:first . && docker save ml-service:first | gzip > {file}", shell=True, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    subprocess.run(["docker", "rmi", "--force", "ml-service:first"], check=True, stdout=subprocess.DEVNULL)
    print(f"image: {os.path.getsize(file) / 1e6:.1f} MB to be pulled")
    w.start = time.monotonic()
    os.mkdir(w.path("ml-service"))
    w.run(f"docker load --quiet --input {file}")
    from_image(w, "ml-service:first")


def lambda_(w):
    clone(w)
    w.run("python3 -m venv sam && sam/bin/pip install --quiet aws-sam-cli")
    sam, here = w.path("sam", "bin", "sam"), "--parameter-overrides Architecture=x86_64"

    def start():
        port = free()
        return w.serve(f"{sam} local start-api --host 127.0.0.1 --port {port} --container-host-interface 127.0.0.1 --skip-pull-image {here}", "ml-service"), port

    w.run(f"{sam} build {here}", "ml-service", GOARCH="amd64")
    server, port = start()
    w.ask("first answer", server, port, "/predict", DEMO, r'"prediction":1.0,"confidence":0.603')
    w.stop()
    own_model(w)
    w.run(f"{sam} build {here}", "ml-service", GOARCH="amd64", MODEL_DIR="my-models", MODEL_VERSION="v1")
    server, port = start()
    w.ask("own model", server, port, "/predict", {"x": IRIS}, r'"prediction":1.0')


def fastapi(w):
    w.run("python3 -m venv venv && venv/bin/pip install --quiet 'fastapi[standard]' scikit-learn")
    w.write("main.py", FOREST + """from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()

class Row(BaseModel):
    x: list[float]

@app.post("/predict")
def predict(row: Row):
    return {"prediction": int(model.predict([row.x])[0])}
""")
    port = free()
    w.ask("own model", w.serve(f"venv/bin/fastapi run --host 127.0.0.1 --port {port} main.py"), port, "/predict", {"x": IRIS}, r'"prediction":1')


def mlflow(w):
    w.run("python3 -m venv venv && venv/bin/pip install --quiet mlflow scikit-learn")
    w.write("train.py", FOREST + """import mlflow
mlflow.sklearn.save_model(model, "model", input_example=iris.data[:2], skops_trusted_types=["sklearn.tree._tree.Tree"])
""")
    w.run("venv/bin/python train.py")
    port = free()
    w.ask("own model", w.serve(f"venv/bin/mlflow models serve --model-uri model --env-manager local --host 127.0.0.1 --port {port}", PATH=w.path("venv", "bin") + ":" + os.environ["PATH"]),
          port, "/invocations", {"inputs": [IRIS]}, r'"predictions": \[1\]')


def bentoml(w):
    w.run("python3 -m venv venv && venv/bin/pip install --quiet bentoml scikit-learn")
    w.write("service.py", FOREST + """import bentoml
import numpy as np

@bentoml.service
class Iris:
    @bentoml.api
    def predict(self, x: np.ndarray) -> np.ndarray:
        return model.predict(x)
""")
    port = free()
    w.ask("own model", w.serve(f"venv/bin/bentoml serve --host 127.0.0.1 --port {port} service:Iris", PATH=w.path("venv", "bin") + ":" + os.environ["PATH"]),
          port, "/predict", {"x": [IRIS]}, r"\[1\]")


def main(ways):
    known = {"go": go, "docker": docker, "image": image, "lambda": lambda_, "fastapi": fastapi, "mlflow": mlflow, "bentoml": bentoml}
    for way in ways:
        w = Watch(way)
        try:
            known[way](w)
        finally:
            w.stop()
            shutil.rmtree(w.dir, ignore_errors=True)


main(sys.argv[1:] or sys.exit(__doc__))
