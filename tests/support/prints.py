# SPDX-License-Identifier: MIT
"""prints.py EXPECTED PROGRAM [ARG...]: does the program end well and print exactly that?"""

import difflib
import pathlib
import subprocess
import sys

expected = pathlib.Path(sys.argv[1]).read_text()
run = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
sys.stdout.writelines(
    difflib.unified_diff(
        expected.splitlines(True), run.stdout.splitlines(True), "expected", "printed"
    )
)
if run.returncode != 0:
    print(f"it ended with status {run.returncode}")
sys.exit(run.returncode != 0 or run.stdout != expected)
