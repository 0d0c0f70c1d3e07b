# SPDX-License-Identifier: MIT
"""core_mutants.py ROOT MAIN TESTING CORE -- COMPILER...: faults in the reactor itself are caught.

Each mutant is one source of the core, compiled from a changed copy (or beside a changed header) and
linked before the library. The conformance kit has to fail in the case that is meant for it.
"""

import pathlib
import subprocess
import sys
import tempfile

root, main, testing, core, _, *compiler = sys.argv[1:]

# What it does, the file that is changed, the source that is compiled, the text before and after, and
# a case that has to fail.
MUTANTS = [
    ("calls equal timers in the opposite order",
     "deferred/reactor/detail/timer_heap.hpp", "deferred/reactor/detail/timer_heap.cpp",
     "sequence < other.sequence", "sequence > other.sequence",
     "equal deadlines are called in the order they were set"),
    ("runs a post inside post()",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  armed_ = TimePoint::min();\n  backend_->arm(armed_);\n",
     "  armed_ = TimePoint::min();\n  backend_->arm(armed_);\n  turn();\n",
     "a post is not called inside post()"),
    ("keeps the callable of a cancelled timer",
     "deferred/reactor/reactor_timers.cpp", "deferred/reactor/reactor_timers.cpp",
     "  node.drop_callable();  // may drop the last handle\n", "",
     "a cancelled timer is not called, and its callable is destroyed at once"),
    ("calls timers in the turn in which they were set",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "if (!timers_.empty()) fire_due_timers();",
     "while (!timers_.empty() && timers_.earliest() <= now()) fire_due_timers();",
     "a timer set in a timer without delay is called in the next turn"),
    ("takes timers before the calls of threads",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  inbox_->drain();\n  if (!timers_.empty()) fire_due_timers();\n",
     "  if (!timers_.empty()) fire_due_timers();\n  inbox_->drain();\n",
     "a turn takes calls of threads, then timers, then posts"),
    ("leaves a turn only when nobody posts any more",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "round < most_rounds && !ready_.empty()", "!ready_.empty()",
     "posts that post for ever leave a turn after a bounded number of rounds"),
    ("destroys the callable of a watch that drops itself while it runs",
     "deferred/reactor/reactor_watches.cpp", "deferred/reactor/reactor_watches.cpp",
     "if (!node_->calling) node_->drop_callable();", "node_->drop_callable();",
     "a watch drops itself inside its call, and its callable lives until it returns"),
    ("tells a watch what only another of its descriptor asked for",
     "deferred/reactor/reactor_watches.cpp", "deferred/reactor/reactor_watches.cpp",
     "if (!node || (node->interest & what) == Ready::none) return;", "if (!node) return;",
     "interest of one watch does not change another's of the same descriptor"),
]


def build(folder, changed, source, before, after):
    text = pathlib.Path(root, changed).read_text()
    if text.count(before) != 1:
        sys.exit(f"{changed} has changed: {before!r} stands in it {text.count(before)} times")
    copy = folder / changed
    copy.parent.mkdir(parents=True)
    copy.write_text(text.replace(before, after))
    source = copy if changed == source else pathlib.Path(root, source)
    program = folder / "mutant"
    subprocess.run(
        [*compiler, "-std=c++20", "-O0", "-w", "-pthread", f"-I{folder}", f"-I{root}", source, main,
         testing, core, f"-Wl,-rpath,{pathlib.Path(core).parent}", "-o", program],
        check=True,
    )
    return program


def failures(program, *more):
    run = subprocess.run(
        [program, "--isolate", "--limit=1", *more], stdout=subprocess.PIPE, text=True
    )
    failed = [line for line in run.stdout.splitlines() if line.startswith("failed: ")]
    return [line.split(": ", 3)[2] for line in failed]


survivors = 0
for does, changed, source, before, after, expected in MUTANTS:
    with tempfile.TemporaryDirectory() as name:
        program = build(pathlib.Path(name), changed, source, before, after)
        caught = expected in failures(program, f"--filter=: {expected}")
        others = [one for one in failures(program, "--most-failures=2") if one != expected]
    survivors += not caught
    print("caught" if caught else "SURVIVES", ": a reactor that ", does, sep="")
    print(*[f"    {one}" for one in [expected, *others]], sep="\n", flush=True)
print(f"faulty cores: {len(MUTANTS) - survivors} of {len(MUTANTS)} caught")
sys.exit(survivors != 0)
