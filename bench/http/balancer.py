"""Through Nginx against direct, and what each setting of nginx.conf gives.

    python balancer.py NGINX [WORD]   a binary of Nginx 1.27.4 or later; only the changes whose name has the word

Two colours and Nginx with one worker share a core; wrk has the other. Nginx reads the repository's nginx.conf with the
ports changed, and with one setting changed at a time. Slices alternate with the file as it ships.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import ROOT, Server, Slice, both, build, free_port, machine, spread, write_bodies

ROUNDS = 9
CHANGES = {
    "no connections kept to the colours": lambda c: c.replace("keepalive 32;", "").replace('proxy_set_header Connection "";', "proxy_set_header Connection close;"),
    "access log off": lambda c: c.replace("access_log /dev/stdout tries;", "access_log off;"),
    "access log buffered": lambda c: c.replace("access_log /dev/stdout tries;", "access_log /dev/stdout tries buffer=64k flush=1s;"),
    "no zone, no resolve": lambda c: c.replace("zone ml_backend 64k;", "").replace(" resolve;", ";"),
    "plain next_upstream": lambda c: c.replace("proxy_next_upstream error timeout non_idempotent;", ""),
    "large bodies in memory": lambda c: c.replace("client_body_buffer_size 16k;", "client_body_buffer_size 1m;"),
    "compiled regular expressions": lambda c: "pcre_jit on;\n" + c,
    "all new connections at once": lambda c: c.replace("worker_connections 2048;", "worker_connections 2048;\n    multi_accept on;"),
    "256 connections kept to the colours": lambda c: c.replace("keepalive 32;", "keepalive 256;"),
    "answers buffered": lambda c: c.replace("proxy_buffering off;", "proxy_buffering on;"),
    "no keepalive_min_timeout": lambda c: c.replace("keepalive_min_timeout 2s;", ""),
}


class Nginx(Server):
    def __init__(self, binary, config, work, name):
        port = free_port()
        text = re.sub(r"listen 8080 default_server[^\n]*", f"listen 127.0.0.1:{port};", config).replace("8079", str(free_port())).replace("8078", str(free_port())).replace("8077", str(free_port()))
        text = text.replace("worker_processes 4;", "worker_processes 1;").replace("/tmp/", f"{work}/{port}-").replace("/dev/stdout", f"{work}/{port}.log")
        file = work / f"{port}.conf"
        file.write_text(text)
        super().__init__(name, [binary, "-c", file], port=port)

    def cpu(self):
        """The worker's; the master does nothing."""
        out = subprocess.run(["ps", "-o", "cputimes=", "--ppid", str(self.process.pid)], check=True, capture_output=True, text=True).stdout
        return float(out.split()[0])


def main(binary, word=""):
    print(machine(), subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr.strip(), sep="\n")
    with tempfile.TemporaryDirectory() as tmp:
        work = Path(tmp)
        os.chmod(work, 0o755)
        ours, _ = build(work)
        bodies = work / "bodies"
        write_bodies(bodies, 3)
        colours = [Server("blue", [ours], COLOR="blue"), Server("green", [ours], COLOR="green", MODEL_VERSION="v1.1.0")]
        config = (ROOT / "nginx.conf").read_text().replace("resolver 127.0.0.11", "resolver 127.0.0.1")
        for server in colours:
            config = config.replace(f"ml-service-{server.name}:8080", f"127.0.0.1:{server.port}")
        shipped = Nginx(binary, config, work, "as it ships")
        others = [("direct to blue", colours[0])]
        for name, change in CHANGES.items():
            if word not in name:
                continue
            changed = change(config)
            if changed == config:
                raise SystemExit(f"{name}: changes nothing in nginx.conf")
            others.append((name, Nginx(binary, changed, work, name)))
        print("\n| against nginx.conf as it ships | ratio of rates, median (middle half) | requests/s | p99 us |\n|---|---|---|---|")
        for name, other in others:
            kept = [(Slice(other, bodies), Slice(shipped, bodies)) for _ in range(ROUNDS)]
            print(f"| {name} | {spread([a.rate / b.rate for a, b in kept])} | {both(kept, lambda s: s.rate)} | {both(kept, lambda s: s.p99)} |", flush=True)
        for server in [shipped, *(s for _, s in others)]:
            server.stop()
        colours[1].stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
