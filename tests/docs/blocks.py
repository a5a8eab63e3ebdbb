#!/usr/bin/env python3
"""Writes the C++ of README.md and docs/*.md as sources, one for each page and one for each whole program.

    blocks.py ROOT OUT     writes OUT/*.cpp and prints their names, separated by semicolons

A fence says what its block is: ```cpp are declarations, or a program if there is a main; ```cpp body are statements of
a coroutine, in which the names of prelude.hpp can be used. What is no C++ to be compiled is ```text.
"""

import pathlib
import re
import sys

FENCE = re.compile(r"^```cpp( body)?\n(.*?)^```$", re.M | re.S)
INCLUDE = re.compile(r"^#include .*\n", re.M)


def sources(page, name):
    """Yields (file name, text) for the blocks of one page."""
    text = page.read_text()
    includes, blocks = [], []
    for number, match in enumerate(FENCE.finditer(text), 1):
        body, code = match.groups()
        line = text[: match.start()].count("\n") + 2
        where = f'#line {line} "{page}"\n'
        if not body and re.search(r"^int main\(", code, re.M):
            yield f"{name}_{number}.cpp", f'#include "prelude.hpp"\n{where}{code}'
            continue
        includes += INCLUDE.findall(code)
        code = INCLUDE.sub("\n", code)
        if body:
            code = f"coax::task<> body(BLOCK_PARAMETERS) {{ {{\n{where}{code}\n}} co_return; }}\n"
        else:
            code = where + code
        blocks.append(f"namespace block_{number} {{\n{code}}}  // namespace\n")
    if blocks:
        yield f"{name}.cpp", '#include "prelude.hpp"\n' + "".join(includes) + "\n".join(blocks)


def main():
    root, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for page in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        for name, text in sources(page, page.stem.lower().replace("-", "_")):
            target = out / name
            if not target.exists() or target.read_text() != text:
                target.write_text(text)
            written.append(str(target))
    print(";".join(written), end="")


if __name__ == "__main__":
    main()
