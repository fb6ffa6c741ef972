"""Check InferenceServices against the models of the kserve and kubernetes packages, and print their containers as JSON: FILE..."""
import json
import sys

import kserve
import kubernetes.client
import yaml


def check(value, kind, where):
    """No field that the type does not know, and every field of the type it should be."""
    if kind.lower().startswith("list["):
        if not isinstance(value, list):
            sys.exit(f"{where}: got {value!r}, want a list")
        for i, v in enumerate(value):
            check(v, kind[len("list["):-1], f"{where}[{i}]")
    elif kind.lower().startswith("dict"):
        for k, v in value.items():
            check(v, kind.split(", ", 1)[1][:-1], f"{where}.{k}")
    elif model := getattr(kserve, kind, None) or getattr(kubernetes.client, kind, None):
        if not isinstance(value, dict):
            sys.exit(f"{where}: got {value!r}, want {kind}")
        fields = {wire: name for name, wire in model.attribute_map.items()}
        for k, v in value.items():
            if k not in fields:
                sys.exit(f"{where}: {kind} has no field {k}")
            check(v, model.openapi_types[fields[k]], f"{where}.{k}")
    elif kind in ("int", "str", "bool", "float") and not isinstance(value, {"int": int, "str": str, "bool": bool, "float": (int, float)}[kind]):
        sys.exit(f"{where}: got {value!r}, want {kind}")


containers = {}
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        manifest = yaml.safe_load(f)
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService"), path
    check(manifest, "V1beta1InferenceService", path)
    containers[manifest["metadata"]["name"]] = manifest["spec"]["predictor"]["containers"][0]
print(json.dumps(containers))
