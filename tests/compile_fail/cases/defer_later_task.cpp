// SPDX-License-Identifier: MIT
// expect: a callback that returns a Task would only drop it
#include "deferred/yieldables/defer_later.hpp"

using namespace std::chrono_literals;

deferred::Task<> later();
auto go() { return deferred::defer_later(1s, later); }
