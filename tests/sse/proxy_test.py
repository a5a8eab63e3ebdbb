"""Events go through nginx and HAProxy without delay, with the defaults of both.

COAX_EXAMPLES names the folder of events_server. Each event is sent when the client has confirmed the one before, so one
that a proxy holds back never comes.
"""

import http.client
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import time
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Program  # noqa: E402

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{server}; {more} }}
  }}
}}
"""

HAPROXY = """
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend all
  bind 127.0.0.1:{port}
  default_backend events
backend events
  server one 127.0.0.1:{server}
"""


def find(program):
    """Debian puts daemons where only root looks."""
    return shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Proxy:
    """One of them, in a folder of its own, ended by its own process id."""

    def __init__(self, name, template, server, more=""):
        self._folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        config = os.path.join(self._folder.name, "config")
        pathlib.Path(config).write_text(
            template.format(folder=self._folder.name, port=self.port, server=server, more=more), encoding="ascii")
        arguments = {"nginx": ["-p", self._folder.name, "-c", config], "haproxy": ["-db", "-f", config]}[name]
        self._program = Program(find(name), *arguments)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > end or not self._program.running:
                    self._program.stop()
                    raise AssertionError(f"{name} does not listen:\n{self._program.output}") from None
                time.sleep(0.01)

    def stop(self):
        self._program.stop()
        self._folder.cleanup()


class Through(unittest.TestCase):
    def setUp(self):
        self.server = Program("events_server")
        self.addCleanup(self.server.stop)
        self.server_port = int(self.server.says(r"http://127\.0\.0\.1:(\d+)/").group(1))

    def proxy(self, *arguments):
        proxy = Proxy(*arguments)
        self.addCleanup(proxy.stop)
        return proxy.port

    def confirm(self, key):
        c = http.client.HTTPConnection("127.0.0.1", self.server_port, timeout=PATIENCE)
        c.request("POST", f"/confirm?key={key}")
        self.assertEqual(c.getresponse().status, 204)
        c.close()

    def lockstep(self, port, query="", headers=None):
        key = f"k{port}{len(query)}"
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        c.request("GET", f"/lockstep?key={key}{query}", headers=headers or {})
        answer = c.getresponse()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.getheader("Content-Type"), "text/event-stream")
        packed = answer.getheader("Content-Encoding") == "gzip"
        self.assertEqual(packed, headers is not None)
        unpack = zlib.decompressobj(16 + zlib.MAX_WBITS)
        text = b""
        for i in range(10):
            whole = b"data: %d\nid: %s%d\n\n" % (i, key.encode(), i)
            while not text.endswith(whole):
                some = answer.read1(65536)
                self.assertTrue(some, f"the stream ended after {text!r}")
                text += unpack.decompress(some) if packed else some
            self.confirm(key)
        # It ends cleanly: a chunked answer that is cut raises IncompleteRead.
        self.assertEqual(unpack.decompress(answer.read()) if packed else answer.read(), b"")
        c.close()

    def departure(self, port):
        s = socket.create_connection(("127.0.0.1", port), PATIENCE)
        s.sendall(b"GET /ticks HTTP/1.1\r\nHost: a\r\n\r\n")
        while b"tick" not in s.recv(4096):
            pass
        s.close()
        self.server.says("gone")

    def test_nothing(self):
        self.lockstep(self.server_port)
        self.lockstep(self.server_port, "&gzip=1", {"Accept-Encoding": "gzip"})
        self.departure(self.server_port)

    def test_nginx(self):
        port = self.proxy("nginx", NGINX, self.server_port)
        self.lockstep(port)
        self.lockstep(port, "&gzip=1", {"Accept-Encoding": "gzip"})
        self.departure(port)

    def test_nginx_with_http_1_1(self):
        port = self.proxy("nginx", NGINX, self.server_port, "proxy_http_version 1.1;")
        self.lockstep(port)
        self.departure(port)

    def test_haproxy(self):
        port = self.proxy("haproxy", HAPROXY, self.server_port)
        self.lockstep(port)
        self.lockstep(port, "&gzip=1", {"Accept-Encoding": "gzip"})
        self.departure(port)


if __name__ == "__main__":
    unittest.main(verbosity=2)
