"""examples/README.md lists every example, tells the truth of its size, and names a test that runs it.

COAX_BUILD names the folder of the build, COAX_CTEST the program ctest.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "docs" / "site"))
from examples import EXAMPLES, examples  # noqa: E402

# Without them, some of the tests are not even configured; tests/run installs them.
TOOLS = all(map(shutil.which, ("node", "chromium", "redis-server", "haproxy", "ssh")))


def tests():
    """What each test of CTest runs: its command, its environment, and the text of its script."""
    shown = subprocess.run([os.environ["COAX_CTEST"], "--show-only=json-v1"], cwd=os.environ["COAX_BUILD"],
                           capture_output=True, text=True, check=True, timeout=60)
    found = {}
    for test in json.loads(shown.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        folder = pathlib.Path(properties.get("WORKING_DIRECTORY", "."))
        scripts = [folder / word for word in test.get("command", []) if word.endswith((".py", ".mjs"))]
        texts = [script.read_text() for script in scripts]
        # What a script has others do for it.
        texts += [path.read_text() for script in scripts for path in script.parent.glob("*.py") if "tunnel" in str(script)]
        found[test["name"]] = " ".join([*test.get("command", []), *properties.get("ENVIRONMENT", []), *texts])
    return found


class Index(unittest.TestCase):
    def test_every_example_is_listed(self):
        built = set(re.findall(r"add_executable\((\w+) ", (EXAMPLES / "CMakeLists.txt").read_text()))
        built |= set(re.search(r"foreach\(name ([^)]+)\)", (EXAMPLES / "CMakeLists.txt").read_text())[1].split())
        self.assertEqual({example.name for example in examples()}, built)

    def test_sizes_are_true(self):
        for example in examples():
            with self.subTest(example.name):
                code, page = (sum(len(path.read_text().splitlines()) for path in example.files if (path.suffix in web) == wanted)
                              for web, wanted in (((".html", ".js", ".css"), False), ((".html", ".js", ".css"), True)))
                told = [int(n) for n in re.findall(r"\d+", example.size)]
                minutes = told.pop()
                self.assertEqual(len(told), 2 if page else 1, "the page in the browser")
                self.assertAlmostEqual(told[0], code, delta=max(5, code // 10))
                self.assertAlmostEqual(minutes, code / 40, delta=1)
                if page:
                    self.assertAlmostEqual(told[1], page, delta=max(5, page // 10))

    def test_each_is_run_by_a_test(self):
        known = tests()
        for example in examples():
            self.assertTrue(example.tests, f"{example.name} names no test")
            for name in example.tests:
                with self.subTest(example.name, test=name):
                    if name not in known and not TOOLS:
                        self.skipTest(f"{name} needs what is not installed here")
                    self.assertIn(name, known)
                    self.assertRegex(known[name], rf"\b{example.name}\b")


if __name__ == "__main__":
    unittest.main()
