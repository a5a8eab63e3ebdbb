"""Tunnels of examples/pipe, and the servers that they lead to."""

import contextlib
import hashlib
import os
import pathlib
import pwd
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import EXAMPLES, PATIENCE, Program  # noqa: E402

PIPE = os.path.join(EXAMPLES, "pipe")
LONG = 300  # seconds, for what moves much, under a sanitizer on a busy machine


@contextlib.contextmanager
def websocket_to(target, *options):
    """The URL of a WebSocket that leads to an address of examples/pipe."""
    with Program("pipe", *options, "ws-listen:127.0.0.1:0", target) as door:
        yield door.url()


@contextlib.contextmanager
def port_to(target, *options):
    """A local TCP port that leads to an address, through a WebSocket between two pipes."""
    with websocket_to(target, *options) as url:
        with Program("pipe", *options, "tcp-listen:127.0.0.1:0", url) as entry:
            yield int(entry.says(r"listening on tcp:127\.0\.0\.1:(\d+)").group(1))


def random_file(path, size):
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(os.urandom(1 << 20))
    return path


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return h.hexdigest()


class Server:
    """A foreign server, stopped by its process id at the end."""

    def __init__(self, command, log, **options):
        self._log = log
        with open(log, "wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until(self, ready):
        """Asks until the server answers."""
        end = time.monotonic() + PATIENCE
        while not ready():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self._process.args[0]} does not answer:\n{self.output()}")
            time.sleep(0.05)

    def output(self):
        return pathlib.Path(self._log).read_text(errors="replace")


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def ordinary_user():
    """A user who is not root, to run what refuses to be run by root; None if we are one."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError("there is no user but root")
