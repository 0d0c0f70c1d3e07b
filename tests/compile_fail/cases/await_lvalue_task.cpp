// SPDX-License-Identifier: MIT
// expect: a Task runs once: co_await std::move(task)
#include "deferred/tasks/task.hpp"

deferred::Task<int> twice(deferred::Task<int> task) { co_return co_await task; }
