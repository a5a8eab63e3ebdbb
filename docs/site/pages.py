#!/usr/bin/env python3
"""Writes what Doxygen makes the site of.

    pages.py OUT     writes OUT/pages, OUT/include and OUT/layout.xml

docs/index.md is the landing page, and its lists of links are the navigation: a new page needs a line there, and nothing
else. Headings get the anchors that forges give them, and links among pages, to headers and to examples lead to their
place on the site, so that the same Markdown can be read in both.
"""

import pathlib
import re
import sys
from xml.sax.saxutils import quoteattr

from examples import EXAMPLES, examples
from markdown import CODE, FENCE, HEADING, LINK, ROOT, is_external, slug, split
from reference import HEADERS, group_of_header, groups, header_for_doxygen

DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
# The pages outside of docs/ that are on the site.
OTHERS = {ROOT / "CHANGELOG.md": "changelog", EXAMPLES / "README.md": "examples"}


def page_id(page):
    return "page_" + OTHERS.get(page, page.stem).replace("-", "_")


def anchor_id(page, anchor):
    return f"{page_id(page)}_{anchor}"


def site_pages():
    return [*sorted(DOCS.glob("*.md")), *OTHERS]


def place(page, target):
    """What Doxygen calls the place that a link of a page leads to; nothing for one that is elsewhere."""
    if is_external(target):
        return target
    path, anchor = split(page, target)
    if path in site_pages():
        if path == INDEX and not anchor:
            return "@ref index"
        return "@ref " + (anchor_id(path, anchor) if anchor else page_id(path))
    if path.parent == HEADERS:
        return f"@ref {path.name}"
    if path == EXAMPLES:
        return f"@ref {page_id(EXAMPLES / 'README.md')}"
    for example in examples():
        if path == example.path or path in example.files:
            return f"@ref {example.id}"
    raise SystemExit(f"{page.relative_to(ROOT)}: {target} is not on the site")


def on_the_site(page, text):
    """The Markdown of a page as Doxygen wants it."""
    sections = len(re.findall(r"^## ", FENCE.sub("", text), re.M))
    parts, end = [], 0
    for fence in [*FENCE.finditer(text), None]:
        parts.append(prose_on_the_site(page, text[end : fence.start()] if fence else text[end:], sections))
        if fence:
            # Of what stands behind the language only our own tests know.
            parts.append(re.sub(r"^```(\w*).*", r"```\1", fence.group()))
            end = fence.end()
    return "".join(parts)


def prose_on_the_site(page, text, sections):
    def link(match):
        if match.group(1):
            return match.group()
        # Doxygen wants the text of a link in one line, and nothing but text.
        words = " ".join(match.group(2).replace("`", "").split())
        return f"[{words}]({place(page, match.group(3))})"

    def heading(match):
        level, title = match.group(1), match.group(2).replace("`", "")
        if level == "#":
            contents = "\n[TOC]" if page != INDEX and sections > 2 else ""
            return f"# {title} {{#{page_id(page)}}}{contents}"
        if page == INDEX:
            # A section would come into the tree, which the lists below it are already.
            return f"<h2>{title}</h2>"
        labelled = f"{level} {title} {{#{anchor_id(page, slug(title))}}}"
        if page == DOCS / "reference.md":
            group = next(g for g in groups() if g.title == title)
            return f"{labelled}\n\n[Classes, functions, constants](@ref {group.id})\n"
        return labelled

    spans = []

    def put_away(match):
        # Doxygen takes `don't` for the end of a quotation.
        spans.append(f"``{match.group(2)}``" if "'" in match.group(2) else match.group())
        return f"\0{len(spans) - 1}\0"

    text = LINK.sub(link, HEADING.sub(heading, text))
    text = CODE.sub(put_away, text)
    # It is particular about what may stand next to the asterisks.
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text, flags=re.S)
    return re.sub(r"\0(\d+)\0", lambda match: spans[int(match.group(1))], text)


def source_page(example):
    """The files of an example, to be read in a sitting."""
    text = [f"# {example.name} {{#{example.id}}}\n\n{example.what}\n"]
    for path in example.files:
        language = {".cpp": "cpp", ".hpp": "cpp", ".js": "js", ".css": "css", ".html": "html"}.get(path.suffix, "sh")
        text.append(f"## {path.relative_to(EXAMPLES)}\n\n```{language}\n{path.read_text().rstrip()}\n```\n")
    return "\n".join(text)


def navigation():
    """[title, [(title, place)]] of the lists of links below the headings of the landing page."""
    text = INDEX.read_text()
    sections = re.split(r"^## ", text, flags=re.M)[1:]
    for section in sections:
        title = section.split("\n", 1)[0]
        entries = re.findall(r"^- \[([^\]]+)\]\(([^)]+)\)", section, re.M)
        if entries:
            yield title, [(name, place(INDEX, target)) for name, target in entries]


def layout(groups_tab):
    lines = ['<doxygenlayout version="1.0">', "<navindex>", '<tab type="mainpage" visible="yes" title="coax"/>']
    for title, entries in navigation():
        lines.append(f'<tab type="usergroup" visible="yes" url="[none]" title={quoteattr(title)}>')
        lines += [f'<tab type="user" visible="yes" url={quoteattr(url)} title={quoteattr(name)}/>' for name, url in entries]
        lines.append("</tab>")
    lines += [f'<tab type="{groups_tab}" visible="yes" title="API reference"/>',
              '<tab type="classlist" visible="yes" title="All classes"/>',
              '<tab type="filelist" visible="yes" title="All headers"/>', "</navindex>", "</doxygenlayout>"]
    return "\n".join(lines) + "\n"


def check_that_all_are_found():
    linked = {url for _, entries in navigation() for _, url in entries}
    hidden = [page.name for page in site_pages() if page != INDEX and f"@ref {page_id(page)}" not in linked]
    if hidden:
        raise SystemExit(f"docs/index.md has no line for {', '.join(hidden)}")


def main():
    out = pathlib.Path(sys.argv[1])
    headers = out / "include" / "coax"
    headers.mkdir(parents=True)
    (out / "pages").mkdir()
    check_that_all_are_found()
    # Doxygen 1.9.8 has given the groups another name.
    newer = 'type="topics"' in (out / "default.xml").read_text()
    (out / "layout.xml").write_text(layout("topics" if newer else "modules"))
    for page in site_pages():
        name = "index" if page == INDEX else page_id(page)
        (out / "pages" / f"{name}.md").write_text(on_the_site(page, page.read_text()))
    for example in examples():
        (out / "pages" / f"{example.id}.md").write_text(source_page(example))
    table = group_of_header()
    for path in HEADERS.glob("*.hpp"):
        (headers / path.name).write_text(header_for_doxygen(path, table.get(path.name)))
    definitions = [f"/** @defgroup {g.id} {g.title}\n{on_the_site(DOCS / 'reference.md', g.text)}\n*/\n" for g in groups()]
    definitions += ["/** @namespace coax All of the library. */\n", "/** @namespace coax::sse Server-sent events. */\n",
                    "/** @namespace coax::testing For tests of code over coax. */\n"]
    (out / "pages" / "groups.dox").write_text("".join(definitions))


if __name__ == "__main__":
    main()
