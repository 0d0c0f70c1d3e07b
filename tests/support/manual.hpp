// SPDX-License-Identifier: MIT
//
// Manual: a Loop with a pool that runs a function when the test says so.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/testing/manual_pool.hpp"
#include "deferred/threads/in_thread.hpp"
#include "tests/support/loop.hpp"

namespace deferred::testing {

struct Manual : Loop {
  /// Begins the call in a microthread of its own.
  template <class F, class... A>
  auto begin(InThread<F, A...> call) {
    const auto body = [](InThread<F, A...> kept) -> Task<typename InThread<F, A...>::Result> {
      co_return co_await std::move(kept);
    };
    auto spawned = spawn(reactor, body(std::move(call)));
    settle();
    return spawned;
  }
  /// Runs what there is to run, and what follows from it.
  std::size_t run_all() {
    const std::size_t ran = pool.run_all();
    settle();
    return ran;
  }

  ManualPool pool;
};

/// Calls what it is given while it runs, as somebody may do while a thread is busy.
template <class F>
auto meanwhile(F f, int value = 5) {
  return [f, value] {
    f();
    return value;
  };
}

}  // namespace deferred::testing
