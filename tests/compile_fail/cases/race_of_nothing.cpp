// SPDX-License-Identifier: MIT
// expect: race: of nothing there is no first
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/race.hpp"

deferred::Task<> first() {
  co_await deferred::race();  // refused
}
