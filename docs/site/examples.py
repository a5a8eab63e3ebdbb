"""The examples, as examples/README.md lists them."""

import re

from markdown import ROOT

EXAMPLES = ROOT / "examples"
# What is worth reading, in this order.
SUFFIXES = (".hpp", ".cpp", "", ".html", ".js", ".css")
ROW = re.compile(r"^\| \[([\w/]+)\]\(([\w./]+)\) \| (.+?) \| (.+?) \| (.+?) \|$", re.M)


class Example:
    def __init__(self, name, target, what, size, tests):
        self.name = name
        self.path = (EXAMPLES / target).resolve()
        self.id = "example_" + name
        self.what, self.size, self.tests = what, size, re.findall(r"`(\w+)`", tests)
        self.files = self._files()

    def _files(self):
        if self.path.is_file():
            return [self.path]
        inside = [path for path in self.path.rglob("*") if path.is_file() and path.suffix in SUFFIXES]
        return sorted(inside, key=lambda path: (SUFFIXES.index(path.suffix), path.name != "main.cpp", path))

    def lines(self):
        return sum(len(path.read_text().splitlines()) for path in self.files)


def examples():
    return [Example(*row) for row in ROW.findall((EXAMPLES / "README.md").read_text())]
