# SPDX-License-Identifier: MIT
"""consume.py WAY SOURCE BUILD VERSION BACKENDS -- COMPILER...: builds project/, runs its programs.

One uses the core, one each of the BACKENDS, a list with commas, and one the installed
conformance kit; by FetchContent there is the first alone. Everything happens in a temporary folder; the two installed ways install into it first.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

way, source, build, version, backends, _, *compiler = sys.argv[1:]
backends = [name for name in backends.split(",") if name]
environment = dict(os.environ, CXX=" ".join(compiler))


def run(*command, **more):
    print("$", *command, flush=True)
    return subprocess.run(command, check=True, env=environment, **more)


def installed(folder):
    """The prefix of the library installed below that folder, somewhere else than configured."""
    run("meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", folder / "moved")
    (package,) = (folder / "moved").rglob("deferred.pc")
    return package.parent


def with_pkg_config(project):
    environment["PKG_CONFIG_PATH"] = str(installed(project))
    for package, program, *arguments in [
        ("deferred", "main"),
        ("deferred-testing", "conformance"),
        *((f"deferred-{name}", "backend", f"-DBACKEND={name}") for name in backends),
    ]:
        # The system's own folders are no news to the compiler, but this one must be named.
        flags = subprocess.run(
            ["pkg-config", "--static", "--cflags", "--libs", f"{package} = {version}"],
            check=True, env=environment, stdout=subprocess.PIPE, text=True,
        ).stdout.split()
        run(*compiler, "-std=c++20", f"{program}.cpp", *arguments, *flags, "-o", package, cwd=project)
        yield project / package


def programs_in(folder, *more):
    return [folder / "deferred", *(folder / f"deferred-{name}" for name in [*more, *backends])]


def with_cmake(project):
    package = installed(project).parent / "cmake" / "deferred"
    run("cmake", "-S", ".", "-B", "build", f"-Ddeferred_DIR={package}",
        f"-Dbackends={';'.join(backends)}", cwd=project)
    run("cmake", "--build", "build", cwd=project)
    return programs_in(project / "build", "testing")


def shown(language):
    """README's block in it."""
    readme = pathlib.Path(source, "README.md").read_text()
    return re.search(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)[1]


def with_fetch_content(project):
    """README's lines, but that nothing is fetched."""
    (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(consumer LANGUAGES CXX)\n"
                                            "add_executable(main main.cpp)\n" + shown("cmake"))
    run("cmake", "-S", ".", "-B", "build", f"-DFETCHCONTENT_SOURCE_DIR_DEFERRED={source}",
        "-DCMAKE_UNITY_BUILD=ON", cwd=project)  # in few large units: for the time that takes
    run("cmake", "--build", "build", "--parallel", str(os.cpu_count()), cwd=project)
    yield project / "build" / "main"


def with_subproject(project):
    """By README's wrap, whose folder is there already."""
    (project / "subprojects").mkdir()
    (project / "subprojects" / "deferred.wrap").write_text(shown("ini"))
    (project / "subprojects" / "deferred").symlink_to(source)
    # In few large units, as some users build: no name of one source may be in the way of another's. Unoptimised: for the
    # time that takes.
    run("meson", "setup", "build", f"-Dbackends={','.join(backends)}", "-Ddebug=false", "--optimization=0",
        "--unity=subprojects", cwd=project)
    run("meson", "compile", "-C", "build", cwd=project)
    run("meson", "install", "-C", "build", "--quiet", "--destdir", project / "installed", cwd=project)
    return programs_in(project / "build")


with tempfile.TemporaryDirectory() as folder:
    project = pathlib.Path(folder, "project")
    shutil.copytree(pathlib.Path(__file__).parent / "project", project)
    ways = {"pkg-config": with_pkg_config, "cmake": with_cmake, "subproject": with_subproject,
            "fetch-content": with_fetch_content}
    try:
        for program in ways[way](project):
            run(program)
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
