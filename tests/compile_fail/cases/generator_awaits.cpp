// SPDX-License-Identifier: MIT
// expect: co_await: a Generator waits for nothing: make it an AsyncGenerator
#include "deferred/deferred.hpp"

deferred::Generator<int> waits() {
  co_await deferred::Pause{};
  co_yield 1;
}
