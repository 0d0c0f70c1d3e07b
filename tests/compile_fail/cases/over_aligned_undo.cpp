// SPDX-License-Identifier: MIT
//
// A handler whose undo is over-aligned.
// expect: the undo is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {};
struct Waits {
  Wide yield_to(deferred::Waiter<void> waiter) const {
    waiter.resume();
    return {};
  }
};

deferred::Task<> waits() { co_await Waits{}; }

int main() {}
