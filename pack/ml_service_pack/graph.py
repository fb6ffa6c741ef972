"""The names in a written ONNX graph."""


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
