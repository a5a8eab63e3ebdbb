"""The examples do what they are there to show. COAX_EXAMPLES names the folder of their binaries."""

import http.client
import pathlib
import signal
import socket
import sys
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Program  # noqa: E402
from websocket import WebSocket  # noqa: E402

ALL = ("cancellable_handler", "chat", "echo_client", "echo_server", "pipe", "sse_client", "ticker_client")


def address(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def open_websocket(url, path):
    return WebSocket(socket.create_connection(address(url), PATIENCE), path)


class EveryExample(unittest.TestCase):
    def test_help_tells_the_usage(self):
        for name in ALL:
            with self.subTest(name), Program(name, "--help") as program:
                self.assertEqual(program.exit_code(), 0)
                self.assertRegex(program.output, rf"(?i)usage: (\S*/)?{name}")

    def test_an_unknown_option_is_refused_with_the_usage(self):
        for name in ALL:
            with self.subTest(name), Program(name, "--no-such-option", "1") as program:
                self.assertEqual(program.exit_code(), 2)
                self.assertIn("--no-such-option", program.output)
                self.assertRegex(program.output, "(?i)usage: ")

    def test_a_value_that_is_missing_or_no_number_is_refused(self):
        for command in (("echo_server", "--port"), ("echo_server", "--threads", "many"),
                        ("echo_server", "--read-limit", "1k"), ("echo_client", "--read-limit", "x", "ws://a/"),
                        ("echo_client",), ("echo_client", "ws://a/", "ws://b/")):
            with self.subTest(command), Program(*command) as program:
                self.assertEqual(program.exit_code(), 2, program.output)

    def test_what_cannot_work_is_told_and_fails(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            for command in (("echo_server", "--port", port), ("cancellable_handler", "--port", port),
                            ("echo_server", "--port", "0", "--tls-cert", "/no/such/file", "--tls-key", "/no/such/file"),
                            ("echo_client", "nonsense"), ("echo_client", "gopher://127.0.0.1/")):
                with self.subTest(command), Program(*command) as program:
                    self.assertEqual(program.exit_code(), 1)
                    self.assertIn(command[0] + ": ", program.output)


class EchoServer(unittest.TestCase):
    def test_it_serves_websockets_and_nothing_else(self):
        with Program("echo_server", "--port", "0", "--threads", "2") as server:
            url = server.url()
            connection = http.client.HTTPConnection(*address(url), timeout=PATIENCE)
            for path in ("/", "/index.html", "/../etc/passwd"):
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                self.assertIn(answer.status, (400, 404, 426), path)
            connection.close()
            with open_websocket(url, "/any/path") as ws:
                self.assertEqual(ws.status, 101)
                ws.send(b"hello")
                self.assertEqual(ws.receive(), (1, b"hello"))
                ws.send(b"\x00\xff", opcode=2)
                self.assertEqual(ws.receive(), (2, b"\x00\xff"))
            self.assertEqual(server.stop(signal.SIGINT), 0)


class CancellableHandler(unittest.TestCase):
    def setUp(self):
        self.server = Program("cancellable_handler", "--port", "0")
        self.addCleanup(self.server.stop, signal.SIGKILL)
        self.url = self.server.url()

    def stream(self, seconds):
        connection = http.client.HTTPConnection(*address(self.url), timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("GET", f"/primes?seconds={seconds}")
        return connection, connection.getresponse()

    def test_the_work_ends_when_the_client_goes(self):
        # With lines unread, which resets the connection, or without.
        for method, reason in (("close", "primes, then "), ("finish", "primes, then the context was stopped")):
            with self.subTest(method), Program("cancellable_handler", "--port", "0") as server:
                url = server.url()
                with socket.create_connection(address(url), PATIENCE) as client:
                    client.sendall(b"GET /primes?seconds=600 HTTP/1.1\r\nHost: a\r\n\r\n")
                    self.assertTrue(client.recv(100))
                    if method == "finish":
                        client.shutdown(socket.SHUT_WR)
                    else:
                        client.close()
                    server.says(reason)

    def test_the_work_ends_at_its_deadline(self):
        _, answer = self.stream(3)
        lines = answer.read().splitlines()
        self.assertGreater(len(lines), 0)
        said = self.server.says(r"/primes: (\d+) primes, then the deadline of the context has passed")
        self.assertEqual(int(said.group(1)), len(lines))

    def test_the_websocket_answers_and_lets_itself_be_interrupted(self):
        with open_websocket(self.url, "/primes/socket") as ws:
            ws.send(b"14")
            self.assertEqual(ws.receive(), (1, b"17"))
            # A newer question replaces a search that would take minutes.
            ws.send(b"18446744073709551556")
            ws.send(b"90")
            self.assertEqual(ws.receive(), (1, b"97"))
            ws.send(b"\x03\xe8", opcode=8)
            self.assertEqual(ws.receive(), (8, b"\x03\xe8"))
            self.assertIsNone(ws.receive())

    def test_sigint_ends_the_process_with_work_under_way(self):
        _, answer = self.stream(600)
        answer.readline()
        with open_websocket(self.url, "/primes/socket") as ws:
            ws.send(b"2")
            self.assertEqual(ws.receive(), (1, b"2"))
            self.server.send_signal(signal.SIGINT)
            self.assertEqual(ws.receive()[0], 8)
            ws.send(b"\x03\xe9", opcode=8)
            self.assertEqual(self.server.exit_code(), 0, self.server.output)
        self.assertIn("/primes: ", self.server.output)


if __name__ == "__main__":
    unittest.main(verbosity=2)
