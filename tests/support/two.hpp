// SPDX-License-Identifier: MIT
//
// Two: a Loop, called home, and another reactor on the same thread, both turned by hand.
#pragma once

#include <optional>
#include <utility>

#include "deferred/threads/on.hpp"
#include "tests/support/loop.hpp"

namespace deferred::testing {

/// Home, and another reactor on the same thread.
struct Two : Loop {
  /// Lets both do what they can without time going on.
  void settle_both() {
    for (int i = 0; i < 4; ++i) {
      settle();
      if (there) there->settle();
    }
  }
  /// Begins `what` on the other reactor.
  template <class F>
  auto begin(F what) {
    using T = typename detail::ThereResult<F>::type;
    auto spawned = spawn(
        reactor,
        [](RemoteReactor other, F kept) -> Task<T> {
          co_return co_await on(std::move(other), std::move(kept));
        },
        there->reactor.remote(), std::move(what));
    settle_both();
    return spawned;
  }

  std::optional<Loop> there{std::in_place};
};

}  // namespace deferred::testing
