// SPDX-License-Identifier: MIT
//
// Programs that use one public operation each, or a few that belong together: what they do when an
// allocation fails is what the table shows. Next: table.cpp, which runs them.
#pragma once

#include <chrono>
#include <stdexcept>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "deferred/testing/allocation_failure.hpp"
#include "reactors/virtual_time.hpp"

namespace deferred::testing {

struct Program {
  const char* name;
  std::vector<const char*> covers;  // operations, as tests/support/public_api.py writes them
  void (*run)(Reactor& reactor);
};
using Programs = std::vector<Program>;

// One a room; of the reactor's, its runs.
Programs results_programs();
Programs reactor_programs();
Programs run_programs();
Programs tasks_programs();
Programs generator_programs();
Programs scope_programs();
Programs seeing_programs();
Programs call_programs();
Programs yieldables_programs();
Programs channel_programs();
Programs join_programs();
Programs threads_programs();
Programs io_programs();
Programs io_value_programs();
Programs io_stream_programs();
Programs io_message_programs();
Programs io_transport_programs();
Programs io_server_programs();
Programs io_process_programs();
Programs names_programs();
Programs datagram_programs();
Programs file_programs();

/// A check: it is a fault of the run if this does not hold.
inline void right(bool holds, const char* sentence) {
  const AllocationsSucceed memory;
  if (!holds) throw std::logic_error(sentence);
}

/// It failed for want of memory.
template <class T>
bool out_of_memory(const Outcome<T>& outcome) {
  return allocation_failed() && outcome.template check<std::bad_alloc>() != nullptr;
}
/// An operation has its result, or has failed for want of memory and with that.
template <class T, class U>
void has_value_or_no_memory(const Outcome<T>& outcome, const U& expected) {
  const AllocationsSucceed memory;
  if (out_of_memory(outcome)) return;
  right(outcome.has_value(), "an operation fails with something else than std::bad_alloc");
  right(*outcome == expected, "an operation gives another value");
}
inline void has_value_or_no_memory(const Outcome<void>& outcome) {
  right(outcome.has_value() || out_of_memory(outcome),
        "an operation fails with something else than std::bad_alloc");
}

/// Takes turns until `done()`, in virtual time, or for a moment of real time. What does not come
/// about is said by the check that follows.
template <class F>
void turn_until(Reactor& reactor, F done) {
  const bool virtual_time = dynamic_cast<reactors::VirtualTime*>(&reactor.backend()) != nullptr;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  for (int turn = 0; !done(); ++turn) {
    if (virtual_time ? turn == 300 : std::chrono::steady_clock::now() > end) return;
    reactor.backend().run_once(virtual_time && reactor.timer_count() != 0);
  }
}
inline void turns(Reactor& reactor, int count) {
  while (count-- > 0) reactor.backend().run_once(false);
}

/// Closes a microthread, if it is not done, when the program ends that it refers to.
class ClosedAtEnd {
 public:
  explicit ClosedAtEnd(TaskRef task) noexcept : task_(std::move(task)) {}
  ClosedAtEnd(const ClosedAtEnd&) = delete;
  ClosedAtEnd& operator=(const ClosedAtEnd&) = delete;
  ~ClosedAtEnd() { task_.close(); }

 private:
  TaskRef task_;
};

/// Turns until a result is there, and gives it.
template <class T>
Outcome<T> end_of(Reactor& reactor, Deferred<T> result) {
  turn_until(reactor, [&] { return result.has_result(); });
  right(result.has_result(), "a result does not come");
  return std::move(result).result();
}
/// Runs a microthread to its end, and gives what it left.
template <class T>
Outcome<T> end_of(Reactor& reactor, Spawned<T> spawned) {
  const ClosedAtEnd closed(spawned.task());
  return end_of(reactor, std::move(spawned).deferred());
}
template <class F>
auto end_of(Reactor& reactor, F body)
  requires std::is_invocable_v<F&>
{
  return end_of(reactor, spawn(reactor, std::move(body)));
}

}  // namespace deferred::testing
