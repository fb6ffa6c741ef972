"""How throughput, latency and the model's time grow: prints tables and draws ../growth-connections.svg and
../growth-model.svg.

    python growth.py
"""
import re
import statistics
import subprocess
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "ml-service"
import matplotlib.pyplot as plt

from machine import ROOT, SERVER_CORE, WORKLOADS, Server, Slice, build, machine, workload

CONNECTIONS = (1, 16, 256, 1024)
ROUNDS = 5


def save(figure, name):
    figure.tight_layout()
    figure.savefig(ROOT / "bench" / name, metadata={"Date": None})


def connections(work):
    ours, bare = build(work)
    lines = {}
    for title, width, name in WORKLOADS:
        bodies, probe, _, env = workload(work, width, name)
        servers = [Server(title, [ours], probe=probe, **env), Server(f"bare net/http, {width} numbers", [bare], probe=probe)]
        for server in servers:
            lines[server.name] = {n: [] for n in CONNECTIONS}
        for _ in range(ROUNDS):
            for n in CONNECTIONS:
                for server in servers:
                    lines[server.name][n].append(Slice(server, bodies, 2, n))
        for server in servers:
            server.stop()
    print("\n| connections | " + " | ".join(str(n) for n in CONNECTIONS) + " |\n|---|" + "---|" * len(CONNECTIONS))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4))
    for name, slices in lines.items():
        rate = [statistics.median(s.rate for s in slices[n]) for n in CONNECTIONS]
        p99 = [statistics.median(s.p99 for s in slices[n]) / 1000 for n in CONNECTIONS]
        print(f"| {name}, requests/s | " + " | ".join(f"{v:.0f}" for v in rate) + " |")
        print(f"| {name}, p99 ms | " + " | ".join(f"{v:.2f}" for v in p99) + " |")
        style = "--" if name.startswith("bare") else "-"
        left.plot(CONNECTIONS, rate, style, marker="o", label=name)
        right.plot(CONNECTIONS, p99, style, marker="o", label=name)
    for axes, text in ((left, "requests a second, one core"), (right, "99th percentile, ms")):
        axes.set(xscale="log", xlabel="connections", ylabel=text)
        axes.set_xticks(CONNECTIONS, [str(n) for n in CONNECTIONS])
        axes.grid(alpha=0.3)
    left.set_ylim(bottom=0)
    right.set_yscale("log")
    left.legend(fontsize=8)
    save(figure, "growth-connections.svg")


def model():
    out = subprocess.run(["taskset", "-c", SERVER_CORE, "go", "test", "./tree", "-run", "^$", "-bench", "Growth", "-count", "3", "-benchtime", "200ms", "-cpu", "1"],
                         cwd=ROOT, check=True, capture_output=True, text=True).stdout
    times = {}
    for what, size, rows, ns in re.findall(r"Growth/(\w+)=(\d+)/rows=(\d+)\s+\d+\s+([\d.]+) ns/op", out):
        times.setdefault((what, int(rows)), {}).setdefault(int(size), []).append(float(ns) / int(rows))
    figure, both = plt.subplots(1, 2, figsize=(10, 4))
    for axes, what, label in zip(both, ("trees", "features"), ("trees of depth 6, 30 features", "features, 100 trees of depth 6")):
        for rows in (1, 512):
            sizes = sorted(times[what, rows])
            values = [statistics.median(times[what, rows][n]) for n in sizes]
            print(f"\n| {what}, {rows} row{'s' * (rows > 1)} at once | " + " | ".join(map(str, sizes)) + " |\n|---|" + "---|" * len(sizes))
            print("| ns a row | " + " | ".join(f"{v:.0f}" for v in values) + " |")
            axes.plot(sizes, values, marker="o", label=f"{rows} row{'s' * (rows > 1)} at once")
        axes.set(xscale="log", yscale="log", xlabel=label, ylabel="ns a row")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    save(figure, "growth-model.svg")


if __name__ == "__main__":
    print(machine())
    model()
    with tempfile.TemporaryDirectory() as tmp:
        connections(Path(tmp))
