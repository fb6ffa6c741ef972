"""Processor time a request of two builds of the service, both at once under the same load on the server's core: what the machine does
meanwhile meets both, so that one in a hundred shows, where slices in turn scatter by ten.

    git worktree add ../before <commit> && (cd ../before && go build -tags nomsgpack -o /tmp/before ./cmd/local)
    python versions.py /tmp/before [rounds]

The other build is the one that ships. 20 rounds of 2 seconds if not given.
"""
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import WORKLOADS, Server, Slice, build, machine, spread, workload


def nanoseconds(server):
    """Processor time so far, of all threads."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in Path(f"/proc/{server.process.pid}/task").iterdir())


def main(before, rounds):
    print(machine(), flush=True)
    print("| workload | now of before, median (middle half) | us a request, before : now |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
        ours, _ = build(Path(tmp))
        for title, width, name in WORKLOADS:
            bodies, probe, _, env = workload(Path(tmp), width, name)
            servers = [Server(what, [binary], probe=probe, **env) for what, binary in (("before", before), ("now", ours))]
            times = []
            for _ in range(rounds + 1):
                start = [nanoseconds(s) for s in servers]
                slices = list(pool.map(lambda s: Slice(s, bodies, 2, 8), servers))
                times.append([(nanoseconds(s) - at) / x.requests / 1000 for s, at, x in zip(servers, start, slices)])
            times = times[1:]  # the first warms both
            print(f"| {title} | {spread([now / then for then, now in times])} | "
                  + " : ".join(f"{statistics.median(side):.3g}" for side in zip(*times)) + " |", flush=True)
            for s in servers:
                s.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 20)
