// SPDX-License-Identifier: MIT
// expect: co_yield elements_of(inner): it is given away, by std::move(inner)
#include "deferred/deferred.hpp"

deferred::Generator<int> yields_all(deferred::Generator<int> inner) {
  co_yield deferred::elements_of(inner);
}
