"""The tool pipe joins what it says it joins. COAX_EXAMPLES names the folder of its binary."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import EXAMPLES, PATIENCE, Certificate, Program  # noqa: E402
from websocket_server import WebSocketServer  # noqa: E402

PIPE = os.path.join(EXAMPLES, "pipe")
MUCH = os.urandom(3 << 20)


def pipe(*arguments, send=b""):
    done = subprocess.run([PIPE, *arguments], input=send, capture_output=True, timeout=4 * PATIENCE)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


@contextlib.contextmanager
def reversing_server(family=socket.AF_INET, address=("127.0.0.1", 0)):
    """Reads all up to the end, and only then answers, backwards: it needs half-close."""
    def serve(accepted):
        with accepted:
            accepted.settimeout(PATIENCE)
            data = b""
            while block := accepted.recv(1 << 16):
                data += block
            accepted.sendall(data[::-1])

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.socket(family) as listener:
        listener.bind(address)
        listener.listen()
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def counting_proxy(url):
    """Stands before a WebSocket's address: yields an address of its own, and what tells the bytes that have passed."""
    target = url.split("//")[1].strip("/").split(":")
    passed = [0]

    def copy(source, sink):
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                passed[0] += len(block)
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)

    def accept():
        with contextlib.suppress(OSError):
            near = listener.accept()[0]
            far = socket.create_connection((target[0], int(target[1])), PATIENCE)
            with near, far:
                back = threading.Thread(target=copy, args=(far, near), daemon=True)
                back.start()
                copy(near, far)
                back.join(PATIENCE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()

        def counted():
            thread.join(PATIENCE)
            return passed[0]

        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/", counted


class Ends(unittest.TestCase):
    def check(self, *arguments):
        for data in (b"", b"x", MUCH):
            code, out, errors = pipe(*arguments, send=data)
            self.assertEqual((code, errors), (0, ""))
            self.assertTrue(out == data[::-1], f"{len(data)} bytes sent, {len(out)} received")

    def test_tcp(self):
        with reversing_server() as (host, port):
            self.check("stdio", f"tcp:{host}:{port}")
            self.check(f"tcp:localhost:{port}", "-")

    def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with reversing_server(socket.AF_UNIX, path):
                self.check("stdio", f"unix:{path}")

    def test_websockets_in_binary_and_text(self):
        with reversing_server() as (host, port):
            with Program("pipe", "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as door:
                self.check("stdio", door.url())
                self.check("--binary", "stdio", door.url() + "any/path?and=query")
            with Program("pipe", "--text", "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as door:
                text = "ASCII can be turned around. " * 10000
                code, out, errors = pipe("--text", "stdio", door.url(), send=text.encode())
                self.assertEqual((code, errors), (0, ""))
                self.assertTrue(out.decode() == text[::-1])

    def test_compressed_websockets(self):
        with reversing_server() as (host, port):
            for mode in ("takeover", "no-takeover"):
                with Program("pipe", "--deflate", mode, "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as door:
                    self.check("--deflate", mode, "stdio", door.url())
                    self.check("--deflate", "off", "stdio", door.url())
        self.assertEqual(pipe("--deflate", "much", "stdio", "ws://127.0.0.1:1/")[0], 2)

    def test_compression_shrinks_what_goes_over_the_wire(self):
        data = b"Much of a muchness. " * 100000
        sizes = []
        for mode in ("off", "takeover"):
            with reversing_server() as (host, port):
                with Program("pipe", "--deflate", mode, "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as door:
                    with counting_proxy(door.url()) as (url, counted):
                        code, out, errors = pipe("--deflate", mode, "stdio", url, send=data)
                        self.assertEqual((code, errors), (0, ""))
                        self.assertTrue(out == data[::-1])
                        sizes.append(counted())
        self.assertLess(sizes[1] * 10, sizes[0])

    def test_a_chain_of_everything(self):
        with reversing_server() as (host, port), tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/socket"
            with Program("pipe", "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as a:
                with Program("pipe", f"unix-listen:{path}", a.url()) as b:
                    b.says("listening on unix:")
                    with Program("pipe", f"unix:{path}", "tcp-listen:127.0.0.1:0") as c:
                        entry = c.says(r"listening on (tcp:\S+)").group(1)
                        self.check("stdio", entry)
            self.assertFalse(os.path.exists(path))

    def test_two_that_listen_are_joined_once(self):
        with Program("pipe", "tcp-listen:127.0.0.1:0", "ws-listen:127.0.0.1:0") as middle:
            address = middle.says(r"tcp:127\.0\.0\.1:(\d+)").group(1)
            with socket.create_connection(("127.0.0.1", int(address)), PATIENCE) as client:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                code, out, errors = pipe("stdio", middle.url(), send=b"answer")
                self.assertEqual((code, out, errors), (0, b"question", ""))
                self.assertEqual(client.makefile("rb").read(), b"answer")
            self.assertEqual(middle.exit_code(), 0)

    def test_tls(self):
        certificate = Certificate()
        self.addCleanup(certificate.remove)
        with Program("echo_server", "--port", "0", "--tls-cert", certificate.file, "--tls-key", certificate.key) as server:
            url = server.url().replace("127.0.0.1", "localhost")
            code, out, errors = pipe("--ca-file", certificate.file, "stdio", url, send=b"echo")
            self.assertEqual((code, out, errors), (0, b"echo", ""))
            code, out, errors = pipe("stdio", url, send=b"echo")
            self.assertEqual((code, out), (1, b""))
            self.assertIn("certificate", errors)

    def test_files_as_standard_streams(self):
        with reversing_server() as (host, port), tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "in").write_bytes(MUCH)
            with open(f"{folder}/in", "rb") as source, open(f"{folder}/out", "wb") as sink:
                done = subprocess.run([PIPE, "stdio", f"tcp:{host}:{port}"], stdin=source, stdout=sink, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(pathlib.Path(folder, "out").read_bytes() == MUCH[::-1])


class Options(unittest.TestCase):
    def test_headers_are_sent(self):
        with WebSocketServer() as server:
            with Program("pipe", "--header", "Authorization: Bearer x", "--header", "X-Empty:", "stdio", server.url):
                with server.next() as c:
                    self.assertEqual(c.fields["authorization"], "Bearer x")
                    self.assertEqual(c.fields["x-empty"], "")
                    c.accept().close(1000)

    def test_a_silent_websocket_is_pinged(self):
        with WebSocketServer() as server, subprocess.Popen([PIPE, "--ping", "1", "stdio", server.url],
                                                           stdin=subprocess.PIPE) as program:
            with server.next() as c:
                c.accept()
                self.assertEqual(c.receive()[0], 9)
                c.close(1000)
            program.communicate(timeout=PATIENCE)

    def test_once_takes_one_connection(self):
        with reversing_server() as (host, port):
            with Program("pipe", "--once", "ws-listen:127.0.0.1:0", f"tcp:{host}:{port}") as door:
                self.assertEqual(pipe("stdio", door.url(), send=b"ab"), (0, b"ba", ""))
                self.assertEqual(door.exit_code(), 0)

    def test_progress_is_told_of_long_transfers(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with Program("pipe", "--progress", "stdio", f"tcp:127.0.0.1:{listener.getsockname()[1]}") as program:
                accepted, _ = listener.accept()
                with accepted:
                    while "back" not in program.output:
                        accepted.sendall(b"x" * 1000)
                    program.says(r"pipe: \d+ B there, [\d.]+ [KMG]?i?B back, [\d.]+ [KMG]?i?B/s")

    def test_an_unused_door_ends_by_a_signal(self):
        for door in ("tcp-listen:127.0.0.1:0", "ws-listen:127.0.0.1:0"):
            with Program("pipe", door, "tcp:127.0.0.1:1") as program:
                program.says("listening")
                self.assertEqual(program.stop(signal.SIGTERM), 0)


class Failures(unittest.TestCase):
    def test_wrong_command_lines(self):
        for arguments, says in ((("stdio",), "two ends"), (("stdio", "-"), "only one"), (("stdio", "smtp:x"), "smtp:x"),
                                (("stdio", "tcp:host"), "no port"), (("stdio", "tcp:host:http"), "http"),
                                (("stdio", "tcp::80"), "no host"), (("stdio", "unix:"), "nowhere"),
                                (("--header", "nonsense", "stdio", "ws://a/"), "nonsense"),
                                (("--header", "Upgrade: x", "stdio", "ws://a/"), "Upgrade"),
                                (("--ping", "often", "stdio", "ws://a/"), "often"), (("--loud", "stdio", "ws://a/"), "loud")):
            with self.subTest(arguments):
                code, _, errors = pipe(*arguments)
                self.assertEqual(code, 2)
                self.assertIn(says, errors)
                self.assertIn("usage: pipe", errors)

    def test_what_cannot_be_opened_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for end in ("tcp:127.0.0.1:1", "ws://127.0.0.1:1/", "unix:/no/such/socket", f"tcp-listen:127.0.0.1:{port}",
                        f"ws-listen:127.0.0.1:{port}", "unix-listen:/no/such/folder/socket", "tcp:no.such.host.invalid:1"):
                with self.subTest(end):
                    code, _, errors = pipe("stdio", end)
                    self.assertEqual(code, 1)
                    self.assertTrue(errors.startswith(f"pipe: {end}: "), errors)
                    self.assertNotIn("hpp", errors)

    def test_a_client_is_told_that_there_is_nothing_behind_the_door(self):
        with Program("pipe", "ws-listen:127.0.0.1:0", "tcp:127.0.0.1:1") as door:
            code, out, errors = pipe("stdio", door.url(), send=b"x")
            self.assertEqual((code, out), (1, b""))
            self.assertIn("1014", errors)
            self.assertIn("refused", errors)
            door.says("pipe: tcp:127.0.0.1:1: Connection refused")

    def test_the_close_of_a_websocket_is_told(self):
        with WebSocketServer() as server, subprocess.Popen([PIPE, "stdio", server.url], stdin=subprocess.PIPE,
                                                           stderr=subprocess.PIPE) as program:
            with server.next() as c:
                c.accept().send(b"text where binary should be")
                self.assertEqual(c.receive(), (8, b"\x03\xeba text message in a stream of binary ones"))
                c.close(1003)
            _, errors = program.communicate(timeout=PATIENCE)
            self.assertEqual(program.returncode, 1)
            self.assertIn(server.url, errors.decode())

    def test_a_cut_connection_is_a_failure(self):
        with WebSocketServer() as server, subprocess.Popen([PIPE, "stdio", server.url], stdin=subprocess.PIPE,
                                                           stderr=subprocess.PIPE) as program:
            with server.next() as c:
                c.accept()
            _, errors = program.communicate(timeout=PATIENCE)
            self.assertEqual(program.returncode, 1)
            self.assertIn("without a close frame", errors.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
