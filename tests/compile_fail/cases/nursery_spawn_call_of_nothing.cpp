// SPDX-License-Identifier: MIT
// expect: spawn: this callable returns nothing that can be awaited. Make it a coroutine
#include "deferred/tasks/nursery.hpp"

void call(deferred::Nursery& nursery) {
  nursery.spawn([] {});
}
