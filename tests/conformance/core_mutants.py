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
     "  fire_due_timers(set_before);\n",
     "  while (!timers_.empty() && timers_.earliest() <= now()) fire_due_timers(timers_.pushes());\n",
     "a timer set in a timer without delay is called in the next turn"),
    ("takes timers before the calls of threads",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  inbox_->drain(most_messages);\n  fire_due_timers(set_before);\n",
     "  fire_due_timers(set_before);\n  inbox_->drain(most_messages);\n",
     "a turn takes calls of threads, then timers, then posts"),
    ("leaves a turn only when nobody posts any more",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  ready_.run_at_most(event_interval_);\n", "  while (!ready_.empty()) ready_.run_round(true);\n",
     "posts that post for ever leave a turn after a bounded number of calls"),
    ("runs 64 rounds of the ready queue, however long they are",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  ready_.run_at_most(event_interval_);\n",
     "  for (int i = 0; i < 64 && !ready_.empty(); ++i) ready_.run_round(true);\n",
     "pairs of tasks that hand a token to and fro leave a turn"),
    ("takes all that other threads have sent in one turn",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "    inbox_->drain(most_messages);\n", "    inbox_->drain(detail::Inbox::all);\n",
     "a turn takes 1,024 calls of other threads, and the rest in the next turns, in their order"),
    ("takes what other threads send while it takes it",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "    inbox_->drain(most_messages);\n", "    while (!inbox_->empty()) inbox_->drain(most_messages);\n",
     "a call of call_from_thread() that makes another leaves it to the next turn"),
    ("calls a timer in the turn in which a thread's call set it",
     "deferred/reactor/reactor.cpp", "deferred/reactor/reactor.cpp",
     "  fire_due_timers(set_before);\n", "  fire_due_timers(timers_.pushes());\n",
     "a timer that a thread's call sets without delay is called in the next turn"),
    ("lets a task go on for ever that never waits",
     "deferred/reactor/detail/microthread.cpp", "deferred/reactor/detail/microthread.cpp",
     "  if (!reactor) {", "  {",
     "a task over awaits that are ready goes on in the next turn after 1,024 of them"),
    ("lets a task go on for ever that only calls",
     "deferred/reactor/detail/microthread.cpp", "deferred/reactor/detail/microthread.cpp",
     "  if (!reactor) {", "  if (!reactor || waits == 0) {",
     "a task over calls that do not wait goes on in the next turn after 1,024 of them"),
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
    survivors += not caught
    print("caught" if caught else "SURVIVES", ": a reactor that ", does, sep="")
    print(f"    {expected}", flush=True)
print(f"faulty cores: {len(MUTANTS) - survivors} of {len(MUTANTS)} caught")
sys.exit(survivors != 0)
