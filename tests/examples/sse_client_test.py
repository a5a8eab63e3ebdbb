"""sse_client follows a stream of Python's http.server. COAX_EXAMPLES names the folder of its binary."""

import http.server
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import Program  # noqa: E402

EVENTS = 5


class Events(http.server.BaseHTTPRequestHandler):
    """Two events for each connection, which ends in the middle of the third; 204 behind the last one."""

    def do_GET(self):
        self.server.requests.append(self.headers)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "/events")
            self.end_headers()
            return
        if self.path != "/events":
            return self.send_error(404)
        last = int(self.headers.get("Last-Event-ID", 0))
        if last == EVENTS:
            self.send_response(204)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for n in range(last + 1, min(last + 2, EVENTS) + 1):
            self.wfile.write(f"id: {n}\ndata: line {n}\ndata: and another\n\n".encode())
        self.wfile.write(b"id: 99\ndata: unfinished")

    def log_message(self, *_):
        pass


class SseClient(unittest.TestCase):
    def setUp(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Events)
        self.server.requests = []
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def follow(self, path):
        with Program("sse_client", "--retry", "1", "--header", "X-Token: t", self.url + path) as client:
            self.assertEqual(client.exit_code(), 0)
            return [json.loads(line) for line in client.output.splitlines()]

    def test_it_goes_on_behind_the_last_id_until_it_is_told_to_stop(self):
        for path in ("/events", "/away"):
            with self.subTest(path):
                self.server.requests.clear()
                expected = [{"type": "message", "id": str(n), "data": f"line {n}\nand another"}
                            for n in range(1, EVENTS + 1)]
                self.assertEqual(self.follow(path), expected)
                self.assertTrue(all(r["X-Token"] == "t" for r in self.server.requests))
                self.assertEqual(self.server.requests[-1]["Last-Event-ID"], str(EVENTS))

    def test_what_is_not_retried_is_told(self):
        with Program("sse_client", self.url + "/elsewhere") as client:
            self.assertEqual(client.exit_code(), 1)
            self.assertRegex(client.output, r"answered 404")

    def test_it_ends_after_so_many_events_and_tells_what_happens(self):
        with Program("sse_client", "--verbose", "--events", "3", "--retry", "1", self.url + "/events") as client:
            self.assertEqual(client.exit_code(), 0)
            self.assertEqual(client.output.count('"data"'), 3)
            self.assertRegex(client.output, r"open: http://\S+/events\n")
            self.assertRegex(client.output, r"; again in \d+ ms\n")


if __name__ == "__main__":
    unittest.main()
