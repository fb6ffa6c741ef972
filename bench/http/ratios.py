"""The service over HTTP, against a bare net/http handler and against FastAPI, as ratios of medians. FastAPI runs in uvicorn with
uvloop and httptools (uvicorn[standard]), and for ONNX Runtime also without them, as `pip install uvicorn` gives it.

    python ratios.py [pairs [quiet [seconds]]]

30 pairs of 2 seconds a side if not given, of which none counts in which something else used more than `quiet` cores (0.15).
wrk and taskset must be there.
"""
import sys
import tempfile
from pathlib import Path

from machine import WORKLOADS, Server, both, build, machine, pairs, spread, workload

PYTHON = sys.executable


def main(wanted, quiet, seconds):
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as tmp:
        work = Path(tmp)
        ours, bare = build(work)
        uvicorn = [PYTHON, "-m", "uvicorn", "--port", "{port}", "--log-level", "warning", "--no-access-log"]
        for title, width, name in WORKLOADS:
            bodies, probe, file, env = workload(work, width, name)
            service = Server("ml-service", [ours], probe=probe, **env)
            rivals = [
                (Server("bare net/http", [bare], probe=probe), wanted, "of"),
                (Server("metrics off", [ours], probe=probe, METRICS="false", **env), wanted, "of"),
                (Server("FastAPI + ONNX Runtime", [*uvicorn, "peer_onnx:app"], probe=probe, MODEL=str(file)), max(wanted // 3, 3), "times"),
                (Server("FastAPI + ONNX Runtime, plain uvicorn", [*uvicorn, "--loop", "asyncio", "--http", "h11", "peer_onnx:app"], probe=probe,
                        MODEL=str(file)), max(wanted // 3, 3), "times"),
                (Server("FastAPI + " + ("scikit-learn" if width == 3 else "XGBoost"), [*uvicorn, "peer_library:app"], probe=probe, WIDTH=str(width)),
                 max(wanted // 3, 3), "times"),
            ]
            print(f"\n{title}\n| against | ratio of rates, median (middle half) | pairs kept of tried | requests/s | CPU us/request | p99 us |\n|---|---|---|---|---|---|")
            for rival, count, word in rivals:
                kept, tried = pairs(service, rival, bodies, count, seconds, quiet)
                if not kept:
                    print(f"| {rival.name} | no quiet pair in {tried} | 0 of {tried} | | | |", flush=True)
                    continue
                ratio = [a.rate / b.rate for a, b in kept]
                print(f"| {rival.name} | {spread(ratio)} {word} | {len(kept)} of {tried} | {both(kept, lambda s: s.rate)} | "
                      f"{both(kept, lambda s: s.cpu_us)} | {both(kept, lambda s: s.p99)} |", flush=True)
            for server in [service, *(r[0] for r in rivals)]:
                server.stop()


if __name__ == "__main__":
    pairs_given, quiet_given, seconds_given = (sys.argv[1:] + ["30", "0.15", "2"][len(sys.argv) - 1:])[:3]
    main(int(pairs_given), float(quiet_given), int(seconds_given))
