"""The groups of the reference, as docs/reference.md has them: one for each heading, with the headers below it."""

import re

from markdown import HEADING, LINK, ROOT, slug

PAGE = ROOT / "docs" / "reference.md"
HEADERS = ROOT / "include" / "coax"


class Group:
    def __init__(self, title, text):
        self.title = title
        self.id = "api_" + slug(title).replace("-", "_")
        self.headers = [target.rsplit("/", 1)[1] for _, _, target in LINK.findall(text) if target.endswith(".hpp")]
        # The first paragraph says what the group is for.
        self.text = text.strip().split("\n\n")[0]


def groups():
    text = PAGE.read_text()
    found = [match for match in HEADING.finditer(text) if match.group(1) == "##"]
    ends = [match.start() for match in found[1:]] + [len(text)]
    return [Group(match.group(2), text[match.end() : end]) for match, end in zip(found, ends)]


def group_of_header():
    """The group of each header. The two that only include others are in none."""
    table = {}
    for group in groups():
        for header in group.headers:
            if header in table:
                raise SystemExit(f"docs/reference.md: {header} is there twice")
            table[header] = group
    everything = {path.name for path in HEADERS.glob("*.hpp") if re.search(r"^namespace", path.read_text(), re.M)}
    if everything != set(table):
        raise SystemExit(f"docs/reference.md: missing, or not there: {', '.join(sorted(everything ^ set(table)))}")
    return table


def header_for_doxygen(path, group):
    """A public header, line for line, as Doxygen is to see it.

    What is in the namespaces of coax joins its group of the reference. And a base class that is made for its own heir
    (`conn_options<accept_options>`) is named without it: Doxygen would make an undocumented class of each.
    """
    text = re.sub(r"\b(conn|connect)_options<\w+_options>", r"\1_options", path.read_text())
    if not group:
        return text
    begin = rf"\1 /** @addtogroup {group.id} */ /** @{{ */"
    text = re.sub(r"^(namespace coax(?:::sse|::testing)? \{)$", begin, text, flags=re.M)
    return re.sub(r"^(\}  // namespace coax(?:::sse|::testing)?)$", r"/** @} */ \1", text, flags=re.M)
