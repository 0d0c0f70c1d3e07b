// SPDX-License-Identifier: MIT
//
// RoundOrder: in which order what is ready at the same time runs, where a test says so. The reactor
// promises no order of tasks that are ready in the same round; without one it is that in which they
// became ready. Next: testing/shuffle_ready_tasks.hpp, which is one.
#pragma once

#include <cstddef>

#include "deferred/memory/api.hpp"

namespace deferred {

/// To be derived from and given to Reactor::order_rounds(). What stands in a round all has the same
/// right to be next: microthreads, the waits of joins that are answered, posts. Posts keep their
/// order among themselves.
class DEFERRED_API RoundOrder {
 public:
  RoundOrder() = default;
  RoundOrder(const RoundOrder&) = delete;
  RoundOrder& operator=(const RoundOrder&) = delete;
  virtual ~RoundOrder() = default;

  /// Which of the `count` that are left of a round, two or more, is next: a number below `count`.
  /// Called for all of a round before the first of it runs; for one of n items, n - 1 times. 0 each
  /// time leaves it as it stood. REQUIRES: leaves the reactor alone.
  virtual std::size_t choose(std::size_t count) noexcept = 0;
};

}  // namespace deferred
