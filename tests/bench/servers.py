"""The servers of the benchmark, ours and the peers: how to build, start and end them."""
import contextlib
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
BENCH = BUILD / "tests/bench"
NODE = shutil.which("node")
WS = ROOT / "tests/interop/node_modules/ws"


def build():
    # What it prints is of interest only when it fails.
    for command in (["cmake", "--preset", "release"],
                    ["cmake", "--build", "--preset", "release", "--parallel", str(os.cpu_count()), "--target", "bench"]):
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode != 0:
            sys.exit(run.stdout)


class Certificate:
    """A self-signed one, made when it is first needed."""

    _folder = None

    @classmethod
    def arguments(cls):
        if cls._folder is None:
            cls._folder = tempfile.TemporaryDirectory()
            path = Path(cls._folder.name)
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                            "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", path / "key.pem",
                            "-out", path / "cert.pem"], check=True, capture_output=True)
        path = Path(cls._folder.name)
        return ["--tls-cert", str(path / "cert.pem"), "--tls-key", str(path / "key.pem")]


def ours(workload):
    command = [str(BUILD / "examples/echo_server"), "--threads", "1", "--read-limit", "0", "--deflate", workload.deflate]
    return command + Certificate.arguments() if workload.tls else command


def beast(workload, tuned):
    if workload.tls:
        return [str(BENCH / "beast_tls_echo"), "--tuned", tuned, *Certificate.arguments()]
    return [str(BENCH / "beast_echo"), "--tuned", tuned, "--deflate", workload.deflate]


def servers_of(workload, more):
    """Pairs of name and command; ours is the first."""
    plain = not workload.tls and workload.deflate == "off"
    found = [("coax", ours(workload))]
    if plain:
        found.append(("raw epoll", [str(BENCH / "raw_echo")]))
    if plain and workload.bytes_too:
        found.append(("asio, bytes", [str(BENCH / "asio_echo")]))
    found.append(("beast", beast(workload, "0")))
    found.append(("beast, tuned", beast(workload, "1")))
    if plain and NODE and WS.exists():
        found.append(("npm ws", [NODE, str(ROOT / "tests/bench/ws_echo.mjs")]))
    if plain:
        found += [(name, shlex.split(command)) for name, command in (p.split("=", 1) for p in more)]
    return found


class Target(tuple):
    """Port and process id; `load` is what the load has to be told for it."""

    load = ()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


@contextlib.contextmanager
def server(command):
    """Runs a server on core 0."""
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", "0", *command, "--port", str(port)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            if process.poll() is not None:
                sys.exit(f"{shlex.join(command)} ended with {process.returncode}")
            time.sleep(0.1)
        else:
            sys.exit(f"{shlex.join(command)} does not listen on port {port}")
        target = Target((port, process.pid))
        if command[0].endswith("asio_echo"):
            target.load = ("--framed", "0")
        yield target
    finally:
        process.kill()
        process.wait()
