// SPDX-License-Identifier: MIT
// expect: this type is not yieldable
#include "deferred/task.hpp"

deferred::Task<> waits() { co_await 5; }
