// SPDX-License-Identifier: MIT
// expect: a plain C++ awaiter gives no Waiter and cannot be cancelled
#include <coroutine>

#include "deferred/tasks/task.hpp"

deferred::Task<> waits() { co_await std::suspend_always(); }
