# SPDX-License-Identifier: MIT
"""mutants.py ROOT MAIN WORLDS FAMILIES CHAINS TASKS CORE -- COMPILER...: finds cures taken back.
mutants.py --check ROOT: fails if a text that a mutant replaces does not stand once in its file.

Each mutant is the library with one text replaced: a source of the core, linked before it, or a
header, with which a source of the worlds is compiled that uses it, linked before the others. MAIN,
WORLDS and FAMILIES are the static libraries of tests/fuzz, CHAINS and TASKS those of tests/model.
Prints which seed of which mutant failed, and after how long; fails if one did not: WORLDS within
seconds, the others in as many worlds as ./dev test runs.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

# What it does, the file that is changed, the source that is compiled, and the text before and after.
MUTANTS = [
    ("closes what was answered ahead as if it still were",
     "deferred/reactor/detail/microthread.cpp", None,
     "closing | Microthread::suspended | Microthread::answered_ahead);\n", "closing);\n"),
    ("asks the wait that a request_cancel() has ended",
     "deferred/reactor/detail/cancel.cpp", None,
     "answer == Cancelling::now && m.epoch == epoch", "answer == Cancelling::now"),
    ("abandons what its canceller dropped",
     "deferred/results/detail/chain.cpp", None,
     "if (cancelling_) {  // by", "if (false) {  // by"),
    ("takes the memory of a callback that runs for another",
     "deferred/results/detail/chain.cpp", None,
     "!head_ && !held_ && !canceller_ && !cancelling_", "!head_ && !canceller_ && !cancelling_"),
    ("leaves paused what nobody is left to go on with",
     "deferred/results/detail/chain.cpp", None,
     "  if (!held_) run(this);\n}\n\nvoid Chain::cancel", "}\n\nvoid Chain::cancel"),
    ("drops handlers at the very end of a reactor",
     "deferred/reactor/reactor.cpp", None,
     "    registry_.clear();\n", "", "!registry_.empty() ||", ""),
    ("asks destroyed handlers for their type",
     "deferred/reactor/registry.cpp", None,
     "  self_.reset();", "  "),
    ("lets a handler that unregisters itself go while it runs",
     "deferred/reactor/registry.cpp", None,
     "  if (in_use_ != 0) removed_.push_back(std::move(removed));", "  "),
    ("looks for circles of returned Deferreds only",
     "deferred/results/detail/deferred_bodies.hpp", "tests/fuzz/operations_chains.cpp",
     "if (detail::DeferredAccess::chain(next).is_awaited_by(state_.chain())) {", "if (false) {"),
    ("keeps readers that were cancelled",
     "deferred/results/shared_deferred.hpp", "tests/fuzz/operations_shared.cpp",
     "[this, r = reader.get()] { remove(*r); }", "[] {}"),
    ("keeps readers that were dropped",
     "deferred/results/shared_deferred.hpp", "tests/fuzz/operations_shared.cpp",
     "      if (count == sweep_at) sweep();\n", ""),
    ("lets readers hang whose result throws as it is moved",
     "deferred/results/shared_deferred.hpp", "tests/fuzz/operations_shared.cpp",
     "        outcome.emplace(Failure::current(made));\n", "        throw;\n"),
    ("ends the program where an awaited result throws as it is moved",
     "deferred/results/detail/awaited_deferred.hpp", "tests/fuzz/awaits.cpp",
     "      waiter.throw_(Failure::current());\n    }\n    chain.release",
     "      throw;\n    }\n    chain.release"),
    ("loses under a limit what the operation makes of a cancel",
     "deferred/reactor/add_timeout.hpp", "tests/fuzz/operations_shared.cpp",
     "return Cancelling::answer_follows;", "return Cancelling::now;"),
    ("throws away an answer that was given for the next turn",
     "deferred/tasks/waiter.hpp", "tests/fuzz/probe.cpp",
     "sizeof...(A) == 0 ? unsigned{Microthread::answered_ahead} : 0U",
     "unsigned{Microthread::answered_ahead}"),
    ("leaks a result whose coroutine's local throws at its end",
     "deferred/tasks/detail/coroutine_promise.hpp", "tests/fuzz/bodies.cpp",
     "    this->clear();  // a", "    // a"),
]
FAMILY_MUTANTS = [
    ("lets a cancel into a shield",
     "deferred/reactor/detail/scope.cpp", None,
     " && (at == first || !at->shield); at", "; at"),
    ("tells one family only of a cancel",
     "deferred/reactor/detail/scope.cpp", None,
     "family.next_to_tell = std::exchange(to_tell, &family)", "to_tell = &family"),
    ("forgets a one-shot cancel that a shield has held",
     "deferred/reactor/detail/scope.cpp", None,
     "if (std::exchange(extras.held_once, false)) m.set(Microthread::cancel_next);",
     "extras.held_once = false;"),
    ("lets a one-shot cancel into a shield that came before it",
     "deferred/reactor/detail/scope.cpp", None,
     "if (m.is(Microthread::cancel_next)) {  // it", "if (false) {  // it"),
    ("loses a one-shot cancel that finds no wait",
     "deferred/reactor/detail/cancel.cpp", None,
     "    m.set(Microthread::cancel_next);\n", ""),
    ("keeps the first error of a nursery only",
     "deferred/tasks/detail/nursery_state.cpp", None,
     "    first_.suppress(failure);\n", ""),
    ("lets the others of a nursery run on after an error",
     "deferred/tasks/detail/nursery_state.cpp", None,
     "  }\n  cancel_scope(node_);\n", "  }\n"),
    ("keeps the first error of all() only",
     "deferred/yieldables/detail/join.cpp", None,
     "failure_.suppress(*later);", ""),
    ("lets those answer that have lost",
     "deferred/yieldables/detail/join.cpp", None,
     "if (!at->can_be_asked_) at->expire();", "",
     "  --waited_for_;\n  at.expire();\n", "  --waited_for_;\n"),
    ("takes the end of any input for that of any()",
     "deferred/yieldables/detail/join.cpp", None,
     "  if (failed_ && how_ == Joining::any) return last;\n", ""),
    ("lets the last of a race win",
     "deferred/yieldables/detail/join.cpp", None,
     "  winner_ = input.index_;\n  return true;", "  winner_ = input.index_;\n  return last;"),
    ("hands items to the parts of a wait that is over",
     "deferred/reactor/detail/branch_frame.cpp", None,
     "while (Microthread* const branch = extras->branches) expire_branch(*branch);", ""),
    ("leaves the Waiters of what has lost as they were",
     "deferred/reactor/detail/branch_frame.cpp", None,
     "  branch.expire();\n", ""),
    ("lets senders wait on where there is room",
     "deferred/yieldables/channel.hpp", "tests/fuzz/family_meddling.cpp",
     "    refill().resume();\n", "    give_room();\n"),
    ("gives what others wait for to who does not",
     "deferred/yieldables/channel.hpp", "tests/fuzz/family_meddling.cpp",
     "    if (ReceiveNode* const node = receivers_.first()) return give_to(*node, item);\n", ""),
]
# What is wrong with results and order, and nothing with memory: programs differ from the model.
CHAIN_MUTANTS = [
    ("takes each late answer to what was cancelled for a second one",
     "deferred/results/detail/chain.cpp", None,
     "  chain->swallow_next_fire_ = true;\n", ""),
    ("ends all pauses by one unpause()",
     "deferred/results/detail/chain.cpp", None,
     "  held_ -= paused;\n", "  held_ &= paused - 1;\n"),
    ("cancels what a chain waits for, and not what that waits for",
     "deferred/results/detail/chain.cpp", None,
     "  while (chain->held_ & waiting) chain =", "  if (chain->held_ & waiting) chain ="),
    ("runs the callback first that was added last",
     "deferred/results/detail/chain.hpp", "tests/model/chains_in_library.cpp",
     "    (head_ ? tail_->next : head_) = link;\n    tail_ = link;\n    link->next = nullptr;\n",
     "    link->next = head_;\n    if (!head_) tail_ = link;\n    head_ = link;\n"),
    ("takes a Promise that a cancel has fired for a part of a circle",
     "deferred/results/detail/chain.cpp", None,
     "    if (!reader || reader->source() != above) return false;  // or it was cancelled\n    above",
     "    if (!reader) return false;\n    above"),
    ("leaves a shared Deferred paused that nobody can unpause",
     "deferred/results/detail/deferred_access.hpp", "tests/model/chains_in_library.cpp",
     "chain->leave_pauses_to_promise();", "static_cast<void>(chain);"),
    ("reports a shared failure that its readers have handled",
     "deferred/results/shared_deferred.hpp", "tests/model/chains_in_library.cpp",
     "      while (first) {\n        was_read = true;\n", "      while (first) {\n"),
    ("lets a chain step aside that is paused",
     "deferred/results/detail/chain.cpp", None,
     "if (head_ || held_ != waiting) {", "if (head_ || !(held_ & waiting)) {"),
    ("lets a chain step aside that was paused in its last callback",
     "deferred/results/detail/chain.cpp", None,
     "if (sink_ && !head_ && held_ == running) {", "if (sink_ && !head_) {"),
]
TASK_MUTANTS = [
    ("lets a scope inside have the say over one around it",
     "deferred/tasks/detail/open_scope.hpp", "tests/model/tasks_in_library.cpp",
     "return scope_.cancelled && !scope_.task->is(Microthread::cancelled);",
     "return scope_.cancelled;"),
    ("gives a body's value though a cancel from outside has cut its children",
     "deferred/tasks/nursery.hpp", "tests/model/tasks_in_library.cpp",
     "    if (outside && state.cut()) co_return Failure(Cancelled());\n", ""),
    ("takes a child that was cancelled for one that has failed",
     "deferred/tasks/detail/nursery_state.cpp", None,
     "    cut_ = true;\n    return;\n", "    cut_ = true;\n"),
    ("spawns into a cancelled nursery what is not cancelled",
     "deferred/reactor/reactor.cpp", None,
     "  if (family.effective) m.set(Microthread::root_cancelled | Microthread::cancelled);\n", ""),
    ("keeps a one-shot cancel of a Pause{} for the next wait",
     "deferred/reactor/detail/cancel.cpp", None,
     "  if (m.is(Microthread::answered_ahead)) return m.replace_answer(Wait::State::cancelled);\n",
     ""),
    ("closes an owner when another child than the one that runs was closed",
     "deferred/reactor/detail/microthread.cpp", None,
     "  close_now(m, false);\n", "  close_now(m, true);\n"),
    ("closes only the one that runs, and not those around it that were to be closed",
     "deferred/reactor/detail/microthread.cpp", None,
     "    at = at == &top ? nullptr : at->parent();\n", "    at = nullptr;\n"),
    ("loses an error that gives way to one that is thrown into the task after it",
     "deferred/reactor/detail/cancel.cpp", None,
     "    if (m.is(Microthread::throw_next)) report_unhandled(m, pending);", "  "),
    ("loses an error that was to be thrown into a task that is closed",
     "deferred/reactor/detail/microthread.cpp", None,
     "    report_unhandled(m, m.extras()->pending);\n", ""),
    ("loses an error that was to be thrown into a task that waits no more",
     "deferred/reactor/detail/microthread.cpp", None,
     "  if (is(throw_next)) report_unhandled(*this, extras_->pending);", "  "),
    ("loses the later errors of a nursery",
     "deferred/tasks/detail/nursery_state.cpp", None,
     "    first_.suppress(failure);\n", ""),
    ("loses the error of a nursery whose owner is closed",
     "deferred/tasks/detail/nursery_state.cpp", None,
     "  if (first_) report_unhandled(first_, \"a Nursery that nobody waited for\");\n", ""),
    ("lets a paused task that is cancelled wait for its resume()",
     "deferred/reactor/detail/scope.cpp", None,
     "  update_cancelled(m);\n  let_go_on(m);\n", "  update_cancelled(m);\n"),
    ("asks a task for ever that waits for itself",
     "deferred/results/detail/chain.cpp", None,
     "  if (chain->fired() || chain->cancelling_) return;\n", "  if (chain->fired()) return;\n"),
]


def mutated(root, changed, *texts):
    text = pathlib.Path(root, changed).read_text()
    for before, after in zip(texts[::2], texts[1::2]):
        if text.count(before) != 1:
            sys.exit(f"{changed} has changed: {before!r} stands in it {text.count(before)} times")
        text = text.replace(before, after)
    return text


def check(root):
    for _, changed, source, *texts in MUTANTS + FAMILY_MUTANTS + CHAIN_MUTANTS + TASK_MUTANTS:
        mutated(root, changed, *texts)
        if source and not pathlib.Path(root, source).exists():
            sys.exit(f"{source} is gone")


def build(folder, root, parts, core, compiler, changed, source, *texts):
    copy = folder / changed
    copy.parent.mkdir(parents=True)
    copy.write_text(mutated(root, changed, *texts))
    source = pathlib.Path(root, source) if source else copy
    program = folder / "fuzz"
    subprocess.run(
        [*compiler, "-std=c++20", "-O1", "-w", "-pthread", f"-I{folder}", f"-I{root}", source,
         *parts, core, f"-Wl,-rpath,{pathlib.Path(core).parent}", "-o", program],
        check=True,
    )
    return program


def main_of_all():
    root, main, worlds, families, chains, tasks, core, _, *compiler = sys.argv[1:]
    check(root)
    survivors = 0
    everything = [(worlds, ["--seconds", "30"], mutant) for mutant in MUTANTS]
    everything += [(families, ["--worlds", "3000"], mutant) for mutant in FAMILY_MUTANTS]
    everything += [(chains, ["--worlds", "200000"], mutant) for mutant in CHAIN_MUTANTS]
    everything += [(tasks, ["--worlds", "100000"], mutant) for mutant in TASK_MUTANTS]
    for of_worlds, how_many, (does, *change) in everything:
        with tempfile.TemporaryDirectory() as name:
            program = build(pathlib.Path(name), root, [main, of_worlds], core, compiler, *change)
            begun = time.monotonic()
            # What was freed is overwritten (mallopt(3)), so that its use shows.
            run = subprocess.run([program, *how_many], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True,
                                 env={**os.environ, "MALLOC_PERTURB_": "165"})
            took = time.monotonic() - begun
        found = re.search(r"fuzz: seed (\d+) failed: (.*); replay", run.stdout, re.DOTALL)
        survivors += not found
        told = f"seed {found[1]}, {took:.1f} s: {found[2].splitlines()[0]}" if found else "SURVIVES"
        print(f"a library that {does}\n    {told}", flush=True)
    print(f"cures taken back: {len(everything) - survivors} of {len(everything)} caught")
    return survivors != 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[2]) if sys.argv[1] == "--check" else main_of_all())
