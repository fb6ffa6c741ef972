"""Recorded cases of a fixture as numpy arrays, and the comparison of answers with them."""
import json
import sys

import numpy as np

DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "int32": np.int32, "bool": np.bool_, "string": np.object_}
DATATYPES = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "int32": "INT32", "bool": "BOOL", "string": "BYTES"}


class Counts(dict):
    """How often each check held. The first that does not hold ends the run."""

    def check(self, name, got, want):
        if got != want:
            sys.exit(f"{name}: got {got!r}, want {want!r}")
        self[name] = self.get(name, 0) + 1


def array(tensor):
    dtype = DTYPES[tensor["dtype"]]
    data = [float(v) if isinstance(v, str) and dtype != np.object_ else v for v in tensor["data"]]
    return np.array(data, dtype=dtype).reshape(tensor["shape"])


def load(path):
    """The fixture, and its cases that have rows and were answered."""
    with open(path, encoding="utf-8") as f:
        fixture = json.load(f)
    cases = [c for c in fixture["cases"] if c["kind"] != "refused" and all(0 not in t["shape"] for t in c["inputs"].values())]
    if not cases:
        sys.exit(f"{path}: no case has rows")
    return fixture, cases


def sayable(inputs):
    """Whether JSON can say all the numbers."""
    return all(a.dtype.kind != "f" or np.isfinite(a).all() for a in inputs.values())


def compare(counts, name, output, want, got, labels, tolerance):
    """Check an answer against its record. Of a map, the columns come in the order of labels."""
    if want["dtype"] == "map":
        order = [want["keys"].index(label) for label in labels]
        expected = np.array(want["data"], dtype=np.float32).reshape(want["shape"])[:, order]
    else:
        expected = array(want)
    if expected.dtype == np.object_:
        text = np.array([v.decode() if isinstance(v, bytes) else v for v in got.reshape(-1)], dtype=object).reshape(got.shape)
        counts.check(name, text.tolist(), expected.tolist())
        return
    counts.check(name + " dtype", got.dtype, expected.dtype)
    counts.check(name + " shape", got.shape, expected.shape)
    if tolerance in ("exact", "bits"):
        same = np.array_equal(got, expected, equal_nan=expected.dtype.kind == "f")
    else:
        same = np.allclose(got, expected, rtol=tolerance["relative"], atol=tolerance["absolute"], equal_nan=True)
    if not same:
        sys.exit(f"{name}: output {output}: got {got.tolist()}, want {expected.tolist()}")
    counts[name] = counts.get(name, 0) + 1


def tolerance(fixture, case, output):
    if output in case.get("tolerance", {}):
        return case["tolerance"][output]
    return next(o["exactness"] for o in fixture["outputs"] if o["name"] == output)
