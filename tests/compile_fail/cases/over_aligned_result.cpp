// SPDX-License-Identifier: MIT
//
// A coroutine whose result is over-aligned: frames are not aligned for it.
// expect: the result of a coroutine is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {
  float values[16];
};

deferred::Task<Wide> wide() { co_return Wide(); }

int main() {}
