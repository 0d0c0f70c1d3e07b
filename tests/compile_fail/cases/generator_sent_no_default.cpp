// SPDX-License-Identifier: MIT
// expect: Generator: next() sends In{}: what is sent needs a default
#include "deferred/deferred.hpp"

struct Sent {
  explicit Sent(int);
};
deferred::Generator<int, Sent> takes() { co_yield 1; }
