// SPDX-License-Identifier: MIT
//
// Winner: which of a vector of yieldables any() and race() were decided by. Next: any.hpp,
// race.hpp.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/results/unit.hpp"

namespace deferred {

/// The index of the input, and what it gave: `auto [index, value] = co_await race(std::move(xs));`
template <class R>
class Winner {
 public:
  Winner(std::size_t at, Stored<R> gave) : index(at), value(std::move(gave)) {}

  std::size_t index;
  Stored<R> value;
};

}  // namespace deferred
