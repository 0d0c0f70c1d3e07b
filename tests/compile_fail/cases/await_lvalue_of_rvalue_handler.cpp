// SPDX-License-Identifier: MIT
// expect: this yieldable can be awaited only once: co_await std::move(x)
#include "deferred/tasks/task.hpp"

struct Once {
  void yield_to(deferred::Waiter<void> w) && { w.resume(); }
};
deferred::Task<> waits() {
  Once once;
  co_await once;
}
