# SPDX-License-Identifier: MIT
"""formatting.py ROOT: the sources are as clang-format leaves them ('./dev format')."""

import os
import re
import subprocess

import tree

COMPLAINT = re.compile(r"^([^\s:]+):(\d+):\d+: error: ", re.MULTILINE)
TOOL = os.environ.get("CLANG_FORMAT", "clang-format-19")


def check(root):
    names = list(map(str, tree.files(root)))
    if not names:
        return
    run = subprocess.run(
        [TOOL, "--dry-run", "--Werror", *names], cwd=root, stderr=subprocess.PIPE, text=True
    )
    first = {}
    for name, line in COMPLAINT.findall(run.stderr):
        first.setdefault(name, int(line))
    for name, line in first.items():
        yield name, line, "./dev format would change this file, here first"
    if run.returncode != 0 and not first:
        raise RuntimeError(run.stderr)


if __name__ == "__main__":
    tree.main(check)
