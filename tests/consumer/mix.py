# SPDX-License-Identifier: MIT
"""mix.py EXPECTED KIND INCLUDE LIBRARY BORDER MAIN -- COMPILER FLAG...: a program and its library, built in two ways.

EXPECTED is "works", or what the compiler or the linker has to say. KIND is "program" or "threads": BORDER and MAIN are linked with
the LIBRARY; or "plugins": BORDER is, twice, and MAIN, which is not, loads both."""

import os
import pathlib
import subprocess
import sys
import tempfile

expected, kind, include, library, border_source, main_source, _, *compiler = sys.argv[1:]
library = pathlib.Path(library).absolute()


def run(*arguments):
    """What a command says; ends the test, well or not, where it is refused."""
    command = [*compiler, *arguments]
    print("$", *command, flush=True)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=dict(os.environ, LC_ALL="C"))
    print(done.stdout, end="", flush=True)
    if done.returncode != 0:
        sys.exit(0 if expected != "works" and expected in done.stdout else "refused, and not as expected")


def build(folder):
    """Builds what is asked for; the command that runs it."""
    border, linked = folder / "border.o", [library, f"-Wl,-rpath,{library.parent}", "-pthread"]
    run(f"-I{include}", "-fPIC", "-c", border_source, "-o", border)
    if kind != "plugins":
        program = folder / "program"
        run(f"-I{include}", border, main_source, *linked, "-o", program)
        return [program]
    plugins = [folder / "one.so", folder / "other.so"]
    for plugin in plugins:
        run("-shared", "-Wl,-z,defs", border, *linked, "-o", plugin)
    host = folder / "host"
    run("-pthread", main_source, "-ldl", "-o", host)
    return [host, *plugins]


with tempfile.TemporaryDirectory() as name:
    command = build(pathlib.Path(name))
    if expected != "works":
        sys.exit("it was built, and should have been refused")
    sys.exit(subprocess.run(command, check=False).returncode)
