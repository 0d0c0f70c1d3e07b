// SPDX-License-Identifier: MIT
//
// A reactor in virtual time, and the end of what runs there.
#pragma once

#include <doctest/doctest.h>

#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/spawn.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

struct InTime : Unhandled {
  reactors::VirtualTime time;
  Reactor reactor{time};

  /// Runs a body, a coroutine without parameters, to its end, and gives what it gave.
  template <class F>
  auto outcome_of(F body) {
    return end_of(spawn(reactor, body));
  }
  template <class T>
  Outcome<T> end_of(Spawned<T> spawned) {
    time.run_until_idle();
    REQUIRE(spawned.done());
    return std::move(spawned).deferred().result();
  }
  Duration passed() { return time.now().time_since_epoch(); }
};

}  // namespace deferred::testing
