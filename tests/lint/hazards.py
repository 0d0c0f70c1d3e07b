# SPDX-License-Identifier: MIT
"""hazards.py ROOT: awaits that g++ 12 gets wrong (tests/compilers shows how): tools/deferred-hazards, on the tree."""

import tree


def check(root):
    for name in tree.files(root):
        if str(name) != "tests/compilers/hazards.cpp":
            for line, message in tree.hazards.hazards_in((root / name).read_text()):
                yield str(name), line, message


if __name__ == "__main__":
    tree.main(check)
