// SPDX-License-Identifier: MIT
//
// begun: a chain of its own that has fired and goes on with what a callback returned. Of succeed()
// there would be none: what its callback returns takes its place.
#pragma once

#include <utility>

#include "deferred/results/deferred.hpp"

namespace deferred::testing {

template <class F>
auto begun(F next) {
  auto [promise, deferred] = make_deferred<void>();
  auto chain = std::move(deferred).add_callback(std::move(next));
  promise.callback();
  return chain;
}

}  // namespace deferred::testing
