// SPDX-License-Identifier: MIT
// expect: this yieldable keeps its state between awaits: name it, and await the variable
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/timer.hpp"

deferred::Task<> waits() { co_await deferred::Timer(deferred::Duration(1)); }
