"""Three nodes behind HAProxy and nginx, with the configuration that coax writes for them.

COAX_EXAMPLES names the folder of balanced_node. Clients are WebSockets that keep cookies, as a browser does.
"""

import asyncio
import collections
import contextlib
import http.client
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import EXAMPLES, PATIENCE, Program, free_port  # noqa: E402
from proxies import Proxy, find, nginx_main  # noqa: E402

CLIENTS = 3000
SECRET = "a secret of three nodes for tests"
NAMES = ("n1", "n2", "n3")
UPGRADE = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")


def balanced_node(*arguments):
    return subprocess.run([f"{EXAMPLES}/balanced_node", *arguments], check=True, capture_output=True, text=True,
                          timeout=PATIENCE).stdout


class Client:
    """A WebSocket through the balancer, again and again; its cookie stays with it."""

    def __init__(self, port):
        self.port = port
        self.cookie = None
        self.node = None
        self._reader = None
        self.was_set = None  # the node of the last Set-Cookie
        self._writer = None

    async def open(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        fields = UPGRADE + (f"Cookie: {self.cookie}\r\n" if self.cookie else "")
        self._writer.write(f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n{fields}\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        if not head.startswith("HTTP/1.1 101 "):
            raise AssertionError(f"no WebSocket: {head}")
        set_cookie = re.search(r"\r\nset-cookie: (coax_node=(\w+)\.[^;]+);", head, re.IGNORECASE)
        self.was_set = set_cookie.group(2) if set_cookie else None
        self.cookie = set_cookie.group(1) if set_cookie else self.cookie
        self.node = (await self._reader.readexactly(4))[2:].decode()

    @property
    def home(self):
        return self.cookie[len("coax_node="):].split(".")[0]

    async def lost(self):
        """Waits until the connection has ended."""
        with contextlib.suppress(ConnectionError):
            while await self._reader.read(4096):
                pass
        await self.close()

    async def echoes(self):
        self._writer.write(b"\x81\x82\0\0\0\0hi")
        return await self._reader.readexactly(4) == b"\x81\x02hi"

    async def close(self):
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


async def each(clients, what):
    """Side by side, but not all at once: a backlog that overflows costs a second."""
    gate = asyncio.Semaphore(100)

    async def one(client):
        async with gate:
            return await asyncio.wait_for(what(client), PATIENCE)

    return await asyncio.gather(*(one(c) for c in clients))


class Site(unittest.TestCase):
    def setUp(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 5 * CLIENTS
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest(f"{wanted} descriptors are needed, and {hard} allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard) if hard > 0 else wanted), hard))

    def start_nodes(self, *proxy_protocol):
        self.nodes = {}
        self.ports = {}
        for name in NAMES:
            node = Program("balanced_node", "serve", name, SECRET, *proxy_protocol)
            self.addCleanup(node.stop)
            self.nodes[name] = node
            self.ports[name] = int(node.says(rf"{name} at 127\.0\.0\.1:(\d+)").group(1))

    def config(self, kind, version="0"):
        nodes = [f"{name}=127.0.0.1:{port}" for name, port in self.ports.items()]
        inside = {"haproxy": lambda _, text: text, "nginx": nginx_main}[kind]
        return lambda folder, port: inside(folder, balanced_node("config", kind, f"127.0.0.1:{port}", version, *nodes))

    def balance(self, kind, version="0"):
        balancer = Proxy(kind, self.config(kind, version))
        self.addCleanup(balancer.stop)
        return balancer.port

    def get(self, port, path="/", method="GET", **headers):
        # Another address than that of the balancer, whose word is taken.
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE, source_address=("127.0.0.2", 0))
        c.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        own = "%s:%d" % c.sock.getsockname()
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        return answer, text, own

    def until(self, happened):
        end = time.monotonic() + PATIENCE
        while not happened():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    async def all_come_home(self, clients):
        await each(clients, Client.close)
        before = [c.home for c in clients]
        await each(clients, Client.open)
        self.assertEqual([c.node for c in clients], before)
        self.assertEqual([c.was_set for c in clients], [None] * len(clients))

    async def visit(self, port):
        clients = [Client(port) for _ in range(CLIENTS)]
        await each(clients, Client.open)
        self.assertEqual([c.was_set for c in clients], [c.node for c in clients])
        homes = collections.Counter(c.home for c in clients)
        self.assertEqual(set(homes), set(NAMES))
        await self.all_come_home(clients)

        self.nodes["n3"].stop(signal.SIGKILL)
        homeless = [c for c in clients if c.home == "n3"]
        others = [c for c in clients if c.home != "n3"]
        await each(homeless, Client.lost)
        self.assertTrue(all(await each(others, Client.echoes)))
        await each(homeless, Client.open)
        self.assertEqual({c.node for c in homeless}, {"n1", "n2"})
        self.assertEqual([c.was_set for c in homeless], [c.node for c in homeless])
        await self.all_come_home(clients)
        print(f"{len(clients)} clients at {dict(homes)}; {len(homeless)} moved when n3 was lost", file=sys.stderr)
        await each(clients, Client.close)

    async def come_with(self, port, cookie):
        client = Client(port)
        client.cookie = cookie
        await client.open()
        await client.close()
        return client

    def bad_cookies(self, port):
        for node in (*NAMES, "n9"):
            forged = f"coax_node={node}.AQIDBAAAAABmZmZmAAAAAAAAAAAAAAAAAAAAAA"
            expired = balanced_node("cookie", node, SECRET, "90000").strip()
            stolen = balanced_node("cookie", node, "the secret of some other site", "1").strip()
            for cookie in (forged, expired, stolen, f"coax_node={node}", "coax_node="):
                client = asyncio.run(self.come_with(port, cookie))
                self.assertIsNotNone(client.was_set, cookie)
                self.assertEqual(client.was_set, client.node)
                self.assertEqual(self.get(port, Cookie=cookie)[0].status, 200)
        # A good one leads to its node, and is left as it is.
        client = asyncio.run(self.come_with(port, balanced_node("cookie", "n2", SECRET, "1").strip()))
        self.assertEqual((client.node, client.was_set), ("n2", None))

    def curl(self, port):
        """The head that curl sees of the 101, of a plain answer and of a stream of events."""
        upgrade = [word for line in UPGRADE.strip().split("\r\n") for word in ("-H", line)]
        for path, status, more in (("/ws", 101, upgrade), ("/", 200, []), ("/events", 200, [])):
            head = ""
            with subprocess.Popen(["curl", "-siN", "--http1.1", "--max-time", str(PATIENCE), *more,
                                   f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, bufsize=0) as client:
                while (line := client.stdout.readline().decode()).strip():
                    head += line
                client.terminate()  # a WebSocket has no end
            self.assertTrue(head.startswith(f"HTTP/1.1 {status} "), head)
            self.assertRegex(head, r"(?i)\r\nset-cookie: coax_node=n[123]\.[\w-]+; Max-Age=86400; Path=/; HttpOnly")

    def sees_clients(self, port):
        """X-Forwarded-For is believed, but only what the balancer has added to it."""
        text = self.get(port, X_Forwarded_For="192.0.2.1", X_Forwarded_Proto="https")[1]
        self.assertRegex(text, r"^n[123] 127\.0\.0\.1:\d+ 127\.0\.0\.2 http$")

    def test_configurations_are_accepted(self):
        self.ports = {name: free_port() for name in NAMES}
        for kind, version, check in (("haproxy", "0", ["-c", "-f"]), ("haproxy", "1", ["-c", "-f"]),
                                     ("haproxy", "2", ["-c", "-f"]), ("nginx", "0", ["-t", "-c"])):
            with tempfile.TemporaryDirectory() as folder:
                file = pathlib.Path(folder) / "config"
                file.write_text(self.config(kind, version)(folder, free_port()), encoding="ascii")
                said = subprocess.run([find(kind), *check, str(file)], capture_output=True, text=True,
                                      timeout=PATIENCE)
                self.assertEqual(said.returncode, 0, said.stderr)
                self.assertNotIn("[WARNING]", said.stdout + said.stderr)
                self.assertNotIn("[warn]", said.stdout + said.stderr)

    def test_haproxy(self):
        self.start_nodes()
        port = self.balance("haproxy")
        self.bad_cookies(port)
        self.curl(port)
        self.sees_clients(port)
        asyncio.run(self.visit(port))

    def test_nginx(self):
        self.start_nodes()
        port = self.balance("nginx")
        self.bad_cookies(port)
        self.curl(port)
        self.sees_clients(port)
        asyncio.run(self.visit(port))

    def test_haproxy_takes_out_a_node_that_is_not_ready(self):
        self.start_nodes()
        port = self.balance("haproxy")
        cookie = asyncio.run(self.come_with(port, balanced_node("cookie", "n2", SECRET, "1").strip())).cookie
        self.assertEqual(self.get(self.ports["n2"], "/drain", "POST")[0].status, 200)

        self.until(lambda: not self.get(port, Cookie=cookie)[1].startswith("n2"))

        for _ in range(20):
            answer, text, _ = self.get(port, Cookie=cookie)
            self.assertEqual(answer.status, 200)
            self.assertRegex(answer.getheader("Set-Cookie"), "^coax_node=" + text.split()[0] + r"\.")

    def test_haproxy_tells_by_the_proxy_protocol(self):
        for version in ("1", "2"):
            self.start_nodes("require")
            port = self.balance("haproxy", version)
            for name in NAMES:
                cookie = balanced_node("cookie", name, SECRET, "1").strip()
                self.until(lambda: self.get(port, Cookie=cookie)[0].status == 200)
                _, text, own = self.get(port, Cookie=cookie)
                self.assertEqual(text, f"{name} {own} 127.0.0.2 http")
            # Without the header nobody comes in.
            c = http.client.HTTPConnection("127.0.0.1", self.ports["n1"], timeout=PATIENCE)
            c.request("GET", "/")
            self.assertRaises((http.client.HTTPException, OSError), c.getresponse)
            c.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
