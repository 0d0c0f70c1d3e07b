# SPDX-License-Identifier: MIT
"""samples_in_docs.py ROOT: code in README.md, docs/ and samples/*/README.md that names a sample stands in that.

'<!-- sample: NAME -->' before a block of C++ says that its lines stand in samples/NAME.cpp, one
after the other; of a header, NAME has its suffix. README shows no C++ without it.
"""

import re

import tree

MARK = re.compile(r"<!-- sample: (\S+) -->")
MUST_BE_MARKED = "README.md"


def documents(root):
    return [
        path.relative_to(root)
        for path in [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted((root / "samples").glob("*/README.md"))]
        if path.exists()
    ]


def blocks(lines):
    """(line number of the first line, its lines, the sample named before it) of each C++ block."""
    named = inside = None
    for number, line in enumerate(lines, 1):
        if inside is not None:
            if line.strip() == "```":
                yield inside + 1, lines[inside:number - 1], named
                named = inside = None
        elif line.strip() == "```cpp":
            inside = number
        elif line.strip():
            mark = MARK.search(line)
            named = mark[1] if mark else None


def contains(lines, part):
    return any(lines[at:at + len(part)] == part for at in range(len(lines) - len(part) + 1))


def check(root):
    for name in documents(root):
        for number, block, sample in blocks((root / name).read_text().splitlines()):
            if sample is None:
                if str(name) == MUST_BE_MARKED:
                    yield str(name), number, "names no sample"
                continue
            file = sample if sample.endswith(".hpp") else f"{sample}.cpp"
            source = root / "samples" / file
            if not source.exists() or not contains(source.read_text().splitlines(), block):
                yield str(name), number, f"does not stand so in samples/{file}"


if __name__ == "__main__":
    tree.main(check)
