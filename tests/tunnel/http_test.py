"""curl through a WebSocket, to an HTTP server behind it."""

import hashlib
import http.server
import os
import subprocess
import threading
import unittest

from tunnels import LONG, port_to

BODY = os.urandom(8 << 20)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(BODY)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode())

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        cls.addClassCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.shutdown)
        cls.target = f"tcp:127.0.0.1:{server.server_port}"

    def curl(self, *arguments, **options):
        return subprocess.run(["curl", "-sS", "--noproxy", "*", *arguments], capture_output=True, timeout=LONG,
                              check=True, **options).stdout

    def test_requests_go_both_ways_over_one_connection_and_over_several(self):
        with port_to(self.target) as port:
            url = f"http://127.0.0.1:{port}/"
            got = self.curl("-w", "%{num_connects}\n", url, "-o", "/dev/null", url, "-o", "/dev/null")
            self.assertEqual(got, b"1\n0\n")
            self.assertEqual(self.curl(url), BODY)
            answer = self.curl("--data-binary", "@-", "-H", "Expect:", url, input=BODY)
            self.assertEqual(answer.decode(), hashlib.sha256(BODY).hexdigest())

    def test_many_at_once(self):
        with port_to(self.target) as port:
            url = f"http://127.0.0.1:{port}/"
            done = [subprocess.Popen(["curl", "-sS", "--noproxy", "*", url], stdout=subprocess.PIPE) for _ in range(8)]
            for program in done:
                out, _ = program.communicate(timeout=LONG)
                self.assertEqual(program.returncode, 0)
                self.assertTrue(out == BODY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
