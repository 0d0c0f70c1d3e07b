# SPDX-License-Identifier: MIT
"""losses.py EXPLORED DOC: does DOC say of each type that can be awaited what the programs of EXPLORED hold it to?

A row of DOC's table ends with its types, as `nothing <!-- Pause, Event -->`; the cell before them is compared."""

import pathlib
import re
import subprocess
import sys

explored, doc = sys.argv[1:]
promised = dict(line.split("\t") for line in
                subprocess.run([explored, "--losses"], check=True, capture_output=True, text=True).stdout.splitlines())
said = {}
for cell, types in re.findall(r"\| ([^|]*) <!-- (.*?) --> \|$", pathlib.Path(doc).read_text(), re.M):
    for name in types.split("; "):
        said[name] = cell
wrong = [f"{doc}: no row is about {name}" for name in promised.keys() - said.keys()]
wrong += [f"{doc}: no program is about {name}" for name in said.keys() - promised.keys()]
wrong += [f"{doc}: of {name} it says '{said[name]}', and its program holds it to '{promised[name]}'"
          for name in promised.keys() & said.keys() if said[name] != promised[name]]
for text in sorted(wrong):
    print(text)
sys.exit(1 if wrong or not promised else 0)
