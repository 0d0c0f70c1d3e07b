# SPDX-License-Identifier: MIT
"""exports.py NM CALLERS... -- LIBRARY...: a shared library exports what is public and what inline code in headers calls.

CALLERS are archives of objects that see the library through its installed headers. What a LIBRARY exports is of the namespace,
and called by one of them; a class outside of `detail` has its type and its virtual functions' table exported as well, and its
templates may stand in the library too. The compiler sees to the rest: a private function is called by inline code or by nobody."""

import re
import subprocess
import sys

nm, *callers = sys.argv[1:]
end = callers.index("--")
callers, libraries = callers[:end], callers[end + 1:]

OF_A_CLASS = re.compile(r"(?:vtable|VTT|typeinfo|typeinfo name) for (.*?)(?: const\*)?$")
# A service that only the library can name: an argument's visibility is not that of a member's template.
OF_THE_LIBRARY = re.compile(r"deferred::[\w:]*detail::\w+& deferred::Reactor::service<deferred::[\w:]*detail::\w+>\(\)$")
THUNK = re.compile(r"(?:non-virtual|virtual) thunk to ")


def symbols(*arguments):
    """(kind, name) of each symbol, without its brackets' ABI tags."""
    lines = subprocess.run([nm, "-C", *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    for line in lines:
        found = re.match(r"[0-9a-f]* +([A-Za-z]) (.*)", line)
        if found:
            yield found[1], THUNK.sub("", found[2].replace("[abi:cxx11]", ""))


called = {name for archive in callers for _, name in symbols("-u", archive)}
if not any(name.startswith("deferred::Reactor::run()") for name in called):
    sys.exit(f"{callers[0]}: are these objects?")
wrong = 0
for library in libraries:
    exported = 0
    for kind, name in symbols("-D", "--defined-only", library):
        of_a_class = OF_A_CLASS.match(name)
        what = of_a_class[1] if of_a_class else name
        if re.match(r"(?:[\w:<>, ]+ )?std::", what) and not what.startswith("deferred::"):
            continue  # the standard library says itself what of it is seen
        if re.match(r"operator (new|delete)\b", name) and "testing" in library:
            continue  # which the kit replaces, for allocation failure
        exported += 1
        is_machinery = "::detail::" in what.split("(")[0].split("<")[0]
        if not re.match(r"(?:[^(]* )?deferred::", what):
            why = "is not of the namespace"
        elif name in called:
            continue
        elif of_a_class and (not is_machinery or any(one.startswith(what + "::") for one in called)):
            continue
        elif kind in "Wu" and not is_machinery:
            continue
        elif OF_THE_LIBRARY.match(name):
            continue
        else:
            why = "is called by nobody"
        wrong += 1
        print(f"{library}: {name}\n    {why}")
    print(f"{library}: {exported} symbols")
sys.exit(wrong != 0)
