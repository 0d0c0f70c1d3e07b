# SPDX-License-Identifier: MIT
"""lists.py ROOT: every source on disk stands in the list of a meson.build of its folder or above.

It may be written with or without its suffix and its folders.
"""

import tree

# Not built by Meson: the outside project of tests/consumer.
OUTSIDE = "tests/consumer/project/"


def ways_to_write(name):
    """'io/tcp.hpp' as it may stand in a list."""
    parts = name.with_suffix("").parts
    for start in range(len(parts)):
        stem = "/".join(parts[start:])
        yield f"'{stem}'"
        yield f"'{stem}{name.suffix}'"


def check(root):
    for name in tree.files(root):
        if str(name).startswith(OUTSIDE):
            continue
        lists = "".join(
            (root / folder / "meson.build").read_text()
            for folder in name.parents
            if (root / folder / "meson.build").exists()
        )
        ways = list(ways_to_write(name))
        if name.suffix == ".hpp" and name.parts[0] in ("deferred", "reactors"):
            ways = ["'" + "/".join(name.parts[1:]) + "'"]
        # A header beside tests or samples belongs to the programs that include it.
        elif name.suffix == ".hpp":
            continue
        if not any(way in lists for way in ways):
            yield str(name), 1, "is in no list of a meson.build"


if __name__ == "__main__":
    tree.main(check)
