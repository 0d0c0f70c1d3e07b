// SPDX-License-Identifier: MIT
// expect: this type is not yieldable. Give it a member `auto yield_to(Waiter<R> w)`
#include "deferred/tasks/task.hpp"

int answer();
deferred::Task<> waits() { co_await answer; }
