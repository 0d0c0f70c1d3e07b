# SPDX-License-Identifier: MIT
"""held_rows.py DOCUMENT BUILD LAST...: DOCUMENT has each row of its lists once, with its state, and what holds it runs.

Of its tables, those that begin with '| row |' count: row, what is there, state, here, held by. A row is a number, or
several ('8, 9'), with the letters of its list before it, if there are several lists ('Q3'). LAST is the last row of
each list: 173, or R25 K20. A state is

- 'same', or 'adapted', of which 'here' says how: 'held by' names the tests;
- 'not applicable', of which 'here' says why;
- 'missing': it is listed here, and does not count.

Without a column for it, the state is what 'here' says: 'same', 'missing', or how it is adapted, or, where no test holds
it, why it is not applicable.

A test is `results/firing` "a title": a file below tests/, and a case that its program lists, once run by Meson without a
filter; or a method of a .py there that Meson runs, 'test_a_title'. One without a title, `compile_fail control`, is a test
of Meson's by its name. The last line says 'N of M'.
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

STATES = {"same", "adapted", "not applicable", "missing"}
TOKEN = re.compile(r'`(?P<word>[^`]+)`|"(?P<title>[^"]+)"|(?P<between>[\s,]+)|(?P<other>.)')
TESTS = pathlib.Path(__file__).resolve().parents[1]


@dataclasses.dataclass
class Row:
    line: int
    names: list
    state: str
    here: str
    held_by: str


def rows(text):
    """The rows of the tables that count."""
    columns = 0
    for line, written in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in written.strip().strip("|").split("|")]
        if not written.startswith("|"):
            columns = 0
        elif cells[0] == "row":
            columns = len(cells)
            if cells[2:] not in (["state", "here", "held by"], ["here", "held by"]):
                raise SystemExit(f"line {line}: the columns are row, what is there, state or none, here, held by")
        elif columns and not set(written) <= set("|- "):
            if len(cells) != columns or not re.fullmatch(r"[A-Z]*\d+(, [A-Z]*\d+)*", cells[0]):
                raise SystemExit(f"line {line}: no row: {written}")
            here, held_by = cells[-2:]
            without_column = here if here in ("same", "missing") else "adapted" if held_by else "not applicable"
            state = cells[2] if columns == 5 else without_column
            yield Row(line, cells[0].split(", "), state, here, held_by)


def expected(last):
    """The names of all rows of the list that ends with this one."""
    letters, number = re.fullmatch(r"([A-Z]*)(\d+)", last).groups()
    return [f"{letters}{i}" for i in range(1, int(number) + 1)]


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
        self.scripts = {os.path.realpath(word) for test in configured for word in test["cmd"] if word.endswith(".py")}
        self.ways = collections.defaultdict(list)  # to run a program: as a whole, or some of its cases
        for test in configured:
            program, *filters = test["cmd"]
            if all(word.startswith(("-tc=", "-tce=", "--source-file=")) for word in filters):
                self.ways[program].append(filters)
        self.programs = collections.defaultdict(list)  # of a source, those that a test runs
        for target in json.loads((self.folder / "meson-info" / "intro-targets.json").read_text()):
            for source in [name for kind in target["target_sources"] for name in kind["sources"]]:
                for one in self.as_one(source):
                    self.programs[os.path.realpath(one)] += self.ways.keys() & set(target["filename"])

    def as_one(self, source):
        """The sources that one consists of: those that it includes, if the build has made it for that."""
        if self.folder.resolve() not in pathlib.Path(source).resolve().parents or not pathlib.Path(source).exists():
            return [source]
        included = re.findall(r'^#include "tests/(.*\.cpp)"$', pathlib.Path(source).read_text(), re.MULTILINE)
        return [self.tests / name for name in included] or [source]

    @functools.cache
    def listed(self, program):
        """(source, title) of the cases that the program runs: doctest lists none that are skipped."""
        found = []
        for filters in self.ways[program]:
            done = subprocess.run([program, *filters, "-r=xml", "--list-test-cases"], stdout=subprocess.PIPE, text=True,
                                  check=True)
            found += [case for case in xml.etree.ElementTree.fromstring(done.stdout).iter("TestCase")
                      if case.get("skipped") != "true"]
        return {(os.path.realpath(self.folder / case.get("filename")), case.get("name")) for case in found}

    def methods(self, script):
        """The titles of the test methods of a script that Meson runs."""
        if script not in self.scripts:
            return set()
        return {name.replace("_", " ") for name in re.findall(r"^    def test_(\w+)\(self", pathlib.Path(script).read_text(),
                                                               re.MULTILINE)}

    def wrong_with(self, word, titles):
        """What is not there of a test."""
        if not titles:
            if word not in self.names:
                yield f"Meson knows no test '{word}'"
            return
        script, source = [os.path.realpath(self.tests / (word + suffix)) for suffix in (".py", ".cpp")]
        cases = {title for program in self.programs[source] for of, title in self.listed(program) if of == source}
        cases |= self.methods(script)
        if not cases:
            yield f"no test runs the cases of tests/{word}"
            return
        for title in titles:
            # Of a template there is a case for each type, which is written behind the title.
            if title not in cases and not any(case.startswith(title + "<") for case in cases):
                yield f"tests/{word} runs no case \"{title}\""


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


def check(text, build, last):
    """(line, complaint) of what is wrong; the rows that are missing; how many are right, and of how many."""
    wanted = [name for row in last for name in expected(row)]
    complaints, missing = [], []
    right, seen = set(), collections.Counter()
    for row in rows(text):
        wrong = list(wrong_with(row, build))
        complaints += [(row.line, f"row {', '.join(row.names)} {complaint}") for complaint in wrong]
        seen.update(row.names)
        if row.state == "missing":
            missing += row.names
        elif not wrong:
            right.update(row.names)
    complaints += [(1, f"row {name} is not there") for name in wanted if not seen[name]]
    complaints += [(1, f"row {name} is in no list") for name in seen if name not in wanted]
    complaints += [(1, f"row {name} is there {seen[name]} times") for name in wanted if seen[name] > 1]
    return complaints, missing, len([name for name in wanted if name in right and seen[name] == 1]), len(wanted)


def main(document, folder, *last):
    complaints, missing, right, count = check(pathlib.Path(document).read_text(), Build(folder), last)
    for line, complaint in complaints:
        print(f"{document}:{line}: {complaint}")
    if missing:
        print("missing:", ", ".join(missing))
    print(f"{right} of {count}")
    return bool(complaints)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
