# SPDX-License-Identifier: MIT
"""skeletons.py ROOT: a public header shows its public face first, and no header is long.

What a header defines first is for its users: machinery that has to be declared before is declared,
and defined below or in detail/.
"""

import re

import tree

LONGEST = 300
BRACE = re.compile(r"(?:namespace(?P<name>[\w\s:]*))?\{|\}")


def is_public(name):
    parts = name.parts
    return parts[0] == "reactors" or len(parts) == 2 or (len(parts) == 3 and parts[1] != "memory")


def first_definition(text):
    """(place, names of the namespaces around it) of what is defined first; None: nothing is."""
    around = []
    for brace in BRACE.finditer(text):
        if brace[0] == "}":
            around.pop()
        elif brace["name"] is None:
            return brace.start(), around
        else:
            around.append(brace["name"].strip())
    return None


def check(root):
    for name in tree.files(root, ("deferred", "reactors"), (".hpp",)):
        text = (root / name).read_text()
        lines = text.count("\n")
        if lines > LONGEST:
            yield str(name), LONGEST, f"{lines} lines: is this one concept?"
        if not is_public(name):
            continue
        blanked = re.sub(r"^[ \t]*#.*", "", tree.blanked(text), flags=re.MULTILINE)
        found = first_definition(blanked)
        if found and any("detail" in space.split("::") for space in found[1]):
            yield str(name), tree.line_of(blanked, found[0]), "machinery stands before what is public"


if __name__ == "__main__":
    tree.main(check)
