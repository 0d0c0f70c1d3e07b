# SPDX-License-Identifier: MIT
"""consume.py WAY SOURCE BUILD VERSION -- COMPILER...: builds project/ against the library, runs it.

Everything happens in a temporary folder; the two installed ways install into it first.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

way, source, build, version, _, *compiler = sys.argv[1:]
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
    # The system's own folders are no news to the compiler, but this one must be named.
    flags = subprocess.run(
        ["pkg-config", "--static", "--cflags", "--libs", f"deferred = {version}"],
        check=True, env=environment, stdout=subprocess.PIPE, text=True,
    ).stdout.split()
    run(*compiler, "main.cpp", *flags, "-o", "consumer", cwd=project)
    return project / "consumer"


def with_cmake(project):
    package = installed(project).parent / "cmake" / "deferred"
    run("cmake", "-S", ".", "-B", "build", f"-Ddeferred_DIR={package}", cwd=project)
    run("cmake", "--build", "build", cwd=project)
    return project / "build" / "consumer"


def with_subproject(project):
    (project / "subprojects").mkdir()
    (project / "subprojects" / "deferred").symlink_to(source)
    run("meson", "setup", "build", cwd=project)
    run("meson", "compile", "-C", "build", cwd=project)
    return project / "build" / "consumer"


with tempfile.TemporaryDirectory() as folder:
    project = pathlib.Path(folder, "project")
    shutil.copytree(pathlib.Path(__file__).parent / "project", project)
    ways = {"pkg-config": with_pkg_config, "cmake": with_cmake, "subproject": with_subproject}
    try:
        run(ways[way](project))
    except subprocess.CalledProcessError as error:
        sys.exit(str(error))
