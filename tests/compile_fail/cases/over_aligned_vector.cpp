// SPDX-License-Identifier: MIT
//
// A class with a vector of the compiler's: alignof() says 16 without -mavx, and means 32.
// expect: the result of a coroutine is over-aligned
#include "deferred/tasks.hpp"

struct Eight {
  float values __attribute__((vector_size(32)));
};

deferred::Task<Eight> eight() { co_return Eight(); }

int main() {}
