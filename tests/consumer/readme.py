# SPDX-License-Identifier: MIT
"""readme.py SOURCE: does what README.md says from its top on, where there is no more than what it says is needed.

The commands are read out of README: the block that installs, the line of the table for pkg-config, the command that looks
for hazards, and those that compile its server and the test of it. They run in a copy of the tree, with an empty home, and
with those programs alone in PATH that a bare Debian has once the packages that README names are installed; pkg-config
knows no other library. The first program and the test print what README says.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SYSTEM_FOLDERS = [pathlib.Path("/usr/bin"), pathlib.Path("/usr/sbin")]


def section(readme, title):
    return re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## )", readme, re.MULTILINE | re.DOTALL)[1]


def commands(text):
    """The lines of each of its indented blocks."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [[line.split("#")[0].strip() for line in block.splitlines()]
            for block in re.findall(r"^(?: {4}\S.*\n)+", outside, re.MULTILINE)]


def programs(text):
    """Its blocks of C++."""
    return re.findall(r"^```cpp\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def dpkg(*fields):
    """Of each installed package, these fields."""
    layout = "\x1f".join("${" + field + "}" for field in ("Status", *fields)) + "\x1e"
    listed = subprocess.run(["dpkg-query", "-W", "-f", layout], check=True, stdout=subprocess.PIPE, text=True).stdout
    for record in listed.split("\x1e"):
        status, *values = record.split("\x1f")
        if status == "install ok installed":
            yield values


def with_what_they_need(wanted):
    """The names of these packages, of the essential ones, and of all that they depend on."""
    needs, providers, essential = {}, {}, []
    for name, is_essential, depends, before, provides in dpkg("Package", "Essential", "Depends", "Pre-Depends", "Provides"):
        needs[name] = [re.findall(r"(?:^|\|)\s*([^\s:(|]+)", one) for one in f"{depends},{before}".split(",") if one.strip()]
        for provided in [name, *re.findall(r"(?:^|,)\s*([^\s:(,]+)", provides)]:
            providers.setdefault(provided, []).append(name)
        if is_essential == "yes":
            essential.append(name)
    found, left = set(), [*essential, *wanted]
    while left:
        name = left.pop()
        if name in found:
            continue
        found.add(name)
        for ways in needs[name]:
            # Of several that would do, the one that is there; one by its own name first.
            there = [provider for way in ways for provider in sorted(providers.get(way, []), key=lambda p: p != way)]
            left += there[:1]
    return found


def programs_of(packages, folder):
    """Links to the programs of these packages."""
    owned = subprocess.run(["dpkg-query", "-L", *packages], check=True, stdout=subprocess.PIPE, text=True).stdout
    files = {os.path.realpath(line) for line in owned.splitlines() if "bin/" in line}
    folder.mkdir()
    for system in SYSTEM_FOLDERS:
        for program in system.iterdir():
            # By what stands behind a name, for c++ and the like are links of no package.
            if os.path.realpath(program) in files and not (folder / program.name).exists():
                (folder / program.name).symlink_to(program)


def copied(source, to):
    """The tree, without what has been built in it."""
    def built(folder, names):
        return [name for name in names if name in (".git", ".cache", "__pycache__")
                or (pathlib.Path(folder) / name / "meson-private").exists()
                or (pathlib.Path(folder) / name / "build.ninja").exists()
                or (pathlib.Path(folder) == source and name == "build")]
    shutil.copytree(source, to, ignore=built, symlinks=True)


def main(source):
    readme = (source / "README.md").read_text()
    how_to_install = section(readme, "Install")
    ((packages, *install),) = commands(how_to_install)
    wanted = re.fullmatch(r"apt install (.+)", packages)[1].split()
    compile_it = re.search(r"^\| pkg-config \| `(.+?)` \|$", how_to_install, re.MULTILINE)[1]
    check = re.search(r"`(deferred-hazards .*?)`", section(readme, "Platforms"))[1]
    first = section(readme, "A first program")
    (program,) = programs(first)
    (printed,) = commands(first)
    server = section(readme, "A TCP server, and its test")
    (compile_server, *_), (compile_test, run_test), checked = commands(server)

    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        programs_of(with_what_they_need(wanted), place / "bin")
        (place / "home").mkdir()
        copied(source, place / "deferred")
        bare = {"PATH": str(place / "bin"), "HOME": str(place / "home"), "LC_ALL": "C.UTF-8",
                "DESTDIR": str(place / "root"), "PKG_CONFIG_LIBDIR": str(place / "none")}

        def run(command, folder, **environment):
            print("$", command, flush=True)
            done = subprocess.run(["/bin/sh", "-ec", command], cwd=folder, env={**bare, **environment}, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if done.returncode != 0 or re.search(r"\bwarning\b", done.stdout, re.IGNORECASE):
                print(done.stdout)
                sys.exit(f"status {done.returncode}" if done.returncode else "it warns, and should not")
            return done.stdout

        for command in install:
            run(command, place / "deferred", CXXFLAGS="-O1")  # behind the release's -O3: for the time that takes
        (package,) = (place / "root").rglob("deferred.pc")
        (tool,) = (place / "root").rglob("deferred-hazards")
        (place / "mine").mkdir()
        (place / "mine" / "main.cpp").write_text(program)
        run(compile_it, place / "mine", PKG_CONFIG_PATH=str(package.parent))
        said = run("./a.out", place / "mine")
        if said.splitlines() != printed:
            sys.exit(f"it says:\n{said}")

        for file, text in zip(re.findall(r"`(\w+\.[ch]pp)`", server), programs(server), strict=True):
            (place / "mine" / file).write_text(text)
        run(f"PATH=$PATH:{tool.parent}; {check}", place / "mine")
        for command in (compile_server, compile_test):
            run(command, place / "mine", PKG_CONFIG_PATH=str(package.parent))
        said = run(run_test, place / "mine")
        if said.splitlines() != checked:
            sys.exit(f"the test says:\n{said}")

        # The library is a release build. What is checked is the program's business.
        threads = (pathlib.Path(__file__).parent / "mixing" / "threads.cpp").read_text()
        (place / "mine" / "main.cpp").write_text(threads)
        for build in ("main.cpp", "-DNDEBUG main.cpp"):
            run(compile_it.replace("main.cpp", build), place / "mine", PKG_CONFIG_PATH=str(package.parent))
            run("./a.out", place / "mine")


main(pathlib.Path(sys.argv[1]))
