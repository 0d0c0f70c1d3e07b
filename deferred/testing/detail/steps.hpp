// SPDX-License-Identifier: MIT
//
// Steps: a reactor in virtual time, turn by turn, until nothing can happen any more. What the kits
// drive their runs with. Not installed.
#pragma once

#include "deferred/reactor/reactor.hpp"

namespace deferred::testing {

/// Takes a turn a step: at the present moment if anything is left to do there, else at the next.
class Steps {
 public:
  explicit Steps(Reactor& reactor) noexcept : reactor_(reactor) {}
  /// False if nothing is left to do.
  bool take() {
    const bool ready = reactor_.busy();
    const bool jumps = !ready && reactor_.timer_count() != 0;
    if (ready || jumps) {
      looks_ = 0;
    } else if (reactor_.watch_count() == 0 || ++looks_ == most_looks) {
      return false;
    }
    reactor_.backend().run_once(jumps);
    return true;
  }
  /// The same, but only at the present moment.
  bool take_now() {
    if (!reactor_.busy()) return false;
    reactor_.backend().run_once(false);
    return true;
  }

 private:
  static constexpr int most_looks = 20;  // at descriptors alone, which may be ready again and again
  Reactor& reactor_;
  int looks_ = 0;
};

}  // namespace deferred::testing
