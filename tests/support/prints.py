# SPDX-License-Identifier: MIT
"""prints.py EXPECTED PROGRAM [ARG...]: does the program end well and print exactly that?

It is given what stands in EXPECTED's .in, if there is one, and else nothing.
"""

import difflib
import pathlib
import subprocess
import sys

golden = pathlib.Path(sys.argv[1])
expected = golden.read_text()
given = golden.with_suffix(".in")
typed = given.read_text() if given.exists() else ""
run = subprocess.run(sys.argv[2:], input=typed, stdout=subprocess.PIPE, text=True)
sys.stdout.writelines(
    difflib.unified_diff(
        expected.splitlines(True), run.stdout.splitlines(True), "expected", "printed"
    )
)
if run.returncode != 0:
    print(f"it ended with status {run.returncode}")
sys.exit(run.returncode != 0 or run.stdout != expected)
