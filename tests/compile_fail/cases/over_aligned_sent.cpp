// SPDX-License-Identifier: MIT
//
// What is sent to a generator lies in its frame, which is not aligned for it.
// expect: AsyncGenerator: what is sent is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {
  float values[16];
};

deferred::AsyncGenerator<int, Wide> takes() { co_yield 1; }
