"""What a written ONNX graph is asked and given: the names of its inputs, and the categories of its texts."""

import numpy as np

MISSING = ("nan", "None")  # what exporters write for NaN and for None as a category; where both are there, NaN is what pandas reads


def rename_inputs(model, names):
    """Names the inputs, in their order. skl2onnx writes "_" for what no identifier holds, and a number behind names that others have."""
    inputs = [i.name for i in model.graph.input]
    if len(inputs) != len(names):
        raise ValueError(f"the graph has {len(inputs)} inputs, want {len(names)}")
    to = {old: new for old, new in zip(inputs, names) if old != new}
    if not to:
        return
    taken = set(names) | set(inputs) | set(values(model.graph))
    for value in sorted(set(values(model.graph)) & set(names) - set(inputs)):
        number = next(n for n in range(1, len(taken) + 2) if f"{value}_{n}" not in taken)
        to[value] = f"{value}_{number}"
        taken.add(to[value])
    rename(model.graph, to)


def values(graph):
    """The names of all values of a graph and of those in it."""
    for v in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        yield v.name
    for t in graph.sparse_initializer:
        yield t.values.name
    for node in graph.node:
        yield from node.input
        yield from node.output
        for inner in inside(node):
            yield from values(inner)


def inside(node):
    """The graphs in the attributes of a node."""
    for a in node.attribute:
        if a.HasField("g"):
            yield a.g
        yield from a.graphs


def rename(graph, to):
    for v in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
        v.name = to.get(v.name, v.name)
    for t in graph.sparse_initializer:
        t.values.name = to.get(t.values.name, t.values.name)
    for q in graph.quantization_annotation:
        q.tensor_name = to.get(q.tensor_name, q.tensor_name)
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [to.get(n, n) for n in names]
        for inner in inside(node):
            rename(inner, to)


def text_categories(model):
    """By input of strings, the categories of the first encoder that its texts reach: ONNX Runtime is sent the inputs' own names through
    the nodes before the encoders."""
    import onnx

    inputs = {i.name: i for i in model.graph.input}
    texts = [n for n, i in inputs.items() if i.type.tensor_type.elem_type == onnx.TensorProto.STRING]
    encoders = [(node.input[0], known) for node in model.graph.node if (known := categories_of(node))]
    found = {}
    reached = reach(model, inputs, texts, [name for name, _ in encoders])
    for name, known in encoders:
        for text in reached.get(name, ()):
            found.setdefault(text, known)
    return found


def categories_of(node):
    """The texts that an encoder knows; None: it is no encoder of texts."""
    import onnx

    if node.op_type not in ("OneHotEncoder", "LabelEncoder") or node.domain != "ai.onnx.ml":
        return None
    for a in node.attribute:
        if a.name in ("cats_strings", "keys_strings"):
            return [s.decode() for s in a.strings]
        if a.name == "keys_tensor" and a.t.data_type == onnx.TensorProto.STRING:
            return [s.decode() for s in a.t.string_data]
    return None


def reach(model, inputs, texts, names):
    """By name of a value, the inputs of strings whose texts are in it."""
    import onnx
    import onnxruntime

    found = {name: [name] for name in names if name in texts}
    wanted = [name for name in dict.fromkeys(names) if name not in inputs]
    need, nodes = set(wanted), []
    for node in reversed(model.graph.node):
        if need & set(node.output):
            nodes.insert(0, node)
            need |= {*node.input, *(v for inner in inside(node) for v in values(inner))}
    if not wanted:
        return found
    graph = onnx.helper.make_graph(
        nodes,
        "before the encoders",
        [i for n, i in inputs.items() if n in need],
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.STRING, None) for name in wanted],
        [t for t in model.graph.initializer if t.name in need],
    )
    cut = onnx.helper.make_model(graph, opset_imports=model.opset_import, functions=model.functions, ir_version=model.ir_version)
    try:
        session = onnxruntime.InferenceSession(cut.SerializeToString(), providers=["CPUExecutionProvider"])
        feeds = {i.name: np.array([[i.name]], object) if i.name in texts else np.zeros((1, 1), np.float64 if "double" in i.type else np.float32) for i in session.get_inputs()}
        out = session.run(None, feeds)
    except Exception:  # the texts are computed in a way that cannot be followed
        return found
    for name, value in zip(wanted, out):
        found[name] = [text for text in np.asarray(value).ravel() if text in texts]
    return found


def null_words(categories):
    """By input, the category that stands for a missing value, as the service has it; inputs without one are left out."""
    words = {name: next((w for w in MISSING if w in known), None) for name, known in categories.items()}
    return {name: word for name, word in words.items() if word}
