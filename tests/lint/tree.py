# SPDX-License-Identifier: MIT
"""What the lints share: which files there are, C++ text without its comments, how findings are told.

A lint is a module with check(root), giving findings (path below root, line, text).
"""

import pathlib
import re
import sys

ROOMS = ("deferred", "reactors", "samples", "tests")
FIXTURES = pathlib.Path("tests/lint/fixtures")

TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|"""
    r"""(?<![\w'])'(?:\\.|[^'\\\n])+'""",
    re.DOTALL,
)


def files(root, rooms=ROOMS, suffixes=(".hpp", ".cpp")):
    """The sources of these rooms, as paths below root, in order."""
    found = []
    for room in rooms:
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root)
            if path.suffix in suffixes and FIXTURES not in name.parents:
                found.append(name)
    return found


def blanked(text, strings=True):
    """The same text with blanks for comments (and string contents), so that places stay."""

    def blank(match):
        token = match.group()
        if token.startswith("/"):
            return re.sub(r"[^\n]", " ", token)
        return '"' + re.sub(r"[^\n]", " ", token[1:-1]) + '"' if strings else token

    return TOKEN.sub(blank, text)


def line_of(text, place):
    return text.count("\n", 0, place) + 1


def main(check):
    findings = sorted(check(pathlib.Path(sys.argv[1])))
    for path, line, text in findings:
        print(f"{path}:{line}: {text}")
    sys.exit(bool(findings))
