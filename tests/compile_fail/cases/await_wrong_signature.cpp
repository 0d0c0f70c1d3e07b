// SPDX-License-Identifier: MIT
// expect: another signature than `undo yield_to(Waiter<R>)` or `Task<R> yield_to()`
#include "deferred/tasks/task.hpp"

struct Wrong {
  void yield_to(int) {}
};
deferred::Task<> waits() {
  Wrong x;
  co_await x;
}
