#!/usr/bin/env python3
"""Checks the site that docs/build has made, and the Markdown that it is made of.

    check.py OUT     exit code 1, and what is wrong, if anything is

Doxygen has warned of nothing; every public name has a comment; every link of the site and of the repository's Markdown
leads somewhere; and the site takes nothing from the network.
"""

import html.parser
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree as xml

from markdown import ROOT, anchors, is_external, links, pages, split

faults = []


class Page(html.parser.HTMLParser):
    """The anchors of a page of the site, what it links to, what it loads, and markup that has not become any."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.loads, self.raw = set(), [], [], []
        self._code = []
        self.feed(path.read_text(errors="replace"))

    def handle_data(self, data):
        if not self._code and re.search(r"(?<!\w)@\w|</?(tt|strong|em|code)>|\*\*|`|\]\(|^#+ ", data):
            self.raw.append(" ".join(data.split())[:100])

    def handle_endtag(self, tag):
        if self._code and tag == self._code[-1]:
            self._code.pop()

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag in ("code", "pre", "script", "style", "title") or "fragment" in given.get("class", "") or (self._code and tag == self._code[-1]):
            self._code.append(tag)
        self.anchors.update(value for name, value in attributes if name == "id" or (tag == "a" and name == "name"))
        if tag == "a" and given.get("href", "") != "":
            self.links.append(given["href"])
        for name in {"link": ("href",), "script": ("src",), "img": ("src",), "iframe": ("src",)}.get(tag, ()):
            if given.get(name):
                self.loads.append(given[name])


def check_warnings(out):
    text = (out / "warnings").read_text().strip()
    if text:
        faults.append(text)


def is_documented(definition):
    return any("".join(part.itertext()).strip() for name in ("briefdescription", "detaileddescription", "inbodydescription")
               for part in definition.findall(name))


def check_names(out):
    """Every name of the reference: namespaces, classes, members, and the values of enumerations."""
    names = {}
    for path in sorted((out / "xml").glob("*.xml")):
        for compound in xml.parse(path).getroot().iter("compounddef"):
            scope = compound.findtext("compoundname")
            if compound.get("kind") not in ("class", "struct", "namespace", "concept") or not scope.startswith("coax"):
                continue
            if compound.get("prot") != "private":
                names[compound.get("id")] = (scope, compound)
            for member in filter(has_a_name, compound.iter("memberdef")):
                name = f"{scope}::{member.findtext('name')}{member.findtext('argsstring') or ''}"
                names[member.get("id")] = (name, member)
                for value in member.iter("enumvalue"):
                    names[value.get("id")] = (f"{name}::{value.findtext('name')}", value)
    faults.extend(f"no word on {name}" for name, definition in names.values() if not is_documented(definition))
    return len(names)


def has_a_name(member):
    """Not what is private, nor what the language gives a meaning: destructors, defaulted and deleted functions."""
    arguments = member.findtext("argsstring") or ""
    return (member.get("prot") != "private" and member.get("kind") != "friend"
            and not member.findtext("name").startswith("~")
            and not arguments.endswith("=delete") and arguments not in ("()=default", "() noexcept=default"))


def check_site(html_folder):
    found = {path.name: Page(path) for path in html_folder.glob("*.html")}
    count = 0
    for name, page in found.items():
        faults.extend(f"{name}: markup as text: {text}" for text in page.raw)
        for target in page.loads:
            if re.match(r"(https?:)?//", target):
                faults.append(f"{name} loads {target} from the network")
        for target in [*page.links, *page.loads]:
            if is_external(target):
                continue
            count += 1
            path, _, anchor = target.partition("#")
            path = urllib.parse.unquote(path) or name
            if not (html_folder / path).exists():
                faults.append(f"{name}: {target} does not exist")
            elif anchor and path in found and urllib.parse.unquote(anchor) not in found[path].anchors:
                faults.append(f"{name}: {target} has no such place")
    return len(found), count


def check_markdown():
    known = {page: set(anchors(page)) for page in pages()}
    count = 0
    for page in pages():
        for line, target in links(page):
            if is_external(target):
                continue
            count += 1
            path, anchor = split(page, target)
            where = f"{page.relative_to(ROOT)}:{line}: {target}"
            if not path.exists():
                faults.append(f"{where} does not exist")
            elif anchor and anchor not in known.get(path, ()):
                faults.append(f"{where} has no such place")
    return len(known), count


def main():
    out = pathlib.Path(sys.argv[1])
    check_warnings(out)
    names = check_names(out)
    site_pages, site_links = check_site(out / "html")
    sources, source_links = check_markdown()
    undocumented = sum(fault.startswith("no word on ") for fault in faults)
    print(f"public names: {names}, undocumented: {undocumented}")
    print(f"site: {site_pages} pages, {site_links} links; Markdown: {sources} pages, {source_links} links")
    print(f"faults: {len(faults)}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
