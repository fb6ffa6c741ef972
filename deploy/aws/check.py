#!/usr/bin/env python3
"""Asks a published version of the function for its golden rows, as a caller would, and fails on the first difference.

    check.py FUNCTION QUALIFIER VERSION [golden.json]

It invokes FUNCTION:QUALIFIER by `aws lambda invoke` with events of the HTTP API: /health, whose version must be VERSION,
and POST /predict for each golden row. Without golden.json, /health alone. It prints the function's version and the answers
that it checked.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path


def fail(text):
    sys.exit(f"check: {text}")


def invoke(function, qualifier, path, body=None):
    """One request; the answer's status, headers and JSON."""
    event = {
        "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "GET" if body is None else "POST", "path": path, "sourceIp": "127.0.0.1"}, "stage": "$default"},
        "isBase64Encoded": False,
    }
    if body is not None:
        event["body"] = json.dumps(body)
    with tempfile.TemporaryDirectory() as folder:
        out, payload = Path(folder, "out.json"), Path(folder, "event.json")
        payload.write_text(json.dumps(event))
        done = subprocess.run(
            ["aws", "lambda", "invoke", "--function-name", f"{function}:{qualifier}", "--payload", f"fileb://{payload}", "--output", "json", str(out)],
            capture_output=True, text=True, timeout=120)
        if done.returncode:
            fail(f"{qualifier}: {done.stderr.strip()}")
        said, text = json.loads(done.stdout), out.read_text()
    if said.get("FunctionError"):
        fail(f"{qualifier} does not run: {text[:1000]}")
    answer = json.loads(text)
    headers = {k.lower(): v for k, v in answer.get("headers", {}).items()}
    return answer["statusCode"], headers, json.loads(answer["body"])


def close(got, want, absolute, relative):
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(close(g, w, absolute, relative) for g, w in zip(got, want))
    if isinstance(want, (int, float)) and not isinstance(want, bool):
        return isinstance(got, (int, float)) and abs(got - want) <= absolute + relative * abs(want)
    return got == want


def main():
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    function, qualifier, version = sys.argv[1:4]
    status, headers, health = invoke(function, qualifier, "/health")
    if status != 200 or health.get("version") != version:
        fail(f"{qualifier} answers /health with {status} {health}, want version {version}")
    checked = 0
    if len(sys.argv) == 5 and Path(sys.argv[4]).exists():
        golden = json.loads(Path(sys.argv[4]).read_text())
        tolerance = golden.get("tolerance", {})
        absolute, relative = tolerance.get("absolute", 1e-6), tolerance.get("relative", 1e-5)
        if len(golden["rows"]) != len(golden["answers"]):
            fail(f"{sys.argv[4]} has {len(golden['rows'])} rows and {len(golden['answers'])} answers")
        for i, (row, want) in enumerate(zip(golden["rows"], golden["answers"])):
            status, _, got = invoke(function, qualifier, "/predict", row)
            if status != 200 or got.get("version") != version or not close(got.get("prediction"), want.get("prediction"), absolute, relative):
                fail(f"{qualifier}, golden row {i}: got {status} {got}, want {want}")
            # The answer has three decimals.
            if want.get("confidence") is not None and not close(got.get("confidence"), want["confidence"], 5e-4 + absolute, relative):
                fail(f"{qualifier}, golden row {i}: got {got}, want confidence {want['confidence']}")
            checked += 1
            if checked == 5:
                break
    print(f"check: {qualifier} is version {headers.get('x-function-version')} of the function, serves {version}, and answered {checked} golden rows")


if __name__ == "__main__":
    main()
