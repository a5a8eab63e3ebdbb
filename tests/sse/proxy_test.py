"""Events go through nginx and HAProxy without delay, with the defaults of both.

COAX_EXAMPLES names the folder of events_server. Each event is sent when the client has confirmed the one before, so one
that a proxy holds back never comes.
"""

import http.client
import pathlib
import socket
import sys
import unittest
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Program  # noqa: E402
from proxies import Proxy, nginx_main  # noqa: E402

def nginx(server, more=""):
    return lambda folder, port: nginx_main(folder, f"""
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{server}; {more} }}
  }}""")


def haproxy(server):
    return lambda _, port: f"""
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
        port = self.proxy("nginx", nginx(self.server_port))
        self.lockstep(port)
        self.lockstep(port, "&gzip=1", {"Accept-Encoding": "gzip"})
        self.departure(port)

    def test_nginx_with_http_1_1(self):
        port = self.proxy("nginx", nginx(self.server_port, "proxy_http_version 1.1;"))
        self.lockstep(port)
        self.departure(port)

    def test_haproxy(self):
        port = self.proxy("haproxy", haproxy(self.server_port))
        self.lockstep(port)
        self.lockstep(port, "&gzip=1", {"Accept-Encoding": "gzip"})
        self.departure(port)


if __name__ == "__main__":
    unittest.main(verbosity=2)
