// SPDX-License-Identifier: MIT
// expect: co_yield elements_of(...) is a Generator
#include "deferred/deferred.hpp"

deferred::AsyncGenerator<int> yields_all(deferred::AsyncGenerator<int> inner) {
  co_yield deferred::elements_of(std::move(inner));
}
