# SPDX-License-Identifier: MIT
"""left_out.py SOURCE OPTION WORD COMPILER...: with -DOPTION=disabled nothing is installed whose name has the WORD; else it is.

Looks at the plan alone: nothing is compiled."""

import json
import os
import subprocess
import sys
import tempfile

source, option, word, *compiler = sys.argv[1:]
environment = dict(os.environ, CXX=" ".join(compiler))


def installed(setting):
    """Where the files go that have the word in their names."""
    with tempfile.TemporaryDirectory() as build:
        subprocess.run(["meson", "setup", build, source, f"-D{option}={setting}", "-Dtests=auto", "-Dsamples=disabled"],
                       check=True, env=environment, stdout=subprocess.DEVNULL)
        plan = json.loads(subprocess.run(["meson", "introspect", build, "--install-plan"], check=True,
                                         stdout=subprocess.PIPE).stdout)
    places = [file["destination"] for kind in plan.values() for file in kind.values()]
    return sorted(place for place in places if word in place.rsplit("/", 1)[-1])


with_it, without = installed("enabled"), installed("disabled")
print("enabled:", *with_it, "\ndisabled:", *without)
sys.exit(not with_it or bool(without))
