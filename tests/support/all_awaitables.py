# SPDX-License-Identifier: MIT
"""all_awaitables.py ROOT FILE MARK CLANG: does FILE name each type that can be awaited behind a comment '// MARK: '?

But Spawned where a test is about what is forgotten: dropping it is one of its uses."""

import pathlib
import re
import sys

from public_api import public_api

root, file, mark, clang = sys.argv[1:]
awaitable = {line.removeprefix("co_await deferred::")
             for line in public_api(clang, root, "deferred/deferred.hpp") if line.startswith("co_await ")}
if mark == "warned":
    awaitable.discard("Spawned")
named = set(re.findall(rf"// {mark}: (\S+)", pathlib.Path(file).read_text()))
for name in sorted(awaitable - named):
    print(f"{file}: {name} can be awaited, and no line has it behind '// {mark}: '")
for name in sorted(named - awaitable):
    print(f"{file}: a {name} cannot be awaited")
sys.exit(0 if awaitable == named and named else 1)
