// SPDX-License-Identifier: MIT
// expect: Task: return a pointer instead of a reference
#include "deferred/tasks/task.hpp"

deferred::Task<int&> refers(int& x) { co_return x; }
