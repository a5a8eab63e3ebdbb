"""Python's websockets and coax talk to each other, each in both roles.

COAX_EXAMPLES names the folder of echo_server and echo_client.
"""

import array
import asyncio
import fcntl
import logging
import pathlib
import signal
import ssl
import sys
import termios
import unittest
import zlib

import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Certificate, Program  # noqa: E402

SIZES = (0, 1, 125, 126, 127, 65535, 65536, 1 << 20)
TEXTS = ("", "plain", "Grüße, 世界, 🌍", "\0\u007f\u0080\u07ff\u0800\uffff\U00010000\U0010ffff", "é" * 40000)


def pattern(size):
    return bytes(i * 7 % 251 for i in range(min(size, 251))) * (size // 251 + 1)


async def in_time(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE)


async def ended(ws):
    """Waits for the end; the peer's status and reason."""
    try:
        while True:
            await in_time(ws.recv())
    except websockets.ConnectionClosed:
        return ws.close_code, ws.close_reason


async def something_to_read(transport):
    """Waits for input of a transport that has paused reading."""
    waiting = array.array("i", [0])
    while not waiting[0]:
        await asyncio.sleep(0.001)
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, waiting)


# The connections of websockets 14 and newer keep the protocol in an object of its own.
def extensions_of(ws):
    return getattr(ws, "protocol", ws).extensions


def is_client(ws):
    return ws.protocol.side.name == "CLIENT" if hasattr(ws, "protocol") else ws.is_client


def send_raw(ws, first_byte, payload):
    """A frame that the library would not make; the mask of a client is zero."""
    mask = 0x80 if is_client(ws) else 0
    short = len(payload) < 126
    length = bytes((mask | len(payload),)) if short else bytes((mask | 127,)) + len(payload).to_bytes(8, "big")
    ws.transport.write(bytes((first_byte,)) + length + bytes(4 if mask else 0) + payload)


async def sizes(test, ws):
    for size in SIZES:
        sent = pattern(size)[:size]
        await ws.send(sent)
        test.assertEqual(await in_time(ws.recv()), sent, size)
        await ws.send("x" * size)
        test.assertEqual(await in_time(ws.recv()), "x" * size, size)


async def texts(test, ws):
    for text in TEXTS:
        await ws.send(text)
        test.assertEqual(await in_time(ws.recv()), text)


async def fragments(test, ws):
    async def with_a_ping_between():
        yield "one, "
        await in_time(await ws.ping(b"between"))
        yield "two, 世"
        yield ""
        yield "界"

    await ws.send(with_a_ping_between())
    test.assertEqual(await in_time(ws.recv()), "one, two, 世界")
    await ws.send([b"", b"\x00" * 70000, b"\x01", b""])
    test.assertEqual(await in_time(ws.recv()), b"\x00" * 70000 + b"\x01")


async def pings(test, ws):
    for payload in (b"", b"payload", b"\xff" * 125):
        await in_time(await ws.ping(payload))
    several = [await ws.ping(bytes([i])) for i in range(20)]
    await ws.send("between")
    test.assertEqual(await in_time(ws.recv()), "between")
    await in_time(asyncio.gather(*several))


async def many_in_flight(test, ws):
    sent = [f"message {i} " + "." * (i * 97) for i in range(100)]

    async def send():
        for text in sent:
            await ws.send(text)

    async def receive():
        return [await in_time(ws.recv()) for _ in sent]

    _, received = await asyncio.gather(send(), receive())
    test.assertEqual(received, sent)


CONVERSATIONS = (sizes, texts, fragments, pings, many_in_flight)

# Status and reason that Python closes with; whether echo_client calls it a clean end.
CLOSES = ((1000, "", True), (1000, "done", True), (1001, "off, 世界", True), (1003, "no", False),
          (1011, "broken", False), (3000, "", False), (4999, "r" * 123, False))


