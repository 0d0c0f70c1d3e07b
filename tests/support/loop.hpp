// SPDX-License-Identifier: MIT
//
// Loop: the fixture of tests that need a reactor. Virtual time, and a test fails if a failure is
// reported that it did not take. "Not yet" is asserted after settle().
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/spawn.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

struct Loop {
  /// Takes all that can be done without time going on.
  void settle() { time.advance(); }
  /// Virtual time since the test began.
  Duration now() { return reactor.now().time_since_epoch(); }

  /// What a finished microthread left.
  template <class T>
  static Outcome<T> outcome_of(Spawned<T>&& spawned) {
    REQUIRE(spawned.done());
    return std::move(spawned).deferred().result();
  }
  /// Runs a task until nothing is due any more, and gives what it left.
  template <class T>
  Outcome<T> outcome_of(Task<T> task) {
    Spawned<T> spawned = spawn(reactor, std::move(task));
    time.run_until_idle();
    return outcome_of(std::move(spawned));
  }
  /// The same for a coroutine that is written in the test.
  template <class F>
    requires std::is_invocable_v<F&>
  auto outcome_of(F f) {
    auto spawned = spawn(reactor, std::move(f));
    time.run_until_idle();
    return outcome_of(std::move(spawned));
  }

  Unhandled unhandled;
  reactors::VirtualTime time;
  Reactor reactor{time};
};

}  // namespace deferred::testing
