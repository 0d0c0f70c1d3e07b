// SPDX-License-Identifier: MIT
//
// A yieldable that is over-aligned.
// expect: this yieldable is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {
  Wide() = default;
  void yield_to(deferred::Waiter<void> waiter) const { waiter.resume(); }
};

deferred::Task<> waits() { co_await Wide(); }

int main() {}
