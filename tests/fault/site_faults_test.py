"""F10 and F11 of the table of faults: three nodes of the scaled chat behind HAProxy, one killed, or all drained in turn.

SCALED_CHAT is the node's binary. Clients speak coax.resume.v1 (docs/resume.md) and keep their cookie, as a browser does.
"""

import asyncio
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from programs import PATIENCE, Program, free_port  # noqa: E402
from proxies import Proxy  # noqa: E402

NODE = os.path.abspath(os.environ.get("SCALED_CHAT", "scaled_chat"))
SECRET = "a secret of three nodes for tests"
ROOMS = ("red", "green", "blue")
CLIENTS = 30
UPGRADE = ("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: coax.resume.v1\r\n")


class Client:
    """A guest of one room. Writes down what is said there, and comes back when it is cut."""

    def __init__(self, port, number, room):
        self.port, self.number, self.room = port, number, room
        self.heard = []
        self.node = None
        self.gaps = 0  # resets that it was told
        self.away = 0.0  # the longest time without a welcome
        self.visits = 0
        self.cookie = None
        self.token, self.marks = "", {}
        self.welcome = asyncio.Event()
        self.writer = None

    async def run(self):
        lost = time.monotonic()
        while True:
            try:
                await self.visit(lost)
            except (OSError, asyncio.IncompleteReadError, ConnectionError):
                pass
            if self.welcome.is_set():
                lost = time.monotonic()
                self.welcome.clear()
            await asyncio.sleep(random.uniform(0, 0.3))

    async def visit(self, lost):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
            self.writer.write(f"GET /ws?guest=c{self.number} HTTP/1.1\r\nHost: localhost\r\n{UPGRADE}{cookie}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if not head.startswith("HTTP/1.1 101 "):
                raise ConnectionError(head)
            if new := re.search(r"\r\nset-cookie: (coax_node=[^;]+);", head, re.IGNORECASE):
                self.cookie = new.group(1)
            self.send(".".join((self.token, *self.marks.values())))
            self.send(json.dumps({"type": "hello", "name": f"c{self.number}", "room": self.room}))
            while (text := await self.receive(reader)) is not None:
                self.take(text, lost)
        finally:
            self.writer.close()

    def take(self, text, lost):
        head, _, body = text.partition("\n")
        head = json.loads(head)
        if head.get("token"):
            self.token, self.marks = head["token"], {}
        if head.get("topic"):
            self.marks[head["topic"]] = head["at"]
        if not body:
            return
        said = json.loads(body)
        if said["type"] == "welcome":
            self.node = said["node"]
            self.visits += 1
            if self.visits > 1:
                self.away = max(self.away, time.monotonic() - lost)
            self.welcome.set()
        elif said["type"] == "message":
            self.heard.append(said["text"])
        elif said["type"] == "reset":
            self.gaps += 1

    def send(self, text):
        payload = text.encode()
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0x80 | 126]) + size.to_bytes(2, "big")
        self.writer.write(b"\x81" + length + bytes(4) + payload)  # masked with zeros

    async def receive(self, reader):
        """The next text; None at a close."""
        while True:
            first, second = await reader.readexactly(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
            if first & 0x0F == 1:
                return payload.decode()
            if first & 0x0F == 8:
                self.writer.write(b"\x88\x80" + bytes(4))
                return None
            if first & 0x0F == 9:
                self.writer.write(b"\x8a" + bytes([0x80 | size]) + bytes(4) + payload)

    def say(self, text):
        self.send(json.dumps({"type": "say", "text": text}))


def judge(heard, room, sent):
    """(lost, duplicated, reordered, wrong topic) of messages "room 1" to "room sent"."""
    duplicated = reordered = wrong = last = 0
    seen = set()
    for text in heard:
        name, number = text.split()
        number = int(number)
        if name != room:
            wrong += 1
            continue
        duplicated += number in seen
        reordered += number not in seen and number < last
        seen.add(number)
        last = max(last, number)
    return sent - len(seen), duplicated, reordered, wrong


class Site(unittest.TestCase):
    def setUp(self):
        # Between two messages of who speaks: a room's history has to last for as long as a slow machine lets a client
        # be away.
        self.pause = 0.1
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        socket = os.path.join(self.folder.name, "redis.sock")
        redis = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir",
                                  self.folder.name], stdout=subprocess.DEVNULL)
        self.addCleanup(redis.wait)
        self.addCleanup(redis.kill)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(socket):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)
        self.redis = f"redis+unix://{socket}"
        self.nodes, self.ports = {}, {}
        for name in ("n1", "n2", "n3", "studio"):  # the last one is not behind the balancer: who speaks is there
            self.ports[name] = free_port()
            self.start(name)
        addresses = [f"{name}=127.0.0.1:{self.ports[name]}" for name in ("n1", "n2", "n3")]
        balancer = Proxy("haproxy", lambda _, port: subprocess.run(
            [NODE, "--haproxy", f"127.0.0.1:{port}", *addresses], check=True, capture_output=True, text=True).stdout)
        self.addCleanup(balancer.stop)
        self.port = balancer.port

    def start(self, name):
        node = Program(NODE, "--name", name, "--secret", SECRET, "--redis", self.redis, "--port", str(self.ports[name]),
                       "--lead", "2500", "--drain", "1")
        self.addCleanup(lambda: node.running and node.stop(signal.SIGKILL))
        node.says(r"http://")
        self.nodes[name] = node
        end = time.monotonic() + PATIENCE
        while not self.is_ready(name):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def is_ready(self, name):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[name]}/readyz", timeout=PATIENCE):
                return True
        except urllib.error.URLError:  # an HTTPError as well: 503
            return False

    async def play(self, fault, what, happen):
        clients = [Client(self.port, n, ROOMS[n % 3]) for n in range(CLIENTS)]
        speakers = [Client(self.ports["studio"], 100 + n, room) for n, room in enumerate(ROOMS)]
        tasks = [asyncio.create_task(c.run()) for c in (*clients, *speakers)]
        for c in (*clients, *speakers):
            await asyncio.wait_for(c.welcome.wait(), PATIENCE)
        sent = 0
        homes = {c.number: c.node for c in clients}

        async def speak():
            nonlocal sent
            while True:
                sent += 1
                for s in speakers:
                    s.say(f"{s.room} {sent}")
                await asyncio.sleep(self.pause)

        speaking = asyncio.create_task(speak())
        await asyncio.sleep(1)
        await happen()
        end = time.monotonic() + PATIENCE
        await asyncio.sleep(1)
        speaking.cancel()
        while not all(f"{c.room} {sent}" in c.heard for c in clients) and time.monotonic() < end:
            await asyncio.sleep(0.05)
        verdicts = [judge(c.heard, c.room, sent) for c in clients]
        lost, duplicated, reordered, wrong = (sum(v[i] for v in verdicts) for i in range(4))
        told = sum(c.gaps for c in clients)
        away = max(c.away for c in clients)
        print(f"| {fault} | {what} | {sent * CLIENTS} | {lost} | {duplicated} | {reordered} | {wrong} | {told} | "
              f"{away * 1000:.0f} ms |", flush=True)
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.assertEqual((lost, duplicated, reordered, wrong, told), (0, 0, 0, 0, 0))
        return homes, clients

    def test_f10_a_node_is_killed(self):
        async def kill():
            usual, self.pause = self.pause, 0.005  # so that messages are under way then
            await asyncio.sleep(0.2)
            self.nodes["n2"].stop(signal.SIGKILL)
            self.pause = usual
            await asyncio.sleep(1)

        homes, clients = asyncio.run(self.play("F10", "one node of three killed, its clients resume elsewhere", kill))
        self.assertEqual(set(homes.values()), {"n1", "n2", "n3"})
        for c in clients:
            self.assertEqual(c.visits, 2 if homes[c.number] == "n2" else 1)
            self.assertNotEqual(c.node, "n2")

    def test_f11_all_nodes_are_drained_in_turn(self):
        async def roll():
            for name in ("n1", "n2", "n3"):
                self.nodes[name].send_signal(signal.SIGTERM)
                code = await asyncio.to_thread(self.nodes[name].exit_code)
                self.assertEqual(code, 0)
                self.start(name)
                await asyncio.sleep(3)  # HAProxy takes it in again

        asyncio.run(self.play("F11", "three nodes drained and started anew, one after the other", roll))


if __name__ == "__main__":
    unittest.main(verbosity=2)
