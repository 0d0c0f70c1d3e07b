// SPDX-License-Identifier: MIT
//
// Signal: a yieldable that is answered when the process gets a signal.
#pragma once

#include <initializer_list>
#include <memory>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/signal_watch.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// `Signal hangup(SIGHUP); for (;;) { co_await hangup; reload(); }`
///
/// Watches from its construction until its end, so that a signal that comes between two awaits is
/// found by the next one; several of one number count as one. The await gives the signal's number;
/// of several that have come, the lowest first. All microthreads that wait on it are answered.
/// While it lives the signal does nothing else (Reactor::on_signal). Throws std::system_error for a
/// signal that cannot be caught. Does nothing any more once its reactor is gone. One that was moved
/// from throws std::logic_error.
class [[nodiscard]] DEFERRED_API Signal {
 public:
  [[nodiscard]] explicit Signal(int signal) : Signal(Reactor::current(), {signal}) {}
  [[nodiscard]] Signal(std::initializer_list<int> any_of) : Signal(Reactor::current(), any_of) {}
  [[nodiscard]] Signal(Reactor& reactor, int signal) : Signal(reactor, {signal}) {}
  [[nodiscard]] Signal(Reactor& reactor, std::initializer_list<int> any_of);

  void yield_to(Waiter<int> waiter) const;

 private:
  struct State {
    [[gnu::visibility("hidden")]] void arrive(int signal);

    std::vector<int> come;  // and not delivered, ascending
    std::vector<Waiter<int>> waiters;
  };

  std::unique_ptr<State> state_;  // before what calls it
  std::vector<SignalWatch> watches_;
};

}  // namespace deferred
