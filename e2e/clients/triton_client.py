"""Triton's own client against a running service: URL MODEL VERSION CASES."""
import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

import cases


def tensors(arrays, binary):
    inputs = []
    for name, a in arrays.items():
        x = triton.InferInput(name, list(a.shape), triton_type(a))
        x.set_data_from_numpy(a, binary_data=binary)
        inputs.append(x)
    return inputs


def triton_type(a):
    return cases.DATATYPES[next(k for k, v in cases.DTYPES.items() if v == a.dtype.type or (v is np.object_ and a.dtype == np.object_))]


def status_of(call):
    try:
        call()
    except InferenceServerException as e:
        return e.status(), e.message()
    return "200", ""


def main(url, model, version, path):
    fixture, recorded = cases.load(path)
    counts = cases.Counts()
    client = triton.InferenceServerClient(url)
    counts.check("live", client.is_server_live(), True)
    counts.check("ready", client.is_server_ready(), True)
    counts.check("model ready", client.is_model_ready(model), True)
    counts.check("version ready", client.is_model_ready(model, version), True)
    counts.check("other model is not ready", client.is_model_ready("other"), False)
    counts.check("other version is not ready", client.is_model_ready(model, "v0"), False)
    counts.check("extension", "binary_tensor_data" in client.get_server_metadata()["extensions"], True)
    metadata = client.get_model_metadata(model, version)
    counts.check("versions", metadata["versions"], [version])
    counts.check("inputs", [(i["name"], i["datatype"]) for i in metadata["inputs"]],
                 [(i["name"], cases.DATATYPES[i["dtype"]]) for i in fixture["inputs"]])
    counts.check("outputs", [o["name"] for o in metadata["outputs"]], [o["name"] for o in fixture["outputs"]])
    labels = {o["name"]: o.get("parameters", {}).get("labels") for o in metadata["outputs"]}
    names = list(labels)

    def check(name, result, case, wanted=names):
        for output in wanted:
            got = result.as_numpy(output)
            if got is None:
                sys.exit(f"{name}: {case['name']}: no output {output}")
            cases.compare(counts, name, output, case["outputs"][output], got, labels[output], cases.tolerance(fixture, case, output))
        for output in set(names) - set(wanted):
            counts.check(name + ", nothing else", result.as_numpy(output), None)

    for case in recorded:
        arrays = {n: cases.array(t) for n, t in case["inputs"].items()}
        packed = tensors(arrays, True)
        check("binary", client.infer(model, packed, model_version=version), case)
        for algorithm in "gzip", "deflate":
            check(algorithm, client.infer(model, packed, request_compression_algorithm=algorithm), case)
        check("asynchronous", client.async_infer(model, packed).get_result(), case)
        for output in names:
            check("one output, binary", client.infer(model, packed, outputs=[triton.InferRequestedOutput(output, binary_data=True)]), case, [output])
        if not cases.sayable(arrays):
            continue
        text = tensors(arrays, False)
        outputs = [triton.InferRequestedOutput(n, binary_data=False) for n in names]
        if all(a != "NaN" for o in case["outputs"].values() for a in o["data"]):
            check("JSON", client.infer(model, text, outputs=outputs), case)
        check("JSON in, binary out", client.infer(model, text), case)
        mixed = [p if k % 2 else t for k, (p, t) in enumerate(zip(packed, text))]
        check("mixed", client.infer(model, mixed, outputs=outputs[:1] + [triton.InferRequestedOutput(n) for n in names[1:]]), case)

    before = client.get_inference_statistics(model, version)["model_stats"][0]
    client.infer(model, packed)
    after = client.get_inference_statistics(model)["model_stats"][0]
    for name in ("success", "queue", "compute_input", "compute_infer", "compute_output"):
        counts.check("statistics", after["inference_stats"][name]["count"] - before["inference_stats"][name]["count"], 1)
    counts.check("statistics, rows", after["inference_count"] - before["inference_count"], len(next(iter(arrays.values()))))
    counts.check("statistics, executions", after["execution_count"] - before["execution_count"], 1)
    counts.check("statistics of all", client.get_inference_statistics()["model_stats"][0]["name"], model)
    config = client.get_model_config(model, version)
    counts.check("configuration", (config["name"], client.get_model_config(model)), (model, config))
    batched = config["max_batch_size"] > 0
    for tensor, described in zip(config["input"] + config["output"], metadata["inputs"] + metadata["outputs"], strict=True):
        dims = tensor.get("reshape", {"shape": tensor["dims"]})["shape"]
        counts.check("configuration, tensors", (tensor["name"], tensor["data_type"].replace("STRING", "BYTES"), [-1] * batched + dims),
                     (described["name"], "TYPE_" + described["datatype"], described["shape"]))
    counts.check("index", client.get_model_repository_index(), [{"name": model, "version": version, "state": "READY", "reason": ""}])

    result = client.infer(model, packed, request_id="mine", parameters={"note": "x"}, priority=3, timeout=1000).get_response()
    counts.check("id", (result["id"], result["model_name"], result["model_version"]), ("mine", model, version))
    counts.check("id without one", bool(client.infer(model, packed).get_response()["id"]), True)

    code, message = status_of(lambda: client.infer("other", packed))
    counts.check("unknown model", (code, message), ("404", f'unknown model "other": there is "{model}"'))
    code, message = status_of(lambda: client.infer(model, packed, outputs=[triton.InferRequestedOutput("nothing")]))
    counts.check("unknown output", (code, message.startswith('outputs[0].name: this model has no output "nothing"')), ("400", True))
    stranger = triton.InferInput("stranger", [1, 1], "FP32")
    stranger.set_data_from_numpy(np.zeros((1, 1), np.float32))
    code, message = status_of(lambda: client.infer(model, [stranger]))
    counts.check("unknown input", (code, message.startswith('inputs[0].name: this model has no input "stranger"')), ("400", True))
    name, first = next(iter(arrays.items()))
    wrong = {name: np.concatenate([first, first], axis=-1) if first.ndim > 1 else first.reshape(-1, 1)}
    code, message = status_of(lambda: client.infer(model, tensors(wrong, True)))
    counts.check("wrong shape", (code, message.startswith(f'inputs[0].shape: input "{name}": want')), ("400", True))
    print(json.dumps({"cases": len(recorded), **counts}))


main(*sys.argv[1:])
