// SPDX-License-Identifier: MIT
// expect: in_thread: the function returns a reference; return a value
#include "deferred/threads/in_thread.hpp"

int& refers(int& x) { return x; }
auto go(int& x) { return deferred::in_thread(refers, std::ref(x)); }
