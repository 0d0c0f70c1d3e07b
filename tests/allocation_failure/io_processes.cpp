// SPDX-License-Identifier: MIT
//
// Child processes: whatever fails, none is left, running or not.
#include <csignal>
#include <exception>
#include <string>
#include <utility>

#include "tests/allocation_failure/programs.hpp"
#include "tests/support/children.hpp"

namespace deferred::testing {
namespace {

using io::Completed;
using io::Exit;
using io::Process;

/// For children that do not end by themselves: if nobody ends one, it says so by how it ended.
constexpr const char* for_a_while = "10";

io::ProcessOptions without_streams() {
  io::ProcessOptions options;
  options.input = options.output = options.errors = io::Standard::null;
  return options;
}

/// Runs `body(reactor)`, and sees that the children it leaves are reaped. `ended`: how they end, if
/// nobody kills them.
template <class F>
void with_children(Reactor& reactor, Ended ended, F body) {
  std::exception_ptr thrown;
  try {
    body(reactor);
  } catch (...) {
    thrown = std::current_exception();
  }
  for (int i = 0; i != 10; ++i) {
    const Ended one = wait_for_a_child();
    if (one == Ended::none_is_left) break;
    right(one == ended || one == Ended::by_a_signal, "a child is left to itself");
    turns(reactor, 1);
  }
  right(has_no_child(), "a child is not reaped");
  if (thrown) std::rethrow_exception(thrown);
}
/// Turns until a result is there. Between them the child comes as far as it can.
template <class T, class F>
Outcome<T> end_with_child(Reactor& reactor, Spawned<T> spawned, F child_settles) {
  const ClosedAtEnd closed(spawned.task());
  Deferred<T> result = std::move(spawned).deferred();
  for (int i = 0; i != 100 && !result.has_result(); ++i) {
    child_settles();
    turns(reactor, 1);
  }
  right(result.has_result(), "a result does not come");
  return std::move(result).result();
}

void ending_processes(Reactor& reactor) {
  with_children(reactor, Ended::by_a_signal, [](Reactor& on) {
    Process child = Process::start(on, {"sleep", for_a_while}, without_streams());
    const auto pid = static_cast<pid_t>(child.pid());
    right(!child.ended(), "it has not ended");
    const auto end = [&child]() -> Task<Exit> {
      co_return co_await child.terminate(std::chrono::hours(1));
    };
    const auto settles = [pid] { settle(pid); };
    Outcome<Exit> outcome = end_with_child(on, spawn(on, end), settles);
    has_value_or_no_memory(outcome, Exit(Exit::How::killed, SIGTERM));
    if (outcome.has_value()) return right(child.ended() == *outcome, "it is not known to");
    const AllocationsSucceed memory;
    outcome = end_with_child(on, spawn(on, end), settles);
    right(outcome.has_value(), "a child that could not be ended cannot be ended any more");
  });
}
void waiting_for_processes(Reactor& reactor) {
  with_children(reactor, Ended::by_a_signal, [](Reactor& on) {
    Process child = Process::start(on, {"cat"});
    const auto pid = static_cast<pid_t>(child.pid());
    const auto wait = [&child]() -> Task<Exit> { co_return co_await child.wait(); };
    Spawned<Exit> waits = spawn(on, wait);
    turns(on, 2);
    child.signal(SIGCONT);
    child.signal_group(SIGKILL);
    const auto settles = [pid] { settle(pid); };
    Outcome<Exit> outcome = end_with_child(on, std::move(waits), settles);
    has_value_or_no_memory(outcome, Exit(Exit::How::killed, SIGKILL));
    if (outcome.has_value()) return;
    const AllocationsSucceed memory;
    outcome = end_with_child(on, spawn(on, wait), settles);
    right(outcome.has_value(), "a wait after one that failed does not end");
  });
}
// One that is dropped is killed.
void dropping_processes(Reactor& reactor) {
  with_children(reactor, Ended::by_a_signal, [](Reactor&) {
    io::ProcessOptions options;
    options.directory = "/";
    options.environment.emplace().emplace_back("PATH=/usr/bin:/bin");
    options.pass.push_back(0);
    const Process child = Process::start({"sleep", for_a_while}, options);
  });
}
void starting_nothing(Reactor& reactor) {
  with_children(reactor, Ended::by_itself, [](Reactor& on) {
    try {
      const Process child = Process::start(on, {"a program that is not there"});
    } catch (const std::system_error& error) {
      right(error.code() == std::errc::no_such_file_or_directory, "another error");
    }
  });
}

void running(Reactor& reactor) {
  with_children(reactor, Ended::by_itself, [](Reactor& on) {
    const auto run = []() -> Task<bool> {
      const Completed done = co_await io::run({"echo", "a line of more than a few letters"});
      co_return done.exit.ok() && done.output == "a line of more than a few letters\n";
    };
    const auto settles = [] { static_cast<void>(wait_for_a_child()); };
    has_value_or_no_memory(end_with_child(on, spawn(on, run), settles), true);
  });
}
// A run that is cancelled ends its child, and waits for that.
void cancelling_runs(Reactor& reactor) {
  with_children(reactor, Ended::by_a_signal, [](Reactor& on) {
    const auto run = []() -> Task<> {
      const Completed done = co_await io::run({"sleep", for_a_while});
    };
    Spawned<void> runs = spawn(on, run);
    turns(on, 3);
    runs.task().cancel();
    turns(on, 3);
    const auto settles = [] { static_cast<void>(wait_for_a_child()); };
    const Outcome<void> outcome = end_with_child(on, std::move(runs), settles);
    right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
  });
}

}  // namespace

Programs io_process_programs() {
  return {
      {"Process, ended",
       {"deferred::io::Process::start()", "deferred::io::Process::terminate()",
        "deferred::io::Process::pid()", "deferred::io::Process::ended()"},
       &ending_processes},
      {"Process, waited for",
       {"deferred::io::Process::wait()", "deferred::io::Process::signal()",
        "deferred::io::Process::signal_group()"},
       &waiting_for_processes},
      {"Process, dropped", {"deferred::io::Process::start()"}, &dropping_processes},
      {"Process, of nothing", {"deferred::io::Process::start()"}, &starting_nothing},
      {"run", {"deferred::io::run()"}, &running},
      {"run, cancelled", {"deferred::io::run()"}, &cancelling_runs},
  };
}

}  // namespace deferred::testing
