# SPDX-License-Identifier: MIT
"""public_headers.py ROOT: headers of the library know the library and standard C++20, no more."""

import re

import arrows
import tree

STANDARD = set(
    """
    algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts
    condition_variable coroutine deque exception execution filesystem forward_list fstream
    functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits
    list locale map memory memory_resource mutex new numbers numeric optional ostream queue random
    ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream
    stack stdexcept stop_token streambuf string string_view syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
    version cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath csetjmp csignal
    cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype
    """.split()
)
# Later than C++20, or missing from a toolchain that the library is built with.
ABSENT = re.compile(r"\bstd::(expected|unexpected|move_only_function|jthread|format|print|println)\b")

# Headers that are a front for another library, which their readers have.
FRONTS = {
    "deferred/testing/reactor_conformance_doctest.hpp": "doctest/doctest.h",
    "deferred/testing/stream_conformance_doctest.hpp": "doctest/doctest.h",
}


def check(root):
    for name in tree.files(root, ("deferred", "reactors"), (".hpp",)):
        for line, _, target in arrows.includes_of(root, name):
            if target == FRONTS.get(str(name)):
                continue
            if target not in STANDARD and target.split("/")[0] not in ("deferred", "reactors"):
                yield str(name), line, f"<{target}> is not a C++20 standard header"
        text = tree.blanked((root / name).read_text())
        for use in ABSENT.finditer(text):
            yield str(name), tree.line_of(text, use.start()), f"{use[0]} is not everywhere"


if __name__ == "__main__":
    tree.main(check)
