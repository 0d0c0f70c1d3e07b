# SPDX-License-Identifier: MIT
"""public_api_test.py ROOT CLANG: does public_api.py list what public_api_fixture.hpp is known to offer,
and of the library what nobody would forget?"""

import sys

from public_api import public_api

FIXTURE = "tests/support/public_api_fixture.hpp"
EXPECTED = """\
co_await deferred::Awaited
co_await deferred::AwaitedByBase
co_await deferred::Box
co_await deferred::Plain
co_await deferred::io::Stream
deferred::Box::Box()
deferred::Box::as()
deferred::Box::get()
deferred::Box::operator T()
deferred::Box::pointer()
deferred::Plain::Inner::of_inner()
deferred::Plain::Later::of_later()
deferred::Plain::Plain()
deferred::Plain::from_base()
deferred::Plain::made()
deferred::Plain::member()
deferred::Plain::operator bool()
deferred::Plain::operator()()
deferred::function()
deferred::generic()
deferred::hidden_by_nothing()
deferred::io::Stream::read()
deferred::used()
deferred::with_default()
""".splitlines()
LIBRARY = {
    "co_await deferred::Pause",
    "co_await deferred::Spawned",
    "co_await deferred::io::ReadSome",
    "deferred::Deferred::add_callback()",
    "deferred::Reactor::Reactor()",
    "deferred::Reactor::run_until()",
    "deferred::Waiter::pending()",  # of a base in detail
    "deferred::io::connect()",
    "deferred::spawn()",
}


def main(root, clang):
    listed = public_api(clang, root, FIXTURE)
    wrong = [f"missing: {line}" for line in EXPECTED if line not in listed]
    wrong += [f"too many: {line}" for line in listed if line not in EXPECTED]
    file, line = listed.get("deferred::Plain::made()", ("", 0))
    with open(f"{root}/{FIXTURE}", encoding="utf-8") as fixture:
        if not file.endswith(FIXTURE) or "made()" not in fixture.readlines()[line - 1]:
            wrong.append(f"another place of made(): {file}:{line}")
    library = public_api(clang, root, "deferred/deferred.hpp")
    wrong += [f"missing in the library: {line}" for line in sorted(LIBRARY - library.keys())]
    wrong += [f"of detail: {line}" for line in library if "::detail::" in line]
    print("\n".join(wrong) or f"{len(listed)} lines as expected, {len(library)} of the library")
    return bool(wrong)


sys.exit(main(*sys.argv[1:]))
