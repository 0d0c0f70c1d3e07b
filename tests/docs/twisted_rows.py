# SPDX-License-Identifier: MIT
"""twisted_rows.py DOCUMENT BUILD: DOCUMENT has each row of Twisted's checklist once, with its state, and what holds it runs.

Of its tables, those that begin with '| row |' count: row, Twisted, state, here, held by. A row is a number, or several
('8, 9'). A state is

- 'same', or 'adapted', of which 'here' says how: 'held by' names the tests;
- 'not applicable', of which 'here' says why;
- 'missing': it is listed here, and does not count.

A test is `results/firing` "a title": a file below tests/, and a case that its program lists, once run by Meson without a
filter. One without a title, `compile_fail control`, is a test of Meson's by its name. The last line says 'N of 173'.
"""

import collections
import dataclasses
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree

ROWS = 173
HEAD = ["row", "Twisted", "state", "here", "held by"]
STATES = {"same", "adapted", "not applicable", "missing"}
TOKEN = re.compile(r'`(?P<word>[^`]+)`|"(?P<title>[^"]+)"|(?P<between>[\s,]+)|(?P<other>.)')
TESTS = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass
class Row:
    line: int
    numbers: list
    state: str
    here: str
    held_by: str


def rows(text):
    """The rows of the tables that count."""
    counts = False
    for line, written in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in written.strip().strip("|").split("|")]
        if not written.startswith("|"):
            counts = False
        elif cells[0] == "row":
            counts = cells == HEAD
            if not counts:
                raise SystemExit(f"line {line}: the columns are {' | '.join(HEAD)}")
        elif counts and not set(written) <= set("|- "):
            if len(cells) != len(HEAD) or not re.fullmatch(r"\d+(, \d+)*", cells[0]):
                raise SystemExit(f"line {line}: no row: {written}")
            yield Row(line, [int(number) for number in cells[0].split(", ")], *cells[2:])


def tests_of(held_by):
    """(word, its titles) of each test, and what is neither."""
    tests, other = [], ""
    for found in TOKEN.finditer(held_by):
        if found["word"]:
            tests.append((found["word"], []))
        elif found["title"] and tests:
            tests[-1][1].append(found["title"])
        elif not found["between"]:
            other += found[0]
    return tests, other


class Build:
    """What Meson has configured, and which cases its programs list."""

    def __init__(self, folder, tests=TESTS):
        self.folder, self.tests = pathlib.Path(folder), pathlib.Path(tests)
        configured = json.loads((self.folder / "meson-info" / "intro-tests.json").read_text())
        self.names = {test["name"] for test in configured}
        whole = {test["cmd"][0] for test in configured if len(test["cmd"]) == 1}
        self.programs = collections.defaultdict(list)  # of a source, those that a test runs as a whole
        for target in json.loads((self.folder / "meson-info" / "intro-targets.json").read_text()):
            for source in [name for kind in target["target_sources"] for name in kind["sources"]]:
                self.programs[os.path.realpath(source)] += whole.intersection(target["filename"])

    @functools.cache
    def listed(self, program):
        """(source, title) of the cases that the program runs: doctest lists none that are skipped."""
        done = subprocess.run([program, "-r=xml", "--list-test-cases"], stdout=subprocess.PIPE, text=True, check=True)
        found = [case for case in xml.etree.ElementTree.fromstring(done.stdout).iter("TestCase")
                 if case.get("skipped") != "true"]
        return {(os.path.realpath(self.folder / case.get("filename")), case.get("name")) for case in found}

    def wrong_with(self, word, titles):
        """What is not there of a test."""
        if not titles:
            if word not in self.names:
                yield f"Meson knows no test '{word}'"
            return
        source = os.path.realpath(self.tests / f"{word}.cpp")
        cases = {title for program in self.programs[source] for of, title in self.listed(program) if of == source}
        if not cases:
            yield f"no test runs the cases of tests/{word}.cpp"
            return
        for title in titles:
            # Of a template there is a case for each type, which is written behind the title.
            if title not in cases and not any(case.startswith(title + "<") for case in cases):
                yield f"tests/{word}.cpp runs no case \"{title}\""


def wrong_with(row, build):
    tests, other = tests_of(row.held_by)
    if row.state not in STATES:
        yield f"'{row.state}' is no state"
    if other:
        yield f"held by what is no test: {other}"
    if row.state in ("same", "adapted") and not tests:
        yield f"is {row.state}, and no test holds it"
    if row.state in ("adapted", "not applicable") and not row.here:
        yield f"is {row.state}, and nothing says {'how' if row.state == 'adapted' else 'why'}"
    if row.state == "missing" and tests:
        yield "is missing, and a test holds it"
    for word, titles in tests:
        yield from build.wrong_with(word, titles)


def check(text, build, count=ROWS):
    """(line, complaint) of what is wrong; the rows that are missing; how many are right."""
    complaints, missing = [], []
    right, seen = set(), collections.Counter()
    for row in rows(text):
        wrong = list(wrong_with(row, build))
        complaints += [(row.line, f"row {', '.join(map(str, row.numbers))} {complaint}") for complaint in wrong]
        seen.update(row.numbers)
        if row.state == "missing":
            missing += row.numbers
        elif not wrong:
            right.update(row.numbers)
    for number in sorted(seen.keys() | range(1, count + 1)):
        if seen[number] == 0:
            complaints.append((1, f"row {number} is not there"))
        elif not 1 <= number <= count:
            complaints.append((1, f"row {number} is none of Twisted's"))
        elif seen[number] > 1:
            complaints.append((1, f"row {number} is there {seen[number]} times"))
    return complaints, sorted(missing), len([number for number in right if seen[number] == 1 and number <= count])


def main(document, folder):
    complaints, missing, right = check(pathlib.Path(document).read_text(), Build(folder))
    for line, complaint in complaints:
        print(f"{document}:{line}: {complaint}")
    if missing:
        print("missing:", ", ".join(map(str, missing)))
    print(f"{right} of {ROWS}")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
