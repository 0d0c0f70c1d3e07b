# SPDX-License-Identifier: MIT
"""documents.py ROOT: links in documents lead to what is there, and what users read first is at most 140 wide.

A link within the tree names a file or a folder, and behind '#' a heading as GitHub makes an anchor of it.
"""

import re

import tree

NARROW = ("README.md", "docs/guide.md", "docs/pitfalls.md", "docs/recipes.md")
WIDTH = 140
LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"#{1,6} +(.*?)\s*$")
CODE_SPAN = re.compile(r"`[^`]*`")


def documents(root):
    found = [root / "README.md", root / "CONTRIBUTING.md", root / "CHANGELOG.md", *(root / "docs").glob("*.md"),
             *(root / "samples").rglob("README.md")]
    return [path.relative_to(root) for path in sorted(found) if path.exists()]


def outside_of_code(text):
    """(number, line) of what is no block of code."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside:
            yield number, line


def anchor(heading):
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def anchors(text):
    found = {}
    for _, line in outside_of_code(text):
        if mark := HEADING.match(line):
            name = anchor(mark[1])
            found[name] = found.get(name, 0) + 1
    return set(found) | {f"{name}-{n}" for name, often in found.items() for n in range(1, often)}


def check(root):
    for name in documents(root):
        text = (root / name).read_text()
        for number, line in enumerate(text.splitlines(), 1):
            if str(name) in NARROW and len(line) > WIDTH:
                yield str(name), number, f"is {len(line)} wide, and {WIDTH} is enough"
        for number, line in outside_of_code(text):
            for target in LINK.findall(CODE_SPAN.sub("", line)):
                if re.match(r"[a-z]+:", target):
                    continue
                file, _, part = target.partition("#")
                path = (root / name).parent / file if file else root / name
                if not path.exists():
                    yield str(name), number, f"links to {file}, which is not there"
                elif part and path.suffix == ".md" and part not in anchors(path.read_text()):
                    yield str(name), number, f"links to {target}, and there is no such heading"


if __name__ == "__main__":
    tree.main(check)
