// SPDX-License-Identifier: MIT
// expect: this type is not yieldable. Give it a member `auto yield_to(Waiter<R> w)`
// expect: struct deferred::yieldable<X>
// expect: await a Value
#include "deferred/tasks/task.hpp"

struct Plain {};
deferred::Task<> waits() {
  Plain plain;
  co_await plain;
}
