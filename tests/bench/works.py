# SPDX-License-Identifier: MIT
"""What is measured: each work with one line on what an operation is, and what ours has to keep to.

Nanoseconds move with the machine and with where the linker places code; they are never a target. Instructions are those
of g++ 12.2 -O2 -DNDEBUG."""

import dataclasses

from programs import VARIANTS


@dataclasses.dataclass(frozen=True)
class Work:
    """At most so many instructions (in_any_unit: of its variants too) and heap allocations an operation, bytes an item,
    times the floor's instructions, times the best peer's nanoseconds."""

    about: str
    instructions: float | None = None
    in_any_unit: bool = False
    allocations: float | None = None
    bytes: float | None = None
    of_floor: float | None = None
    of_best_peer: float | None = None


WORKS = {
    'W1': Work('chain of 3, then fire', instructions=250, in_any_unit=True, allocations=0),
    'W1b': Work('fired, then chain of 3', instructions=10, in_any_unit=True, allocations=0),
    'W1c': Work('error past 2 to a typed errback', instructions=330, in_any_unit=True, allocations=0),
    'W1c-throw': Work('the first callback throws', of_floor=1.1),
    'chain-8': Work('chain of 8, then fire', instructions=1000),
    'W2': Work('await what is ready', instructions=43, allocations=0),
    'W2p': Work('await, then fire', instructions=390, allocations=0),
    'dynamic': Work('await through the registry', instructions=270, allocations=0),
    'W3': Work('call a subtask', instructions=165, allocations=0),
    'W3-depth': Work('1000 deep, each level'),
    'W4': Work('yield, 2 tasks', instructions=170, allocations=0),
    'W4-1000': Work('yield, 1000 tasks', instructions=150, allocations=0),
    'W5': Work('spawn and finish', instructions=300, allocations=0),
    'timeout': Work('a subtask with a limit', instructions=680, allocations=0),
    'scope': Work('a subtask in a scope', instructions=500, allocations=0),
    'shield': Work('a shielded subtask', instructions=420, allocations=0),
    'nursery-spawn': Work('spawn in a nursery and finish', instructions=325, allocations=0),
    'nursery': Work('a nursery', instructions=550, allocations=0),
    'nursery-1': Work('a nursery with a child', instructions=1500, allocations=0),
    'nursery-cut': Work('a child is cancelled'),
    'nursery-close': Work('a child is closed', instructions=1400, allocations=0),
    'race-ready': Work('race of two, one is ready', instructions=350, allocations=0),
    'race': Work('race of two, a turn', instructions=1000, allocations=0),
    'all': Work('all of two, a turn', instructions=900, allocations=0),
    'race-tasks': Work('race of two tasks', instructions=2400, allocations=0),
    'all-tasks': Work('all of two tasks', instructions=2400, allocations=0),
    'channel-16': Work('channel of 16, 2 tasks', instructions=250, allocations=0),
    'channel-0': Work('channel of 0, 2 tasks', instructions=400, allocations=0),
    'generator': Work('a step of a generator', instructions=80, allocations=0),
    'async-generator': Work('a step of one that may wait', instructions=175, allocations=0),
    'W6-alone': Work('set, cancel; 1 live', instructions=140, allocations=0),
    'W6-cancel': Work('set, cancel; 3e5 live', instructions=300),
    'W6-fire': Work('set, fire; 3e5 live', instructions=800),
    'echo-script': Work('a message to 50 connections'),
    'W7': Work('post from another thread', of_best_peer=1.25),
    'W7-rtt': Work('there and back, on one core', of_best_peer=1.05),
    'W5-bytes': Work('a suspended task', bytes=256),
    'parked': Work('a parked task', bytes=256),
    'timer': Work('a timer', bytes=112),
    'pending': Work('a pending Deferred and its task', bytes=480),
    'idle-connection': Work('a connection and its task', bytes=1024),
}

# Other threads decide how much of these is done at once: their instructions say nothing.
LIVE = {'W7', 'W7-rtt'}

# A variant's row is shown where it differs from the plain one by more than that.
TOLD = 0.05


def plain(work):
    """'W1' for 'W1-lto'."""
    for suffix in VARIANTS.values():
        work = work.removesuffix(suffix)
    return work


def of(work):
    """What is known of a work; of most variants no target."""
    found = WORKS.get(plain(work), Work(''))
    return found if work == plain(work) or found.in_any_unit else Work(found.about)
