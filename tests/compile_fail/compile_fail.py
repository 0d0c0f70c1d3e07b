# SPDX-License-Identifier: MIT
"""compile_fail.py ROOT CASE -- COMPILER...: does the case fail to compile, with the texts expected?

The case's comments '// expect: TEXT' name them, and a line that ends with '// warned: ...' is warned of; a case
without any has to compile.
"""

import os
import pathlib
import re
import subprocess
import sys

root, case, _, *compiler = sys.argv[1:]
source = pathlib.Path(case).read_text()
expected = re.findall(r"^// expect: (.*\S)", source, re.MULTILINE)
warned = [number for number, line in enumerate(source.splitlines(), 1) if "// warned: " in line]
# One long line a message, and in English, whatever the machine.
command = [*compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-fmessage-length=0",
           f"-I{root}", case]
if any("clang" in word for word in compiler):
    command.append("-ferror-limit=0")  # it would stop at 20
run = subprocess.run(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C"})

missing = [text for text in expected if text not in run.stderr]
missing += [f"a warning in line {number}" for number in warned
            if not re.search(rf"{re.escape(case)}:{number}:\d+: error: .*\[-Werror", run.stderr)]
expected += warned
compiled = run.returncode == 0
if compiled and expected:
    print("it compiles, and must not")
elif not compiled and not expected:
    print("it must compile, and does not")
for text in missing:
    print("the compiler does not say:", text)
if missing or compiled == bool(expected):
    print(run.stderr)
    sys.exit(1)
