// SPDX-License-Identifier: MIT
// expect: this type is not yieldable
#include "deferred/tasks/task.hpp"

deferred::Task<> waits() { co_await 5; }