class PythonIsTheClient(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Program("echo_server", "--port", "0", "--read-limit", "0")
        cls.url = cls.server.url()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0, cls.server.output

    async def test_every_message_comes_back(self):
        for conversation in CONVERSATIONS:
            with self.subTest(conversation.__name__):
                async with websockets.connect(self.url, max_size=None) as ws:
                    await conversation(self, ws)

    async def test_all_conversations_at_once(self):
        async def talk(conversation):
            async with websockets.connect(self.url, max_size=None, compression=None) as ws:
                await conversation(self, ws)

        await asyncio.gather(*(talk(conversation) for conversation in CONVERSATIONS * 4))

    async def test_the_servers_close_repeats_the_status(self):
        for status, reason, _ in CLOSES:
            with self.subTest(status=status, reason=reason):
                ws = await websockets.connect(self.url)
                await in_time(ws.close(status, reason))
                self.assertEqual(ws.close_code, status)

    async def test_text_that_is_not_utf8_is_closed_with_1007(self):
        async with websockets.connect(self.url) as ws:
            send_raw(ws, 0x81, b"\xc3\x28")
            status, _ = await ended(ws)
            self.assertEqual(status, 1007)

    async def test_a_message_over_the_limit_is_closed_with_1009(self):
        with Program("echo_server", "--port", "0", "--read-limit", "100") as server:
            async with websockets.connect(server.url()) as ws:
                await ws.send("x" * 100)
                self.assertEqual(await in_time(ws.recv()), "x" * 100)
                await ws.send("x" * 101)
                status, reason = await ended(ws)
                self.assertEqual(status, 1009)
                self.assertIn("100", reason)

    async def test_an_abrupt_end_leaves_the_server_serving(self):
        ws = await websockets.connect(self.url)
        await ws.send("x" * 1000000)
        ws.transport.abort()
        async with websockets.connect(self.url) as another:
            await texts(self, another)

    async def test_a_server_that_stops_says_going_away(self):
        with Program("echo_server", "--port", "0") as server:
            async with websockets.connect(server.url()) as ws:
                server.send_signal(signal.SIGTERM)
                status, _ = await ended(ws)
            self.assertEqual(status, 1001)
            self.assertEqual(server.exit_code(), 0, server.output)

    async def test_a_server_that_dies_is_an_abrupt_end(self):
        with Program("echo_server", "--port", "0") as server:
            async with websockets.connect(server.url()) as ws:
                server.stop(signal.SIGKILL)
                status, _ = await ended(ws)
            self.assertEqual(status, 1006)


class PythonIsTheServer(unittest.IsolatedAsyncioTestCase):
    async def serve(self, conversation, *arguments, **options):
        """Has echo_client connect to a server that holds a conversation with it; its exit code and output."""
        outcome = asyncio.get_running_loop().create_future()

        async def handler(ws):
            try:
                outcome.set_result(await conversation(ws))
            except Exception as error:  # for the test to raise, not for the log of websockets
                outcome.set_exception(error)

        async with websockets.serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:
            port = server.sockets[0].getsockname()[1]
            scheme = "wss" if "ssl" in options else "ws"
            with Program("echo_client", f"{scheme}://127.0.0.1:{port}/", *arguments) as client:
                self.client = client
                loop = asyncio.get_running_loop()
                exited = loop.run_in_executor(None, client.exit_code)
                await asyncio.wait([outcome, exited], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
                if not outcome.done():
                    await asyncio.wait([outcome], timeout=PATIENCE)
                self.assertTrue(outcome.done(), client.output)
                outcome.result()
                return await exited, client.output

    async def test_every_message_comes_back(self):
        for conversation in CONVERSATIONS:
            with self.subTest(conversation.__name__):
                code, output = await self.serve(lambda ws, c=conversation: c(self, ws))
                self.assertEqual((code, output), (0, ""))

    async def test_the_exit_code_tells_a_clean_close(self):
        for status, reason, clean in CLOSES:
            with self.subTest(status=status, reason=reason):
                async def close(ws):
                    await in_time(ws.close(status, reason))
                    self.assertEqual(ws.close_code, status)

                code, output = await self.serve(close)
                self.assertEqual(code, 0 if clean else 1, output)
                if not clean:
                    self.assertIn(str(status), output)
                    self.assertIn(reason, output)

    async def test_an_abrupt_end_fails(self):
        async def cut(ws):
            await ws.send("before")
            await in_time(ws.recv())
            ws.transport.abort()

        code, output = await self.serve(cut)
        self.assertEqual(code, 1)
        self.assertIn("without a close frame", output)

    async def test_text_that_is_not_utf8_is_closed_with_1007(self):
        async def send_nonsense(ws):
            send_raw(ws, 0x81, b"\xc3\x28")
            status, _ = await ended(ws)
            self.assertEqual(status, 1007)

        code, _ = await self.serve(send_nonsense)
        self.assertEqual(code, 1)

    async def test_a_message_over_the_limit_is_closed_with_1009(self):
        async def send_too_much(ws):
            await ws.send("x" * 101)
            status, reason = await ended(ws)
            self.assertEqual(status, 1009)
            self.assertIn("100", reason)

        code, _ = await self.serve(send_too_much, "--read-limit", "100")
        self.assertEqual(code, 1)

    async def test_a_subprotocol_is_agreed_on(self):
        async def look(ws):
            self.assertEqual(ws.subprotocol, "chat")

        code, output = await self.serve(look, "--subprotocol", "chat", subprotocols=["other", "chat"])
        self.assertEqual(code, 0, output)


def deflate_factories(kind):
    """Factories of permessage-deflate with each combination of what they may ask for."""
    for takeover in ({}, {"server_no_context_takeover": True}, {"client_no_context_takeover": True},
                     {"server_no_context_takeover": True, "client_no_context_takeover": True}):
        for bits in ({}, {"server_max_window_bits": 9, "client_max_window_bits": 9},
                     {"server_max_window_bits": 12}, {"client_max_window_bits": 15}):
            yield kind(**takeover, **bits)


def bomb():
    """4 GiB of zeros as a compressed payload of about 4 MiB."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflate.compress(bytes(1 << 26)) + deflate.flush(zlib.Z_SYNC_FLUSH)) * 64


class WithCompression(PythonIsTheServer):
    """Both roles in each mode; the server's role by the tests above as well."""

    async def serve(self, conversation, *arguments, **options):
        return await super().serve(conversation, "--deflate", "takeover", *arguments, **options)

    async def test_a_python_client_in_each_mode(self):
        for mode in ("takeover", "no-takeover"):
            with Program("echo_server", "--port", "0", "--read-limit", "0", "--deflate", mode) as server:
                url = server.url()
                for factory in deflate_factories(ClientPerMessageDeflateFactory):
                    with self.subTest(mode=mode, factory=vars(factory)):
                        async with websockets.connect(url, max_size=None, compression=None,
                                                      extensions=[factory]) as ws:
                            self.assertEqual(len(extensions_of(ws)), 1)
                            for conversation in CONVERSATIONS:
                                await conversation(self, ws)

    async def test_a_python_server_in_each_mode(self):
        async def talk(ws):
            self.assertEqual(len(extensions_of(ws)), 1)
            for conversation in CONVERSATIONS:
                await conversation(self, ws)

        for mode in ("takeover", "no-takeover"):
            for factory in deflate_factories(ServerPerMessageDeflateFactory):
                with self.subTest(mode=mode, factory=vars(factory)):
                    code, output = await super().serve(talk, "--deflate", mode, compression=None,
                                                       extensions=[factory])
                    self.assertEqual((code, output), (0, ""))

    # Buffers, a decompressor, and what a program touches for the first time; half of what the compressed bomb takes.
    LEEWAY = 2 << 20

    async def throw_a_bomb(self, ws, victim):
        await ws.send("x" * 32768)
        await in_time(ws.recv())
        payload = bomb()
        self.assertLess(len(payload), 1.1 * (4 << 20))
        before = victim.peak_memory()
        # Our answer to its close frame waits until its memory is read: the end of a program has memory of its own.
        ws.transport.pause_reading()
        # It is compressed already, which the library cannot be told: FIN, RSV1, binary.
        send_raw(ws, 0xc2, payload)
        await in_time(something_to_read(ws.transport))
        grown = victim.peak_memory() - before
        ws.transport.resume_reading()
        status, reason = await ended(ws)
        self.assertEqual(status, 1009)
        self.assertIn("32768", reason)
        self.assertLess(grown, self.LEEWAY)

    async def test_a_bomb_of_4_gib_is_refused_by_a_server_and_never_in_its_memory(self):
        for mode in ("takeover", "no-takeover"):
            with self.subTest(mode), Program("echo_server", "--port", "0", "--deflate", mode) as server:
                async with websockets.connect(server.url()) as ws:
                    await self.throw_a_bomb(ws, server)

    async def test_a_bomb_of_4_gib_is_refused_by_a_client_and_never_in_its_memory(self):
        async def talk(ws):
            await self.throw_a_bomb(ws, self.client)

        code, _ = await self.serve(talk, "--read-limit", "32768")
        self.assertEqual(code, 1)


class OverTls(PythonIsTheServer):
    """What has to do with TLS; the server's role by the tests above as well."""

    @classmethod
    def setUpClass(cls):
        cls.certificate = Certificate()
        cls.addClassCleanup(cls.certificate.remove)

    async def serve(self, conversation, *arguments, **options):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate.file, self.certificate.key)
        return await super().serve(conversation, "--ca-file", self.certificate.file, *arguments, ssl=tls, **options)

    async def test_a_python_client_over_tls(self):
        tls = ssl.create_default_context(cafile=self.certificate.file)
        with Program("echo_server", "--port", "0", "--read-limit", "0", "--tls-cert", self.certificate.file,
                     "--tls-key", self.certificate.key) as server:
            url = server.url()
            self.assertTrue(url.startswith("wss://"), url)
            for conversation in CONVERSATIONS:
                with self.subTest(conversation.__name__):
                    async with websockets.connect(url, max_size=None, ssl=tls) as ws:
                        await conversation(self, ws)
                    self.assertEqual(ws.close_code, 1000)

    async def test_an_unknown_authority_is_refused(self):
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate.file, self.certificate.key)

        async def never(_):
            self.fail("a connection came about")

        async with websockets.serve(never, "127.0.0.1", 0, ssl=tls) as server:
            port = server.sockets[0].getsockname()[1]
            with Program("echo_client", f"wss://127.0.0.1:{port}/") as client:
                code = await asyncio.get_running_loop().run_in_executor(None, client.exit_code)
        self.assertEqual(code, 1)
        self.assertIn("certificate", client.output)


if __name__ == "__main__":
    # Refused handshakes are part of the tests, slow callbacks of a busy machine.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    unittest.main(verbosity=2)
