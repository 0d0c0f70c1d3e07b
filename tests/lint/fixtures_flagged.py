# SPDX-License-Identifier: MIT
"""fixtures_flagged.py LINT: the lint finds what is wrong in fixtures/LINT, and nothing else.

There, '// flagged: TEXT' stands on each line that must be found, with a part of the finding.
"""

import importlib
import pathlib
import re
import sys

import tree

FLAGGED = re.compile(r"// flagged: (.*)$")

lint = sys.argv[1]
root = pathlib.Path(__file__).parent / "fixtures" / lint
expected = {}
documents = [path.relative_to(root) for path in root.rglob("*.md")]
for name in tree.files(root) + documents:
    for number, line in enumerate((root / name).read_text().splitlines(), 1):
        if mark := FLAGGED.search(line):
            expected[str(name), number] = mark[1]

found = {}
for name, line, text in importlib.import_module(lint).check(root):
    found.setdefault((name, line), []).append(text)

wrong = []
for place, text in expected.items():
    if not any(text in one for one in found.get(place, [])):
        wrong.append(f"{place[0]}:{place[1]}: not flagged: {text}")
for place, texts in found.items():
    if place not in expected:
        wrong.append(f"{place[0]}:{place[1]}: flagged, and is fine: {texts}")
if not expected:
    wrong.append("no fixture")
print("\n".join(wrong))
sys.exit(bool(wrong))
