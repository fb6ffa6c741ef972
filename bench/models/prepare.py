"""Make what `make bench-models` compares with: the models of ../testdata and the large one, trained again from the same data and seeds.

    python prepare.py WORK

Writes into WORK, one folder a model:
- model.onnx, rows.f32, answers.f32: as in ../testdata
- model.ubj: XGBoost's own file, of the boosted models
- compiled.so: the same trees as tl2cgen's C, compiled by gcc -O3
and WORK/libraries: the paths of ONNX Runtime's and XGBoost's shared libraries, and the versions.
"""
import glob
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, "..", "testdata")
sys.path.insert(0, KEPT)

import numpy as np
import onnxruntime as ort
import tl2cgen
import treelite
import xgboost

import make

# How many files the C is spread over, so that gcc ends: one function of 25,000 lines takes it ten minutes.
UNITS = {"xgb100_d3": 1, "xgb100_d6": 4, "xgb1000_d6": 40, "forest100_d8": 8, "forest100_full": 50}


def compiled(folder, name, model, rows, want):
    """The trees as C, compiled."""
    source = os.path.join(folder, "c")
    shutil.rmtree(source, ignore_errors=True)
    tl2cgen.generate_c_code(model, source, params={"parallel_comp": UNITS[name], "quantize": 0})
    start = time.time()
    objects = []
    for file in sorted(glob.glob(os.path.join(source, "*.c"))):
        subprocess.run(["gcc", "-O3", "-fPIC", "-std=c99", "-c", file, "-o", file[:-2] + ".o"], check=True)
        objects.append(file[:-2] + ".o")
    out = os.path.join(folder, "compiled.so")
    subprocess.run(["gcc", "-shared", "-o", out, *objects, "-lm"], check=True)
    got = tl2cgen.Predictor(out, nthread=1).predict(tl2cgen.DMatrix(rows)).reshape(len(rows), -1)[:, -1]
    worst = float(np.abs(got - want[:, 1]).max())
    print(f"  C: gcc {time.time() - start:.0f} s, {os.path.getsize(out)} bytes, largest difference to ONNX Runtime {worst:.1e}", flush=True)
    assert worst < 1e-5, worst


def main(work):
    x, y, rows = make.data()
    gcc = subprocess.run(["gcc", "--version"], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    versions = f"onnxruntime {ort.__version__}, xgboost {xgboost.__version__}, tl2cgen {tl2cgen.__version__}, {gcc}"
    for name, untrained in {**make.KEPT, **make.LARGE}.items():
        folder = os.path.join(work, name)
        done = os.path.join(folder, "done")
        if os.path.exists(done) and open(done).read() == versions:
            continue
        model = untrained().fit(x, y)
        make.save(work, name, model, rows)
        want = np.fromfile(os.path.join(folder, "answers.f32"), "<f4").reshape(512, 2)
        if name in make.KEPT:  # the same file, so the same model
            with open(os.path.join(KEPT, name, "model.onnx"), "rb") as kept, open(os.path.join(folder, "model.onnx"), "rb") as made:
                assert kept.read() == made.read(), f"another model than {KEPT}/{name}: other versions?"
        if name.startswith("xgb"):
            model.save_model(os.path.join(folder, "model.ubj"))
            compiled(folder, name, treelite.frontend.from_xgboost(model.get_booster()), rows, want)
        elif name.startswith("forest"):
            compiled(folder, name, treelite.sklearn.import_model(model), rows, want)
        with open(done, "w") as f:
            f.write(versions)
    with open(os.path.join(work, "libraries"), "w") as f:
        f.write(glob.glob(os.path.join(os.path.dirname(ort.__file__), "capi", "libonnxruntime.so.*"))[0] + "\n")
        f.write(os.path.join(os.path.dirname(xgboost.__file__), "lib", "libxgboost.so") + "\n")
        f.write(versions + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
