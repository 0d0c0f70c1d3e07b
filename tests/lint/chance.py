# SPDX-License-Identifier: MIT
"""chance.py ROOT: what the library does hangs on its inputs, and not on chance.

In virtual time a program does the same each time, to the order of its tasks. For that the library
takes its time from the backend, its random numbers from a seed, and does nothing in the order in
which objects happen to lie in memory. Held here for deferred/, and for what of reactors/ virtual
time is made of, as far as a text shows it: two pointers that are compared are not seen.

What is excused stands below with its reason, and has to go when its source has none any more.
"""

import re

import tree

VIRTUAL_TIME = ("virtual_time", "at_work", "poll_set", "wake_fd")  # of reactors/

# C's own, and not a member of that name: it is called as std:: or ::, with no name before that.
C = r"(?:\bstd|(?<![\w>]))::"

TIME, WAIT, RANDOM, ADDRESS, ORDER = "real time", "real wait", "random numbers", "address", "order"
FOUND = {  # what is looked for, and what is said of it
    TIME: (r"\b(?:system|utc|tai|gps|file|high_resolution)_clock\b|\bsteady_clock\s*::\s*now\b"
           r"|\bCLOCK_[A-Z_]+\b|\b(?:gettimeofday|clock_gettime|timespec_get|localtime|gmtime)\w*\s*\("
           rf"|{C}(?:time|clock|times)\s*\(|(?<![\w.>:])time\s*\(\s*(?:0|NULL|nullptr)\s*\)",
           "is a real clock: ask the reactor's now()"),
    WAIT: (rf"\bsleep_(?:for|until)\b|\b(?:u|nano|clock_nano)sleep\s*\(|{C}sleep\s*\("
           r"|\btry_(?:acquire|lock)_(?:for|until)\b|\b(?:sem|pthread_\w+)_(?:timed|clock)\w+",
           "waits in real time: set a timer of the reactor"),
    RANDOM: (r"\brandom_device\b|\bdefault_random_engine\b|\b(?:getrandom|getentropy|s?rand|rand_r)\s*\("
             rf"|\b(?:arc4random\w*|[delmn]rand48)\s*\(|{C}s?random\s*\("
             r"|\bstd::(?:ranges::)?(?:shuffle|sample|\w+_distribution)\b",
             "is not the same for a seed, everywhere: use testing::Random"),
    ADDRESS: (r"\breinterpret_cast\s*<\s*(?:std::)?u?intptr_t\s*>"
              r"|\bstd::(?:hash|less|greater)\s*<[^;{}<>]*\*\s*>",
              "makes a number or an order of where an object lies"),
}

TABLE = re.compile(r"\bstd::(unordered_)?(?:multi)?(?:map|set)\s*<")
# A key that is compared by where something lies.
BY_ADDRESS = re.compile(r"\*(?:\s*const)?$|^(?:const\s+)?std::(?:shared_ptr|unique_ptr|type_index|coroutine_handle)\b")
NAME = re.compile(r"\s*[&*]?\s*(\w+)")

# What may be there, by its file, or folder, and why.
EXCUSED = {
    ("deferred/testing/conformance/", TIME): "it measures backends whose time is real",
    ("deferred/testing/conformance/", WAIT): "its threads call at some real time",
    ("deferred/reactor/report_slow.cpp", TIME): "a task that computes takes real time; it is reported, and no more",
    ("deferred/reactor/registry.hpp", ORDER): "handlers are looked up; who goes through them is in registry.cpp",
    ("deferred/reactor/registry.cpp", ORDER): "remove() finds the one that is there once; clear() sorts",
    ("deferred/reactor/registry.hpp", ADDRESS): "a place in a cache; on a collision the table is asked",
    ("deferred/reactor/detail/inbox.hpp", ADDRESS): "a pointer and a bit in one word",
    ("deferred/memory/message_memory.hpp", ADDRESS): "the slab that a block lies in",
    ("deferred/results/detail/same_build.cpp", ADDRESS): "which of the loaded libraries a function lies in",
    ("deferred/results/source_location.cpp", ADDRESS): "a place in a table in which that record is looked up",
    ("deferred/testing/simulation/world.hpp", ORDER): "an address is looked up; machines are gone through as they were made",
    ("deferred/testing/explore_cancel.hpp", ORDER): "an object is looked up, and those that are left are counted",
}


def first_argument(text, begin):
    """The first template argument of a list that begins there, and where the list ends."""
    depth, first = 0, None
    for at in range(begin, len(text)):
        if text[at] in "<(":
            depth += 1
        elif text[at] in ">)":
            depth -= 1
        if depth < 0 or (text[at] == "," and depth == 0 and first is None):
            first = text[begin:at].strip() if first is None else first
        if depth < 0:
            return first, at + 1
    return "", len(text)


def tables(text):
    """(place, name) of each table whose order is that of addresses, or of a hash."""
    for table in TABLE.finditer(text):
        key, end = first_argument(text, table.end())
        if table[1] or BY_ADDRESS.search(key):
            name = NAME.match(text, end)
            yield table.start(), name and name[1]


def walks(text, name):
    """The places where a table is gone through."""
    walk = rf"\bfor\s*\([^;()]*:\s*(?:\w+(?:\.|->))*{name}\s*\)|\b{name}\.c?r?begin\s*\("
    return (found.start() for found in re.finditer(walk, text))


def findings(texts):
    """(file, place, what it is about, text) of all, excused or not."""
    for name, text in texts.items():
        for about, (pattern, why) in FOUND.items():
            for found in re.finditer(pattern, text):
                yield name, found.start(), about, f"{found[0].rstrip('( ')} {why}"
        for at, _ in tables(text):
            yield name, at, ORDER, "a table whose order is chance: is it gone through?"
        # A member is used in the source beside its header, too.
        both = [other for other in texts if other.with_suffix("") == name.with_suffix("")]
        for table in sorted({table for other in both for _, table in tables(texts[other]) if table}):
            for at in walks(text, table):
                yield name, at, ORDER, f"goes through {table}, whose order is chance"


def excuse_of(name, about):
    """The key of the excuse for it; None: there is none."""
    wheres = [str(name), *(f"{folder}/" for folder in name.parents)]
    return next(((where, about) for where in wheres if (where, about) in EXCUSED), None)


def check(root):
    names = [name for name in tree.files(root, ("deferred", "reactors"))
             if name.parts[0] == "deferred" or name.stem in VIRTUAL_TIME]
    texts = {name: tree.blanked((root / name).read_text()) for name in names}
    used = set()
    for name, at, about, text in findings(texts):
        excuse = excuse_of(name, about)
        used.add(excuse)
        if not excuse:
            yield str(name), tree.line_of(texts[name], at), text
    for where, about in EXCUSED.keys() - used:
        if where in map(str, names):
            yield where, 1, f"is excused for what it has of this: {about}; there is none"


if __name__ == "__main__":
    tree.main(check)
