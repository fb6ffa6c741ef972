"""Writes ../nodes.tar.gz: of ONNX's own node tests those whose operators are all in the table of docs/supported.md.

    pip install onnx==1.23.2 && python nodes.py

Each case is NAME/model.onnx and, for each of its data sets, NAME/0/input_0.pb ... and NAME/0/output_0.pb ..., as the project's
own `backend-test-tools generate-data` writes them; NAME/tolerance holds rtol and atol.
"""

import gzip
import io
import pathlib
import re
import tarfile
import warnings

import numpy
import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test.loader import load_model_tests

here = pathlib.Path(__file__).parent
warnings.simplefilter("ignore")
numpy.random.seed(0)


def supported():
    table = (here / "../../../docs/supported.md").read_text().split("## Operators")[1].split("Element types")[0]
    return set(re.findall(r"`([A-Z][A-Za-z]+)`", table))


def value(v, info):
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(v, info.name).SerializeToString()
    if kind != "tensor_type":
        return None
    if not isinstance(v, TensorProto):
        v = numpy_helper.from_array(numpy.asarray(v), info.name)
    return v.SerializeToString()


def operators(graph):
    for n in graph.node:
        yield n.domain, n.op_type
        for a in n.attribute:
            if a.HasField("g"):
                yield from operators(a.g)


def files(case):
    yield "model.onnx", case.model.SerializeToString()
    yield "tolerance", f"{case.rtol} {case.atol}".encode()
    for i, (inputs, outputs) in enumerate(case.data_sets):
        for kind, values, infos in (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output)):
            for j, v in enumerate(values):
                yield f"{i}/{kind}_{j}.pb", value(v, infos[j])


def main():
    ours = supported()
    tar = io.BytesIO()
    count = 0
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for case in sorted(load_model_tests(kind="node"), key=lambda c: c.name):
            used = set(operators(case.model.graph))
            if case.model.functions or not all(d in ("", "ai.onnx.ml") and name in ours for d, name in used):
                continue
            contents = list(files(case))
            if any(data is None for _, data in contents):
                continue  # an optional
            count += 1
            for name, data in contents:
                entry = tarfile.TarInfo(f"{case.name}/{name}")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    packed = gzip.compress(tar.getvalue(), 9, mtime=0)
    (here / "../nodes.tar.gz").write_bytes(packed)
    print(f"onnx {onnx.__version__}: {count} cases, {len(packed)} bytes")


main()
