# SPDX-License-Identifier: MIT
"""first_lines.py ROOT: a source begins with its licence; a header has its #pragma once."""

import re

import tree

LICENCE = re.compile(r"// SPDX-License-Identifier: MIT$")
ONCE = re.compile(r"^#pragma once$", re.MULTILINE)


def check(root):
    for name in tree.files(root):
        text = (root / name).read_text()
        if not LICENCE.match(text.split("\n", 1)[0]):
            yield str(name), 1, "the first line is not '// SPDX-License-Identifier: MIT'"
        if name.suffix == ".hpp" and not ONCE.search(text):
            yield str(name), 1, "no #pragma once"


if __name__ == "__main__":
    tree.main(check)
