"""KServe's own client against a running service: URL MODEL VERSION CASES."""
import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig
from kserve.protocol.infer_type import RequestedOutput

import cases


def request(model, arrays, binary, **more):
    inputs = []
    for name, a in arrays.items():
        datatype = cases.DATATYPES[next(k for k, v in cases.DTYPES.items() if v == a.dtype.type)]
        x = InferInput(name, list(a.shape), datatype)
        x.set_data_from_numpy(a, binary_data=binary)
        inputs.append(x)
    return InferRequest(model_name=model, infer_inputs=inputs, **more)


async def main(url, model, version, path):
    fixture, recorded = cases.load(path)
    counts = cases.Counts()
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    counts.check("live", await client.is_server_live(url), True)
    counts.check("ready", await client.is_server_ready(url), True)
    counts.check("model ready", await client.is_model_ready(url, model), True)
    counts.check("other model is not ready", await client.is_model_ready(url, "other"), False)
    async with httpx.AsyncClient() as plain:
        metadata = (await plain.get(f"{url}/v2/models/{model}")).json()
    labels = {o["name"]: o.get("parameters", {}).get("labels") for o in metadata["outputs"]}

    async def check(name, req, case, wanted=tuple(labels)):
        headers = {}
        result = await client.infer(url, req, model_name=model, response_headers=headers)
        counts.check(name + ", version", headers["x-model-version"], version)
        counts.check(name + ", outputs", [o.name for o in result.outputs], list(wanted))
        if req.id:
            counts.check(name + ", id", result.id, req.id)
        for o in result.outputs:
            cases.compare(counts, name, o.name, case["outputs"][o.name], o.as_numpy(), labels[o.name], cases.tolerance(fixture, case, o.name))

    for case in recorded:
        arrays = {n: cases.array(t) for n, t in case["inputs"].items()}
        if all(a != "NaN" for o in case["outputs"].values() for a in o["data"]):
            await check("binary", request(model, arrays, True, request_id="mine"), case)
            if cases.sayable(arrays):
                await check("JSON", request(model, arrays, False, request_id="mine"), case)
        await check("binary in and out", request(model, arrays, True, parameters={"binary_data_output": True}), case)
        last = list(labels)[-1]
        await check("one output", request(model, arrays, True, request_outputs=[RequestedOutput(last, {"binary_data": True})]), case, [last])

    wrong = {"stranger": np.zeros((1, 1), np.float32)}
    for name, target, arrays, status, message in (
            ("unknown model", "other", arrays, 404, f'unknown model "other": there is "{model}"'),
            ("unknown input", model, wrong, 400, 'inputs[0].name: this model has no input "stranger"')):
        try:
            await client.infer(url, request(target, arrays, True), model_name=target)
            sys.exit(f"{name}: was answered")
        except httpx.HTTPStatusError as e:
            counts.check(name, (e.response.status_code, message in str(e)), (status, True))
    await client.close()
    print(json.dumps({"cases": len(recorded), **counts}))


asyncio.run(main(*sys.argv[1:]))
