// SPDX-License-Identifier: MIT
//
// An await that gives something over-aligned.
// expect: what this gives is over-aligned
#include "deferred/tasks.hpp"

struct alignas(64) Wide {
  float values[16];
};

deferred::Task<> waits(deferred::Deferred<Wide> wide) { co_await std::move(wide); }

int main() {}
