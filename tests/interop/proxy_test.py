"""coax dials through real proxies: tinyproxy (http), stunnel before it (https), microsocks (socks5).

COAX_EXAMPLES names the folder of echo_client. The servers are those of Python's websockets. The proxies connect from
an address of their own, so that a server can tell who came through one.
"""

import asyncio
import os
import pathlib
import re
import ssl
import sys
import tempfile
import unittest

import websockets

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Certificate, Program, free_port  # noqa: E402
from proxies import await_listening, find  # noqa: E402

# A proxy of the machine that runs the tests is none of theirs.
for variable in [v for v in os.environ if v.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy")]:
    del os.environ[variable]

PROXY_ADDRESS = "127.0.0.3"  # from which the proxies connect
USER, PASSWORD = "me", "pass%57ord"  # in a URL; the proxies know it as passWord


class Proxies:
    """All of them, with and without authentication; `url(kind, user_and_password)` tells where."""

    def __init__(self, certificate):
        self._folder = tempfile.TemporaryDirectory()
        self._programs = []
        self._ports = {}
        try:
            self._start_all(certificate)
        except BaseException:
            self.stop()
            raise

    def _start_all(self, certificate):
        for auth in (False, True):
            self._ports["http", auth] = self._tinyproxy(auth)
            self._ports["https", auth] = self._stunnel(self._ports["http", auth], certificate)
            self._ports["socks5", auth] = self._microsocks(auth)
            self._ports["socks5h", auth] = self._ports["socks5", auth]

    def _start(self, port, program, *arguments):
        running = Program(find(program), *arguments)
        self._programs.append(running)
        await_listening(port, running)
        return port

    def _file(self, name, text):
        path = os.path.join(self._folder.name, name)
        pathlib.Path(path).write_text(text)
        return path

    def _tinyproxy(self, auth):
        port = free_port()
        text = f"Port {port}\nListen 127.0.0.1\nBind {PROXY_ADDRESS}\nTimeout 60\nMaxClients 20\nAllow 127.0.0.1\n"
        if auth:
            text += "BasicAuth me passWord\n"
        return self._start(port, "tinyproxy", "-d", "-c", self._file(f"tinyproxy{port}", text))

    def _stunnel(self, behind, certificate):
        port = free_port()
        text = (f"foreground = yes\npid =\n[proxy]\naccept = 127.0.0.1:{port}\nconnect = 127.0.0.1:{behind}\n"
                f"cert = {certificate.file}\nkey = {certificate.key}\n")
        return self._start(port, "stunnel4", self._file(f"stunnel{port}", text))

    def _microsocks(self, auth):
        port = free_port()
        arguments = ["-i", "127.0.0.1", "-p", str(port), "-b", PROXY_ADDRESS]
        if auth:
            arguments += ["-u", "me", "-P", "passWord"]
        return self._start(port, "microsocks", *arguments)

    def url(self, kind, auth, credentials=None):
        if credentials is None:
            credentials = f"{USER}:{PASSWORD}@" if auth else ""
        host = "localhost" if kind == "https" else "127.0.0.1"
        return f"{kind}://{credentials}{host}:{self._ports[kind, auth]}"

    def stop(self):
        for program in self._programs:
            program.stop()
        self._folder.cleanup()


class ProxyTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificate = Certificate()
        cls.proxies = Proxies(cls.certificate)

    @classmethod
    def tearDownClass(cls):
        cls.proxies.stop()
        cls.certificate.remove()

    async def asyncSetUp(self):
        self.came_from = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate.file, self.certificate.key)
        self.servers = {"ws": await websockets.serve(self.handle, "127.0.0.1", 0),
                        "wss": await websockets.serve(self.handle, "127.0.0.1", 0, ssl=tls)}

    async def asyncTearDown(self):
        for server in self.servers.values():
            server.close()
            await server.wait_closed()

    async def handle(self, ws):
        self.came_from.append(ws.remote_address[0])
        for message in ("through", b"\x00\xff" * 50_000):
            await ws.send(message)
            self.assertEqual(await asyncio.wait_for(ws.recv(), PATIENCE), message)

    def server_url(self, scheme, host="127.0.0.1"):
        return f"{scheme}://{host}:{self.servers[scheme].sockets[0].getsockname()[1]}/"

    async def dial(self, url, *arguments):
        """Runs echo_client; its exit code and its output."""
        with Program("echo_client", "--ca-file", self.certificate.file, *arguments, url) as client:
            code = await asyncio.to_thread(client.exit_code)
            return code, client.output

    async def test_every_kind_of_proxy_leads_to_every_kind_of_server(self):
        for kind in ("http", "https", "socks5", "socks5h"):
            for auth in (False, True):
                for scheme in ("ws", "wss"):
                    with self.subTest(kind=kind, auth=auth, scheme=scheme):
                        self.came_from.clear()
                        # The name is for the proxy to resolve.
                        host = "localhost" if kind == "socks5h" else "127.0.0.1"
                        result = await self.dial(self.server_url(scheme, host), "--proxy", self.proxies.url(kind, auth))
                        self.assertEqual(result, (0, ""))
                        self.assertEqual(self.came_from, [PROXY_ADDRESS])

    async def test_wrong_or_no_credentials_are_told_and_not_shown(self):
        for kind in ("http", "https", "socks5"):
            for credentials in ("", "me:guess@"):
                with self.subTest(kind=kind, credentials=credentials):
                    url = self.proxies.url(kind, True, credentials)
                    code, output = await self.dial(self.server_url("wss"), "--proxy", url)
                    self.assertEqual(code, 1)
                    self.assertRegex(output, r"the proxy (127\.0\.0\.1|localhost):\d+ ")
                    self.assertRegex(output, "40[17]" if kind != "socks5" else "authentication|user and password|ended")
                    self.assertNotIn("guess", output)
        self.assertEqual(self.came_from, [])

    async def test_a_server_that_is_not_there_is_the_proxys_answer(self):
        url = f"ws://127.0.0.1:{free_port()}/"
        for kind in ("http", "https", "socks5", "socks5h"):
            with self.subTest(kind=kind):
                code, output = await self.dial(url, "--proxy", self.proxies.url(kind, False))
                self.assertEqual(code, 1)
                self.assertTrue(re.search(r"the proxy .*(answered 5\d\d|SOCKS reply 5)", output), output)

    async def test_the_certificates_of_proxy_and_server_are_both_verified(self):
        for kind, unknown in (("http", r"the TLS handshake with 127\.0\.0\.1"), ("https", "the TLS handshake with the proxy")):
            with self.subTest(kind=kind):
                with Program("echo_client", "--proxy", self.proxies.url(kind, False), self.server_url("wss")) as client:
                    code = await asyncio.to_thread(client.exit_code)
                    self.assertEqual(code, 1)
                    self.assertRegex(client.output, unknown + ".*certificate")

    async def test_the_environment_can_name_the_proxy(self):
        # The servers are at a loopback address, which the environment never sends through a proxy; the name is not.
        url = f"ws://server.invalid:{free_port()}/"
        os.environ["all_proxy"] = self.proxies.url("socks5h", False)
        try:
            code, output = await self.dial(url)
            direct = await self.dial(self.server_url("ws"))
        finally:
            del os.environ["all_proxy"]
        self.assertEqual(code, 1)
        self.assertIn("the proxy", output)
        self.assertEqual(direct, (0, ""))
        self.assertEqual(self.came_from, ["127.0.0.1"])


if __name__ == "__main__":
    unittest.main()
