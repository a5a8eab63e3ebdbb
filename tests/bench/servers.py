"""The servers of the benchmark, ours and the peers: how to build, start and end them."""
import contextlib
import functools
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.programs import Certificate, free_port  # noqa: E402

BUILD = ROOT / "build/release"
BENCH = BUILD / "tests/bench"
NODE = shutil.which("node")
WS = ROOT / "tests/interop/node_modules/ws"


def build():
    # What it prints is of interest only when it fails.
    for command in (["cmake", "--preset", "release", "-DCOAX_BUILD_TESTS=ON"],
                    ["cmake", "--build", "--preset", "release", "--parallel", str(os.cpu_count()), "--target", "bench"]):
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode != 0:
            sys.exit(run.stdout)


certificate = functools.cache(Certificate)  # made when it is first needed


def tls_arguments():
    return ["--tls-cert", certificate().file, "--tls-key", certificate().key]


def ours(workload):
    command = [str(BUILD / "examples/echo_server"), "--threads", "1", "--read-limit", "0", "--deflate", workload.deflate]
    return command + tls_arguments() if workload.tls else command


def beast(workload, tuned):
    if workload.tls:
        return [str(BENCH / "beast_tls_echo"), "--tuned", tuned, *tls_arguments()]
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


@dataclass
class Target:
    """A server that runs, and what the load has to be told for it."""
    process: subprocess.Popen
    port: int
    load: tuple = ()

    @property
    def pid(self):
        return self.process.pid


@contextlib.contextmanager
def server(command, cores="0"):
    """Runs a server on one core, or those that are named."""
    port = free_port()
    process = subprocess.Popen(["taskset", "-c", cores, *command, "--port", str(port)], stdout=subprocess.DEVNULL,
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
        yield Target(process, port, ("--framed", "0") if command[0].endswith("asio_echo") else ())
    finally:
        process.kill()
        process.wait()
