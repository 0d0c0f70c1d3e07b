// SPDX-License-Identifier: MIT
// expect: co_await: this type is not yieldable
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/race.hpp"

deferred::Task<> first() {
  co_await deferred::race(3, deferred::succeed(1));  // refused
}
