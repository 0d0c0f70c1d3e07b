# SPDX-License-Identifier: MIT
"""arrows.py ROOT: includes point one way.

The core's headers lie on floors. A header may reach, directly or through deferred/detail/, only
headers of lower floors; on the floors of many (OPEN) also its neighbours, in no circle.
"""

import re

import tree

# Lowest first. Headers of deferred/ that are not named are families of tasks.
FLOORS = [
    ["source_location"],
    ["errors"],
    ["failure"],
    ["outcome"],
    ["deferred"],
    ["shared_deferred"],
    ["backend"],
    ["timer_heap"],
    ["delayed_call", "watch", "signal_watch", "shutdown_trigger", "remote_reactor"],
    ["registry"],
    ["task_ref"],
    ["reactor"],
    ["waiter"],
    ["yield_to", "remote_waiter"],
    ["task"],
    ["spawn", "value"],
    ["deferred_coroutine"],
    ["yieldables/"],
    ["families"],
    ["io/"],
    ["testing/"],
]
OPEN = {"yieldables/", "families", "io/", "testing/"}
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

# What a room may include of others, beside its own files. default.cpp binds the default backend.
REACTORS = {"deferred/backend.hpp"}
DEFAULT = REACTORS | {"deferred/reactor.hpp"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def room_of(name):
    """The name on a floor of deferred/NAME.hpp or .cpp; None for detail/ and other rooms."""
    parts = name.rsplit(".", 1)[0].split("/")
    if parts[0] != "deferred" or parts[1] == "detail":
        return None
    if len(parts) > 2:
        return parts[1] + "/"
    return parts[1] if parts[1] in FLOOR_OF else "families"


def includes_of(root, name):
    text = tree.blanked((root / name).read_text(), strings=False)
    return [(tree.line_of(text, m.start(1)), m[1], m[2]) for m in INCLUDE.finditer(text)]


def public_reach(includes, name, through=(), seen=None):
    """(line, path of names) to each public core header reached directly or through detail/."""
    seen = set() if seen is None else seen
    for line, _, target in includes.get(name, []):
        if not target.startswith("deferred/") or target in seen:
            continue
        seen.add(target)
        if room_of(target):
            yield line, (*through, target)
        else:
            for _, way in public_reach(includes, target, (*through, target), seen):
                yield line, way


def against_the_floors(name, target):
    mine, other = room_of(name), room_of(target)
    if mine is None or name.rsplit(".", 1)[0] == target.rsplit(".", 1)[0]:
        return False
    if mine == other and mine in OPEN:
        return False
    return FLOOR_OF.get(other, len(FLOORS)) >= FLOOR_OF.get(mine, len(FLOORS))


def circles(includes):
    """Each circle of headers of one floor, found from the include that closes it."""
    done = set()

    def visit(name, way):
        if name in way:
            circle = (*way[way.index(name):], name)
            line = next(l for l, _, t in includes[way[-1]] if t == name)
            yield way[-1], line, "includes in a circle: " + " -> ".join(circle)
        elif name not in done:
            for _, _, target in includes.get(name, []):
                # A detail header and the public one that it completes may name each other.
                if room_of(name) in OPEN and room_of(target) in OPEN:
                    yield from visit(target, (*way, name))
            done.add(name)

    for name in includes:
        yield from visit(name, ())


def check(root):
    includes = {str(name): includes_of(root, name) for name in tree.files(root)}
    for name, lines in includes.items():
        room = name.split("/")[0]
        for line, mark, target in lines:
            there = target.split("/")[0]
            if room in ("deferred", "reactors") and mark == '"' and there not in tree.ROOMS:
                yield name, line, f'"{target}": write includes from the root'
            elif room == "deferred" and there in ("reactors", "samples", "tests"):
                yield name, line, f"the core includes {target}"
            elif room == "reactors" and there == "deferred":
                if target not in (DEFAULT if name == "reactors/default.cpp" else REACTORS):
                    yield name, line, f"a backend knows backend.hpp only, not {target}"
            elif room == "reactors" and there in ("samples", "tests"):
                yield name, line, f"a backend includes {target}"
            elif room == "samples" and target.startswith(("deferred/detail/", "reactors/detail/")):
                yield name, line, f"a sample includes machinery: {target}"
            elif room == "samples" and mark == '"' and there in ("deferred", "reactors"):
                yield name, line, f"a sample writes <{target}>, as a user does"
        if room == "deferred":
            for line, way in public_reach(includes, name):
                if against_the_floors(name, way[-1]):
                    via = f" (through {', '.join(way[:-1])})" if len(way) > 1 else ""
                    yield name, line, f"{way[-1]} is not below {room_of(name)}{via}"
    yield from circles(includes)


if __name__ == "__main__":
    tree.main(check)
