"""What every measurement here shares: processes on cores of their own, one slice of load, and what else the machine did."""
import os
import platform
import re
import signal
import socket
import statistics
import struct
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "bench" / "testdata"
SERVER_CORE, LOAD_CORE = "1", "0"
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A process on the server's core, which answers on a port of 127.0.0.1."""

    def __init__(self, name, command, probe=None, port=None, **env):
        self.name, self.port = name, port or free_port()
        words = [str(w).replace("{port}", str(self.port)) for w in command]
        self.url = f"http://127.0.0.1:{self.port}/predict"
        self.log = tempfile.TemporaryFile()  # a pipe that nobody reads would stop the server once it is full
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["taskset", "-c", SERVER_CORE, *words], cwd=HERE, stdout=subprocess.DEVNULL, stderr=self.log,
            env={**os.environ, "PORT": str(self.port), "HOST": "127.0.0.1", "GOMAXPROCS": "1", "OMP_NUM_THREADS": "1", **env})
        self._wait(probe or b'{"x":[0.4,-0.2,0.1]}')

    def _wait(self, probe):
        for _ in range(20000):
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(f"{self.name} ended: {self.log.read().decode()}")
            try:
                with urllib.request.urlopen(urllib.request.Request(self.url, probe, {"Content-Type": "application/json"}), timeout=5) as r:
                    if r.status == 200:
                        self.ready = time.monotonic() - self.started
                        return
            except OSError:
                time.sleep(0.003)
        raise SystemExit(f"{self.name} does not answer")

    def cpu(self):
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self):
        """MiB of resident memory."""
        return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) / 1024

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


def busy():
    """Seconds all processors have worked so far, stolen time included."""
    fields = [int(f) for f in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


class Slice:
    """One slice of load on one server."""

    def __init__(self, server, bodies, seconds=2, connections=16):
        cpu, all_before = server.cpu(), busy()
        before = os.times()
        out = subprocess.run(
            ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
             "-s", str(HERE / "bodies.lua"), server.url, "--", str(bodies)],
            check=True, capture_output=True, text=True).stdout
        after = os.times()
        requests, duration, failed, p99 = re.search(r"RESULT (\d+) ([\d.]+) (\d+) (\d+)", out).groups()
        if int(failed):
            raise SystemExit(f"{server.name}: {failed} failed requests\n{out}")
        own = server.cpu() - cpu
        wrk = after.children_user + after.children_system - before.children_user - before.children_system
        self.requests = int(requests)
        self.rate = self.requests / float(duration)
        self.cpu_us = own / max(self.requests, 1) * 1e6
        self.p99 = int(p99)
        self.others = max(busy() - all_before - own - wrk, 0) / float(duration)  # cores that something else used


def pairs(one, other, bodies, wanted=30, seconds=2, quiet=0.15, most=3):
    """Alternating slices of two servers; a pair in which something else used more than `quiet` of a core is not
    counted, at most `most` times the wanted pairs are tried. Gives the counted pairs and how many there were."""
    kept, tried = [], 0
    while len(kept) < wanted and tried < most * wanted:
        order = (one, other) if tried % 2 == 0 else (other, one)
        slices = {s.name: Slice(s, bodies, seconds) for s in order}
        tried += 1
        if max(s.others for s in slices.values()) <= quiet:
            kept.append((slices[one.name], slices[other.name]))
    return kept, tried


def spread(values):
    """Median and the middle half, as text."""
    low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return f"{median:.3g} ({low:.3g}-{high:.3g})"


def both(kept, field):
    """The medians of a field of either side's slices, as text."""
    return " : ".join(f"{statistics.median(field(pair[side]) for pair in kept):.3g}" for side in (0, 1))


def machine():
    """One line on what this was measured on."""
    model = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    return f"{os.cpu_count()} cores, {model[1] if model else platform.machine()}, Linux {platform.release()}, {go}, Python {platform.python_version()}"


def write_bodies(file, width, count=1000):
    """So many different bodies, one a line: the demo's input by seed, or the recorded rows of the bench models."""
    import random
    random.seed(7)
    raw = (DATA / "xgb100_d6" / "rows.f32").read_bytes()
    rows = struct.unpack(f"<{len(raw) // 4}f", raw)
    with open(file, "w") as out:
        for k in range(count):
            if width == 3:
                x = [random.gauss(0, 1) for _ in range(3)]
            else:
                at = k % 512 * 30
                x = [v + (0 if k < 512 else random.gauss(0, 0.01)) for v in rows[at:at + 30]]
            print('{"x": [' + ", ".join(f"{v:.7g}" for v in x) + "]}", file=out)


def build(work):
    """The service as it ships, and the bare handler."""
    subprocess.run(["go", "build", "-pgo=cmd/local/cpu.pgo", "-tags", "nomsgpack", "-trimpath", "-ldflags", "-s -w", "-o", work / "ml-service", "./cmd/local"],
                   cwd=ROOT, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    subprocess.run(["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", work / "bare", "./bare"], cwd=HERE, check=True)
    return work / "ml-service", work / "bare"


WORKLOADS = (("logistic, 3 features", 3, None), ("100 trees, 30 features", 30, "xgb100_d6"))


def workload(work, width, name):
    """The file of bodies for one of WORKLOADS, the first of them, the model's file, and what makes the service serve it."""
    bodies = work / f"bodies{width}"
    write_bodies(bodies, width)
    probe = bodies.read_bytes().splitlines()[0]
    if name is None:
        return bodies, probe, ROOT / "models/v1.0.0/model.onnx", {}
    file = work / name / "v1" / "model.onnx"
    file.parent.mkdir(parents=True)
    file.write_bytes((DATA / name / "model.onnx").read_bytes())
    return bodies, probe, file, {"MODEL_DIR": str(work / name), "MODEL_VERSION": "v1"}
