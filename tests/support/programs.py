"""Starts programs under test, waits for what they say with a deadline, and ends them by their own process ids."""

import contextlib
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

PATIENCE = 30  # seconds, for anything that happens at all
EXAMPLES = os.environ.get("COAX_EXAMPLES", ".")


def free_port():
    """For servers that cannot choose one themselves: none of those that the kernel gives to whoever asks for any."""
    first_given, last_given = map(int, pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    first, last, enough = 1024, 65535, 1000
    if first_given > first + enough:
        last = first_given - 1
    elif last_given < last - enough:
        first = last_given + 1
    while True:
        port = random.randint(first, last)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port


class Program:
    """One of the examples, or a program anywhere, running: `with Program("echo_server", "--port", "0") as p`."""

    def __init__(self, name, *arguments, folder=None, environment=None):
        self._said = threading.Condition()
        self._output = ""
        self._process = subprocess.Popen([os.path.join(EXAMPLES, name), *arguments],
                                         cwd=folder, env={**os.environ, **(environment or {})},
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                         for stream in (self._process.stdout, self._process.stderr)]
        for reader in self._readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._said:
                    self._output += line
                    self._said.notify_all()

    @property
    def output(self):
        """What came on both streams so far."""
        with self._said:
            return self._output

    def says(self, pattern, patience=PATIENCE):
        """Waits until the output matches a regular expression; the first match."""
        end = time.monotonic() + patience
        with self._said:
            while not (match := re.search(pattern, self._output)):
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"{self._process.args[0]} did not say {pattern!r} in time:\n{self._output}")
                self._said.wait(left)
            return match

    def url(self):
        return self.says(r"\b(wss?|https?)://\S+").group()

    def peak_memory(self):
        """The most bytes that it has had in memory so far."""
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) * 1024

    @property
    def running(self):
        return self._process.poll() is None

    def send_signal(self, number):
        self._process.send_signal(number)

    def exit_code(self, patience=PATIENCE):
        """Waits for the end; negative for the signal that ended it."""
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self._process.args[0]} did not end in time:\n{self.output}") from None
        for reader in self._readers:
            reader.join()
        return code

    def stop(self, number=signal.SIGTERM):
        """Ends it with a signal; kills it, and fails, when that does not help. Its exit code."""
        if self._process.poll() is None:
            self.send_signal(number)
        try:
            return self.exit_code()
        finally:
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()


class Certificate:
    """A throw-away certificate for localhost and 127.0.0.1, that signs itself."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.file = os.path.join(self._folder.name, "cert.pem")
        self.key = os.path.join(self._folder.name, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "1", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.file],
                       check=True, capture_output=True, timeout=PATIENCE)

    def remove(self):
        self._folder.cleanup()
