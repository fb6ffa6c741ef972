"""Packing: export, compare three ways, write."""

import json
import pathlib
import shutil
import tempfile

import numpy as np

from .export import Refused, differences, export, ordered
from .rows import is_text, plain
from .service import NotServed, Service, binary

GOLDEN_ROWS = 50


class Packed:
    """A written version, and how the three answers compare."""

    def __init__(self, folder, file, rows, compared):
        self.folder, self.file, self.rows, self.compared = folder, file, rows, compared

    def table(self):
        return [f"  {name}: {text or 'the same'}" for name, text in self.compared.items()]


def pack(model, rows, version, out, title="", service=None):
    """Writes OUT/VERSION from a fitted model and a DataFrame of rows, or raises Refused and writes nothing."""
    import pandas as pd

    if not isinstance(rows, pd.DataFrame):
        rows = pd.DataFrame(np.asarray(rows), columns=[f"f{i}" for i in range(np.asarray(rows).shape[1])])
    if not version or "/" in version or version.startswith("."):
        raise ValueError(f"--version: want a name as v1.2.0, got {version!r}")
    program = binary(service)
    target = pathlib.Path(out) / version
    if target.exists():
        raise ValueError(f"{target} is there already: versions are not overwritten")
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work) / version
        folder.mkdir()
        exported = export(model, rows, folder, title)
        exported.metadata["training_ranges"] = ranges(rows)
        (folder / "metadata.json").write_text(json.dumps(exported.metadata, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        own, file = exported.library(rows), exported.reload(rows)
        try:
            with Service(program, work, version) as s:
                served = s.answers(frame_of(exported, rows, s))
                x = s.x(frame_of(exported, rows.head(GOLDEN_ROWS), s))
                typed = "predictions" in s.post("/predict", {"x": x})  # golden rows are of classifiers and regressors alone
        except NotServed as e:
            raise Refused(f"the service does not take {exported.file}: {e}") from None
        compared = compare(own, file, served)
        if typed:
            (folder / "golden.json").write_text(golden(model, x, own), encoding="utf-8")
        try:
            Service(program, work, version).__exit__()  # which runs the golden rows
        except NotServed as e:
            raise Refused(f"the service does not answer the golden rows as the library did: {e}") from None
        pathlib.Path(out).mkdir(parents=True, exist_ok=True)
        shutil.copytree(folder, target)
    return Packed(target, exported.file, len(x) if typed else 0, compared)


def frame_of(exported, rows, service):
    """The columns that the file takes, in its order."""
    names = [n for i in service.inputs for n in i.get("parameters", {}).get("features", [])] or [i["name"] for i in service.inputs]
    try:
        return ordered(rows, names)
    except Refused:
        return rows


def compare(own, file, served):
    """The three pairs; where they differ, Refused says which of the three is off."""
    pairs = {"library and file": differences(own, file), "library and service": differences(own, served), "file and service": differences(file, served)}
    wrong = {name: text for name, text in pairs.items() if text}
    if not wrong:
        return pairs
    if "file and service" not in wrong:
        who = "the exported file does not answer as the library does, and the service reads it as its own runtime does"
    elif "library and file" not in wrong:
        who = "the service does not answer as the library and the file do"
    elif "library and service" not in wrong:
        who = "the file's own runtime does not answer as the library and the service do"
    else:
        who = "all three differ"
    raise Refused(who + ": " + "; ".join(f"{name} differ in {text}" for name, text in wrong.items()))


def golden(model, x, own):
    """golden.json: the library's own answers."""
    predicted, probabilities = own
    fractions = any(isinstance(c, (float, np.floating)) and c != int(c) for c in getattr(model, "classes_", []))
    answers = []
    for i in range(len(x)):
        value = predicted[i]
        answer = {"prediction": [plain(v) for v in value] if np.ndim(value) else plain(value)}
        if isinstance(answer["prediction"], bool) or fractions:  # such labels are text
            answer["prediction"] = str(answer["prediction"])
        if probabilities is not None and np.ndim(value) == 0 and probabilities.ndim == 2 and abs(float(probabilities[i].sum()) - 1) < 1e-3:
            answer["confidence"] = float(probabilities[i].max())
        answers.append(answer)
    library = type(model).__module__.split(".")[0]
    try:
        runtime = f"{library} {__import__(library).__version__}"
    except (ImportError, AttributeError):
        runtime = library
    document = {"runtime": runtime, "tolerance": {"absolute": 1e-5, "relative": 1e-4}, "rows": [{"x": r} for r in x], "answers": answers}
    return json.dumps(document, ensure_ascii=False) + "\n"


def ranges(rows):
    """What the sample holds: the least and the largest number, or the categories of a column."""
    found = {}
    for name in rows.columns:
        column = rows[name].dropna()
        if len(column) == 0:
            continue
        if is_text(column):
            found[str(name)] = sorted({str(v) for v in column})[:256]
        else:
            found[str(name)] = [plain(column.min()), plain(column.max())]
    return found
