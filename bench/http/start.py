"""Process start to the first 200, and resident memory at rest and after load, for the embedded models.

    python start.py
"""
import statistics
import tempfile
from pathlib import Path

from machine import Server, Slice, build, machine, write_bodies

STARTS = 41

if __name__ == "__main__":
    print(machine())
    with tempfile.TemporaryDirectory() as tmp:
        work = Path(tmp)
        ours, _ = build(work)
        write_bodies(work / "bodies", 3)
        print("\n| model | start to first 200, median and slowest of", STARTS, "| MiB at rest | MiB after load |\n|---|---|---|---|")
        for version in ("v1.0.0", "v1.1.0"):
            ready = []
            for _ in range(STARTS):
                server = Server("ml-service", [ours], MODEL_VERSION=version)
                ready.append(server.ready * 1000)
                server.stop()
            server = Server("ml-service", [ours], MODEL_VERSION=version)
            rest = server.resident()
            for connections in (16, 256):
                Slice(server, work / "bodies", 5, connections)
            print(f"| {version} | {statistics.median(ready):.1f} ms, {max(ready):.1f} ms | {rest:.1f} | {server.resident():.1f} |")
            server.stop()
