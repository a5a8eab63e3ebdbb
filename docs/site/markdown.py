"""The Markdown of the repository: its pages, their headings and their links."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
CODE = re.compile(r"(`+)(.+?)\1", re.S)
HEADING = re.compile(r"^(#+) (.+)$", re.M)
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def pages():
    """All Markdown files that people read, the landing page of the site first."""
    tests = sorted((ROOT / "tests").glob("*/README.md"))
    docs = sorted((ROOT / "docs").glob("*.md"), key=lambda page: (page.stem != "index", page.stem))
    return [*docs, ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "examples" / "README.md", *tests]


def prose(text):
    """The text without its code, at the same places."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    return CODE.sub(blank, FENCE.sub(blank, text))


def slug(heading):
    """The anchor that forges give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip()).lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(page):
    """The anchors of a page. A heading that comes again gets a number, as on a forge."""
    seen, found = {}, []
    for _, heading in HEADING.findall(FENCE.sub("", page.read_text())):
        name = slug(heading)
        count = seen[name] = seen.get(name, -1) + 1
        found.append(f"{name}-{count}" if count else name)
    return found


def links(page):
    """(line, target) of each link and image of a page."""
    text = page.read_text()
    for match in LINK.finditer(prose(text)):
        yield text.count("\n", 0, match.start()) + 1, match.group(3)


def is_external(target):
    return re.match(r"[a-z]+:", target) is not None


def split(page, target):
    """The path that a link of a page leads to, and its anchor."""
    path, _, anchor = target.partition("#")
    return (page.parent / path).resolve() if path else page, anchor
