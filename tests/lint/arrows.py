# SPDX-License-Identifier: MIT
"""arrows.py ROOT: includes point one way, from room to room.

Each folder of deferred/ is a room and a floor, and includes only what stands on floors below. A
room's machinery lies in its detail/: its own, but for the three rooms that are one machine.
"""

import re

import tree

# Lowest first.
ROOMS = ["memory", "results", "reactor", "tasks", "yieldables", "threads", "io", "testing"]
# Of these, an upper one may include a lower one's detail/.
MACHINE = {"results", "reactor", "tasks"}
# What knows nothing and may be known by all.
GROUND = "deferred/yieldable.hpp"
FRONT = "deferred/deferred.hpp"
# The front door opens the doors, and a door the public headers of its room.
DOORS = {f"deferred/{room}.hpp": room for room in ROOMS if room not in ("memory", "testing")}

# default.cpp binds the default backend.
BINDS = {"reactors/default.cpp": "deferred/reactor/reactor.hpp"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes_of(root, name):
    """(line, mark, target) of each include."""
    text = tree.blanked((root / name).read_text(), strings=False)
    return [(tree.line_of(text, m.start(1)), m[1], m[2]) for m in INCLUDE.finditer(text)]


def foot_of(root, name):
    """The line from which on a header's includes complete what it has declared."""
    text = tree.blanked((root / name).read_text())
    end = text.rfind("\n}")
    return tree.line_of(text, end) if end >= 0 else text.count("\n") + 1


def room_of(name):
    """The room of deferred/ROOM/...; None for what lies in no room."""
    parts = name.split("/")
    return parts[1] if parts[0] == "deferred" and len(parts) > 2 else None


def is_machinery(name):
    return "/detail/" in name


def against_the_floors(name, target):
    """What is wrong with a header of the library that is included by another; None: nothing."""
    mine, other = room_of(name), room_of(target)
    if name in DOORS:
        if other != DOORS[name] or is_machinery(target):
            return f"a door opens its room's public headers, not {target}"
        return None
    if name == FRONT:
        return None if target in DOORS else f"the front door opens the doors, not {target}"
    if name == GROUND:
        return f"the ground knows nothing of the house, not {target}"
    if target == GROUND:
        return None
    if target in DOORS or target == FRONT:
        return f"{target} is a door, for users: include the header that is meant"
    if mine not in ROOMS or other not in ROOMS:
        return f"{target if mine in ROOMS else name} lies in no room"
    if ROOMS.index(other) > ROOMS.index(mine):
        return f"{other}/ is above {mine}/"
    if is_machinery(target) and mine != other and not {mine, other} <= MACHINE:
        return f"{target} is {other}/'s own"
    return None


def closed_doors(includes):
    """A door opens to all that is public in its room."""
    for door, room in DOORS.items():
        opened = {target for _, _, target in includes.get(door, [])}
        for name in includes:
            public = room_of(name) == room and name.endswith(".hpp") and not is_machinery(name)
            if public and door in includes and name not in opened:
                yield door, 1, f"{name} is not opened"


def parts(includes, foot):
    """What a header includes at its foot is a part of it, and comes by it."""
    owners = {}
    for name, lines in includes.items():
        for line, _, target in lines:
            if line > foot.get(name, line) and is_machinery(target):
                owners[target] = name
    for name, lines in includes.items():
        for line, _, target in lines:
            owner = owners.get(target, name)
            if owner != name and owners.get(name) != owner:
                yield name, line, f"{target} is a part of {owner}: include that"


def circles(includes, foot):
    """Each circle of headers, found from the include that closes it."""
    done = set()

    def visit(name, way):
        if name in way:
            circle = (*way[way.index(name):], name)
            line = next(l for l, _, t in includes[way[-1]] if t == name)
            yield way[-1], line, "includes in a circle: " + " -> ".join(circle)
        elif name not in done:
            for line, _, target in includes.get(name, []):
                if line < foot.get(name, 0):
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
                # What tests a program names the backend on which it does.
                if there != "reactors" or room_of(name) != "testing" or is_machinery(target):
                    yield name, line, f"the library includes {target}"
            elif room == "deferred" and there == "deferred":
                if wrong := against_the_floors(name, target):
                    yield name, line, wrong
            elif room == "reactors" and there == "deferred":
                known = target == "deferred/reactor/backend.hpp" or room_of(target) == "memory"
                if not known and BINDS.get(name) != target:
                    yield name, line, f"a backend knows backend.hpp only, not {target}"
            elif room == "reactors" and there in ("samples", "tests"):
                yield name, line, f"a backend includes {target}"
            elif room == "samples" and there in ("deferred", "reactors"):
                if is_machinery(target):
                    yield name, line, f"a sample includes machinery: {target}"
                elif mark == '"':
                    yield name, line, f"a sample writes <{target}>, as a user does"
    foot = {name: foot_of(root, name) for name in includes if name.endswith(".hpp")}
    yield from closed_doors(includes)
    yield from parts(includes, foot)
    yield from circles(includes, foot)


if __name__ == "__main__":
    tree.main(check)
