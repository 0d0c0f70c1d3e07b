# SPDX-License-Identifier: MIT
"""What the lints share: which files there are, C++ text without its comments, how findings are told.

A lint is a module with check(root), giving findings (path below root, line, text). C++ is read as
tools/deferred-hazards does, which is installed and so has to stand alone.
"""

import importlib.machinery
import importlib.util
import pathlib
import sys

ROOMS = ("deferred", "reactors", "samples", "tests")
FIXTURES = pathlib.Path("tests/lint/fixtures")


def tool(name):
    """A program of tools/, as a module."""
    path = pathlib.Path(__file__).parents[2] / "tools" / name
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = before
    return module


hazards = tool("deferred-hazards")
blanked, line_of = hazards.blanked, hazards.line_of

def files(root, rooms=ROOMS, suffixes=(".hpp", ".cpp")):
    """The sources of these rooms, as paths below root, in order."""
    found = []
    for room in rooms:
        for path in sorted((root / room).rglob("*")):
            name = path.relative_to(root)
            if path.suffix in suffixes and FIXTURES not in name.parents:
                found.append(name)
    return found


def main(check):
    findings = sorted(check(pathlib.Path(sys.argv[1])))
    for path, line, text in findings:
        print(f"{path}:{line}: {text}")
    sys.exit(bool(findings))
