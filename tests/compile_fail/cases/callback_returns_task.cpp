// SPDX-License-Identifier: MIT
//
// A callback that returns a Task, which nobody would run.
// expect: a callback that returns a Task would only drop it
#include "deferred/results.hpp"
#include "deferred/tasks.hpp"

using namespace deferred;

Task<int> later(int n) { co_return n; }

auto rest = succeed(1).add_callback([](int n) { return later(n); });

int main() {}
