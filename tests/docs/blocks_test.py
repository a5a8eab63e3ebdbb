"""Runs the programs of the documentation, checks its other code, and tells how much there is of what.

COAX_BLOCKS names the folder that CMake has compiled them in, COAX_EXAMPLES that of the examples.
"""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "support"))
from blocks import LANGUAGES, blocks, pages, sources  # noqa: E402
from programs import PATIENCE, Program  # noqa: E402
from websocket import WebSocket  # noqa: E402

COMPILED = pathlib.Path(os.environ.get("COAX_BLOCKS", "."))
ALL = [block for page in pages(ROOT) for block in blocks(ROOT, page)]
# What a reader has at hand besides the system's commands.
EXAMPLES = set(re.findall(r"^\| \[(\w+)\]", (ROOT / "examples" / "README.md").read_text(), re.M))

# A project around a block of CMake, and coax as find_package finds it.
PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(app CXX)
add_executable(app main.cpp)
add_executable(app_test main.cpp)
"""
PACKAGE = """
foreach(name coax json redis testing)
  add_library(coax::${name} INTERFACE IMPORTED)
endforeach()
"""


def of(language, *words):
    return [block for block in ALL if block.language == language and set(words) <= set(block.words)]


def connect(path):
    """A connection to the socket of a program that may not listen yet."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(path)
            connection.settimeout(PATIENCE)
            return connection
        except OSError:
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class Programs(unittest.TestCase):
    """Each page has a folder of its own, with what its programs want to be there."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.folder = pathlib.Path(self._folder.name)
        (self.folder / "www").mkdir()
        (self.folder / "www" / "index.html").write_text("<!doctype html><title>hello</title>")
        self.socket = str(self.folder / "socket")

    def prepare(self, page):
        for block in of("sh", "run"):
            if block.page == page:
                subprocess.run(["bash", "-euc", block.code], cwd=self.folder, check=True, capture_output=True, timeout=PATIENCE)

    def start(self, block):
        program = COMPILED / "programs" / block.name
        return Program(str(program), folder=self.folder, environment={"COAX_SOCKET": self.socket})

    def test_those_that_end_by_themselves(self):
        for block in of("cpp", "run"):
            with self.subTest(block.where), self.start(block) as program:
                self.assertEqual(program.exit_code(), 0, program.output)

    def test_those_that_serve(self):
        for block in of("cpp", "serve"):
            with self.subTest(block.where):
                self.prepare(block.page)
                with self.start(block) as program:
                    for word in block.words:
                        way, _, path = word.partition("=")
                        if way == "get":
                            self.get(path, "tls" in block.words)
                        if way == "ws":
                            self.echo(path)
                    self.assertEqual(program.stop(signal.SIGINT), 0, program.output)

    def test_those_that_dial(self):
        for block in of("cpp", "client"):
            with self.subTest(block.where), Program("echo_server", "--host", "unix", "--port", self.socket) as server:
                connect(self.socket).close()
                with self.start(block) as program:
                    self.assertEqual(program.exit_code(), 0, program.output)
                server.stop(signal.SIGINT)

    def test_commands_that_can_be_run_anywhere(self):
        for block in of("sh", "run"):
            with self.subTest(block.where):
                self.prepare(block.page)

    def get(self, path, tls):
        with contextlib.ExitStack() as opened:
            connection = opened.enter_context(connect(self.socket))
            if tls:
                trusting = ssl.create_default_context(cafile=self.folder / "chain.pem")
                connection = opened.enter_context(trusting.wrap_socket(connection, server_hostname="localhost"))
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = opened.enter_context(connection.makefile("rb"))
            self.assertIn(b" 200 ", answer.readline(), path)
            self.assertTrue(answer.read())

    def echo(self, path):
        with WebSocket(connect(self.socket), path) as ws:
            self.assertEqual(ws.status, 101)
            ws.send(b"hello")
            self.assertEqual(ws.receive(), (1, b"hello"))


class OtherCode(unittest.TestCase):
    def test_shell(self):
        for block in of("sh"):
            with self.subTest(block.where):
                subprocess.run(["bash", "-n"], input=block.code, text=True, check=True, timeout=PATIENCE)
                if "elsewhere" in block.words:
                    continue
                code = re.sub(r"\\\n", " ", block.code)
                code = re.sub(r"(^|\s)#.*", "", code)
                for line in filter(None, map(str.strip, code.splitlines())):
                    for command in re.split(r"&&|\|\|?|;", line):
                        words = [word for word in command.split() if not re.match(r"\w+=|sudo$", word)]
                        self.assert_exists(words[0])

    def assert_exists(self, command):
        if "build/" in command:  # what the page has just built
            self.assertIn(pathlib.Path(command).name, EXAMPLES)
        elif "/" in command:
            self.assertTrue(os.access(ROOT / command, os.X_OK), f"{command} is no program of the repository")
        else:
            self.assertTrue(command in EXAMPLES or shutil.which(command), f"no command {command}")

    def test_cmake(self):
        """Configures, with coax itself where a block wants its sources."""
        for block in of("cmake"):
            with self.subTest(block.where), tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name) / "app"
                (folder / "third_party").mkdir(parents=True)
                for sources in (folder / "third_party" / "coax", folder.parent / "coax"):
                    sources.symlink_to(ROOT)
                (folder / "coaxConfig.cmake").write_text(PACKAGE)
                (folder / "coaxConfigVersion.cmake").write_text("set(PACKAGE_VERSION_COMPATIBLE TRUE)")
                (folder / "main.cpp").write_text("int main() {}\n")
                code = block.code if "project(" in block.code else PROJECT + block.code
                (folder / "CMakeLists.txt").write_text(code)
                done = subprocess.run(["cmake", "-G", "Ninja", f"-Dcoax_DIR={folder}", "-S", folder, "-B", folder / "b"],
                                      capture_output=True, text=True, timeout=4 * PATIENCE)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_javascript(self):
        for block in of("js"):
            with self.subTest(block.where), tempfile.NamedTemporaryFile("w", suffix=".js") as file:
                file.write(block.code)
                file.flush()
                subprocess.run(["node", "--check", file.name], check=True, timeout=PATIENCE)

    def test_json(self):
        for block in of("json"):
            with self.subTest(block.where):
                json.loads(block.code)


class Report(unittest.TestCase):
    def test_nothing_is_left_out(self):
        """Every fence is known, everything in C++ is in a source that was compiled, every program to be run is there."""
        left_out = [f"{b.where}: no check for {b.language}" for b in ALL if b.language not in LANGUAGES]
        for page in pages(ROOT):
            fences = len(re.findall(r"^```\w", page.read_text(), re.M))
            if fences != len(list(blocks(ROOT, page))):
                left_out.append(f"{page.relative_to(ROOT)}: a fence that is not understood")
            for name, text in sources(ROOT, page):
                source = COMPILED / "blocks" / name
                if not source.exists() or source.read_text() != text:
                    left_out.append(f"{name} is not what was compiled")
        left_out += [f"{b.where}: was not built" for b in ALL if b.is_program and b.is_run
                     and not (COMPILED / "programs" / b.name).exists()]
        count = collections.Counter(block.language for block in ALL)
        run = sum(block.is_program and block.is_run for block in ALL)
        print(f"code blocks: {len(ALL)}; " + ", ".join(f"{n} {language}" for language, n in count.most_common()))
        print(f"programs: {run} run; not run: " + ", ".join(b.where for b in ALL if b.is_program and not b.is_run))
        print(f"not compiled, and not checked: {len(left_out)}")
        self.assertEqual(left_out, [])


if __name__ == "__main__":
    unittest.main()
