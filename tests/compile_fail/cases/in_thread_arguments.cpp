// SPDX-License-Identifier: MIT
// expect: in_thread: the function cannot be called with copies of these arguments
#include "deferred/threads/in_thread.hpp"

void changes(int& x) { ++x; }
auto go(int& x) { return deferred::in_thread(changes, x); }
