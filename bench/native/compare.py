"""The libraries' own files beside the same models as ONNX and beside the libraries, and `score` beside pandas.

    python compare.py WORK SERVICE

Trains five models into WORK/models, each as the library's own file and as ONNX, then prints two tables: loading, one row and 1,000 rows, one thread, the least
processor time of seven turns; and 500,000 rows of CSV by `ml-service score` and by pandas and the library, on one core and on two, the quickest of five turns.
"""

import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np

FEATURES, TRAINED, SCORED = 30, 20_000, 500_000
NAMES = [f"f{i}" for i in range(FEATURES)]
FILES = {"xgb100": "model.ubj", "lgb100": "model.txt", "lgb100 of 127 leaves": "model.txt", "cat100": "model.cbm", "cat1000": "model.cbm"}
ROOT = pathlib.Path(__file__).resolve().parents[2]


def train(models, x, y):
    import catboost
    import lightgbm
    import onnxmltools
    import pandas as pd
    import xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("x", FloatTensorType([None, FEATURES]))]

    def put(name, own, exported):
        for kind, file, write in (("native", FILES[name], own), ("onnx", "model.onnx", exported)):
            (models / name / kind).mkdir(parents=True, exist_ok=True)
            write(str(models / name / kind / file))

    m = xgboost.XGBClassifier(n_estimators=100, max_depth=6, n_jobs=1).fit(x, y)
    put("xgb100", m.save_model, lambda f: pathlib.Path(f).write_bytes(onnxmltools.convert_xgboost(m, initial_types=types).SerializeToString()))
    for name, leaves in (("lgb100", 31), ("lgb100 of 127 leaves", 127)):
        g = lightgbm.LGBMClassifier(n_estimators=100, num_leaves=leaves, n_jobs=1, verbose=-1).fit(pd.DataFrame(x, columns=NAMES), y)
        put(name, g.booster_.save_model, lambda f: pathlib.Path(f).write_bytes(onnxmltools.convert_lightgbm(g, initial_types=types, zipmap=False).SerializeToString()))
    for name, trees in (("cat100", 100), ("cat1000", 1000)):
        c = catboost.CatBoostClassifier(iterations=trees, depth=6, verbose=0, thread_count=1, allow_writing_files=False).fit(x, y)
        put(name, c.save_model, lambda f: c.save_model(f, format="onnx"))


def library(name, file):
    """Functions that load the file and that predict with what was loaded, on so many threads."""
    if name.startswith("xgb"):
        import xgboost

        return lambda n=1: xgboost.Booster({"nthread": n}, model_file=file), lambda m, rows, n=1: m.inplace_predict(rows)
    if name.startswith("lgb"):
        import lightgbm

        return lambda n=1: lightgbm.Booster(model_file=file), lambda m, rows, n=1: m.predict(rows, num_threads=n)
    import catboost

    return lambda n=1: catboost.CatBoostClassifier().load_model(file), lambda m, rows, n=1: m.predict_proba(rows, thread_count=n)[:, 1]


def least(call, times):
    """Microseconds of processor time a call."""
    call()
    best = float("inf")
    for _ in range(7):
        began = time.process_time()
        for _ in range(times):
            call()
        best = min(best, (time.process_time() - began) / times)
    return best * 1e6


def ours(models):
    """The same of model.Load and Batch.Run, by a benchmark of Go."""
    out = subprocess.run(["go", "test", "-tags", "nomsgpack", "-run", "^$", "-bench", "NativeFolder", "-cpu", "1", "-benchtime", "0.3s", "-count", "7", "./model"],
                         cwd=ROOT, env={**os.environ, "NATIVE_MODELS": str(models)}, capture_output=True, text=True, check=True).stdout
    found = {}
    for name, ns in re.findall(r"BenchmarkNativeFolder/(\S+)\s.*?([\d.]+) cpu-ns/op", out):
        name = name.replace("_", " ")
        found[name] = min(found.get(name, float("inf")), float(ns) / 1e3)
    return found


def pandas_and(name, file, rows, cores):
    """What a script does: read, predict, write. Run in a process of its own."""
    import pandas as pd

    load, predict = library(name, file)
    frame = pd.read_csv(rows)
    p = np.asarray(predict(load(cores), frame, cores))
    pd.DataFrame({"prediction": (p > 0.5).astype(int), "confidence": np.maximum(p, 1 - p)}).to_csv(os.devnull, index=False)


def timed(command, cores, stdin=None):
    """(seconds, seconds of processor time, peak MB) of a process on so many cores."""
    env = {**os.environ, "GOMAXPROCS": str(cores), "OMP_NUM_THREADS": str(cores)}
    with open(stdin or os.devnull) as f:
        began = time.monotonic()
        p = subprocess.Popen(["taskset", "-c", "0" if cores == 1 else "0,1", *command], stdin=f, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        pid, peak = 0, 0
        while pid == 0:  # ru_maxrss would be this process's own, which the other was forked from
            try:
                peak = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{p.pid}/status").read_text())[1]) / 1024
            except (OSError, TypeError):  # it ends
                pass
            time.sleep(0.005)
            pid, status, used = os.wait4(p.pid, os.WNOHANG)
    if status:
        raise SystemExit(f"{command}: status {status}")
    return time.monotonic() - began, used.ru_utime + used.ru_stime, peak


def main():
    if sys.argv[1] == "pandas":
        return pandas_and(*sys.argv[2:5], int(sys.argv[5]))
    work, service = pathlib.Path(sys.argv[1]), sys.argv[2]
    models, rows = work / "models", work / "rows.csv"
    r = np.random.default_rng(0)
    x = r.normal(size=(TRAINED, FEATURES)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + np.sin(x[:, 2] * 2) + x[:, 3] / 2 + r.normal(size=TRAINED) / 2 > 0).astype(int)
    if not models.exists():
        train(models, x, y)
    if not rows.exists():
        np.savetxt(rows, r.normal(size=(SCORED, FEATURES)), fmt="%.4f", delimiter=",", header=",".join(NAMES), comments="")
    go = ours(models)
    print("| model | | own file | ONNX | the library |\n|---|---|---|---|---|")
    for name, file in FILES.items():
        load, predict = library(name, str(models / name / "native" / file))
        m = load()
        theirs = {"load": least(load, 10), "1 row": least(lambda: predict(m, x[:1]), 300), "1000 rows": least(lambda: predict(m, x[:1000]), 20)}
        for what, us in theirs.items():
            print(f"| {name} | {what} | {go[f'{name}/native/{what}']:,.1f} us | {go[f'{name}/onnx/{what}']:,.1f} us | {us:,.1f} us |", flush=True)
    print("\n| model | cores | `score`: rows/s, processor s, peak MB | pandas and the library | times as many rows/s |\n|---|---|---|---|---|")
    for name in ("xgb100", "lgb100", "cat100"):
        file = str(models / name / "native" / FILES[name])
        for cores in (1, 2):
            a, b = [], []
            for _ in range(5):
                a.append(timed([service, "score", "--model", str(models / name / "native"), "--cores", str(cores)], cores, str(rows)))
                b.append(timed([sys.executable, __file__, "pandas", name, file, str(rows), str(cores)], cores))
            (s, c, mb), (t, d, nb) = min(a), min(b)
            print(f"| {name} | {cores} | {SCORED / s:,.0f}, {c:.2f}, {mb:.0f} | {SCORED / t:,.0f}, {d:.2f}, {nb:.0f} | {t / s:.1f} |", flush=True)


if __name__ == "__main__":
    main()
