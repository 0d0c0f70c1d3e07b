// SPDX-License-Identifier: MIT
//
// SetClock: a backend whose clock the test sets, also inside a turn, as a callback that blocks
// does. LateLoop: a fixture on it; at(t) is a reactor that is late, or not.
#pragma once

#include "deferred/reactor/reactor.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

class SetClock final : public Backend {
 public:
  TimePoint now() noexcept override { return time; }
  void arm(TimePoint deadline) noexcept override { armed = deadline; }
  void wake() noexcept override {}
  void watch(int, Ready, IoHandler&) override {}
  void rewatch(int, Ready) override {}
  void unwatch(int) noexcept override {}
  void run_once(bool) override { turn(); }
  TimePoint time{};
  TimePoint armed = TimePoint::max();
};

struct LateLoop {
  /// A turn at this time, and as many more as are wanted for then.
  void at(Duration time) {
    clock.time = TimePoint(time);
    for (int i = 0; i < 10; ++i) clock.run_once(false);
  }
  /// The clock's, which may be ahead of the turn's.
  Duration now() const { return clock.time.time_since_epoch(); }

  Unhandled unhandled;
  SetClock clock;
  Reactor reactor{clock};
};

}  // namespace deferred::testing
