#!/usr/bin/env python3
"""The code blocks of the documentation: what each is, and the C++ of them as sources.

    blocks.py ROOT OUT     writes OUT/*.cpp, a page each, OUT/programs/*.cpp, which are run, and OUT/not_run/*.cpp;
                           prints their names, separated by semicolons

A fence says what its block is, in words that no reader sees:

    ```cpp              declarations, or a whole program if there is a main
    ```cpp body         statements of a coroutine, in which the names of prelude.hpp can be used
    ```cpp run          a program that ends by itself, with 0
    ```cpp serve GET    a program that serves until Ctrl-C: get=/path has an answer, ws=/path echoes; tls if it does
    ```cpp client       a program that talks to an echo server at 127.0.0.1:8080/echo
    ```sh run           commands that can be run anywhere, before the programs of the same page
    ```sh elsewhere     commands that are not to be had here
    ```sh ```cmake ```js ```json   are checked as far as that goes without running them
    ```text             no code: what is shown is wrong on purpose, or for the eye

blocks_test.py runs and checks all but the compiling.
"""

import pathlib
import re
import sys

FENCE = re.compile(r"^```(\w+)((?: \S+)*)\n(.*?)^```$", re.M | re.S)
INCLUDE = re.compile(r"^#include .*\n", re.M)
# What the documentation says of addresses; prelude.hpp puts the test's own in their place.
ADDRESS = re.compile(r'"(?:127\.0\.0\.1)?:8(?:080|443)"')
URL = re.compile(r'"ws://127\.0\.0\.1:8080(/\w*)"')
LANGUAGES = ("cpp", "sh", "cmake", "js", "json", "text")


class Block:
    def __init__(self, root, page, number, match, line):
        self.page, self.number, self.line = page, number, line
        self.path = page.relative_to(root)
        self.language, self.words, self.code = match[1], match[2].split(), match[3]

    @property
    def is_program(self):
        return self.language == "cpp" and re.search(r"^int main\(", self.code, re.M) is not None

    @property
    def is_run(self):
        return bool({"run", "serve", "client"} & set(self.words))

    @property
    def name(self):
        return f"{page_name(self.path)}_{self.number}"

    @property
    def where(self):
        return f"{self.path}:{self.line}"


def page_name(path):
    return "_".join(path.with_suffix("").parts).lower().replace("-", "_")


def pages(root):
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), root / "examples" / "README.md",
            *sorted((root / "tests").glob("*/README.md"))]


def blocks(root, page):
    text = page.read_text()
    for number, match in enumerate(FENCE.finditer(text), 1):
        yield Block(root, page, number, match, text[: match.start()].count("\n") + 2)


def program(block):
    code = URL.sub(r'test_url("\1")', ADDRESS.sub(lambda match: f"test_address({match[0]})", block.code))
    return f'#include "prelude.hpp"\n#line {block.line} "{block.page}"\n{code}'


def page_source(some):
    """One source of all blocks of a page that are no programs, each in a namespace of its own."""
    includes, parts = [], []
    for block in some:
        includes += INCLUDE.findall(block.code)
        code = INCLUDE.sub("\n", block.code)
        where = f'#line {block.line} "{block.page}"\n'
        if "body" in block.words:
            code = f"coax::task<> body(BLOCK_PARAMETERS) {{ {{\n{where}{code}\n}} co_return; }}\n"
        else:
            code = where + code
        parts.append(f"namespace {block.name} {{\n{code}}}  // namespace\n")
    return '#include "prelude.hpp"\n' + "".join(includes) + "\n".join(parts)


def sources(root, page):
    """Yields (file name, text)."""
    cpp = [block for block in blocks(root, page) if block.language == "cpp"]
    for block in cpp:
        if block.is_program:
            folder = "programs/" if block.is_run else "not_run/"
            yield f"{folder}{block.name}.cpp", program(block)
    rest = [block for block in cpp if not block.is_program]
    if rest:
        yield f"{page_name(rest[0].path)}.cpp", page_source(rest)


def main():
    root, out = map(pathlib.Path, sys.argv[1:])
    root = root.resolve()
    for folder in ("programs", "not_run"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    written = []
    for page in pages(root):
        for name, text in sources(root, page):
            target = out / name
            if not target.exists() or target.read_text() != text:
                target.write_text(text)
            written.append(str(target))
    print(";".join(written), end="")


if __name__ == "__main__":
    main()
