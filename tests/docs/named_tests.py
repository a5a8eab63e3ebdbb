#!/usr/bin/env python3
"""Checks that each test that docs/security.md names exists, and that each row of its table of CVEs names one.

    named_tests.py ROOT

A test is named as `folder/file: case`, of tests/folder/file.cpp.
"""

import pathlib
import re
import sys

NAMED = re.compile(r"`(\w+/\w+): (\w+)`")
CASE = re.compile(r"^(?:BOOST_(?:AUTO|DATA)_TEST_CASE|COAX_\w+_TEST)\((\w+)[,)]", re.M)


def cases(source):
    return set(CASE.findall(source.read_text())) if source.is_file() else set()


def main():
    root = pathlib.Path(sys.argv[1])
    page = root / "docs/security.md"
    wrong, named = [], 0
    for number, line in enumerate(page.read_text().splitlines(), 1):
        tests = NAMED.findall(line)
        if line.startswith("| CVE-") and not tests:
            wrong.append(f"{page}:{number}: a row without a test")
        for file, case in tests:
            named += 1
            if case not in cases(root / "tests" / f"{file}.cpp"):
                wrong.append(f"{page}:{number}: there is no {case} in tests/{file}.cpp")
    if named == 0:
        wrong.append(f"{page}: no test is named")
    print("\n".join(wrong) or f"{named} tests are named, and exist")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
