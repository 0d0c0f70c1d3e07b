// SPDX-License-Identifier: MIT
//
// Unit: what stands for a result of type void where a value has to be kept. Next: outcome.hpp.
#pragma once

#include <type_traits>

namespace deferred {

/// The one value of a void result.
struct Unit {
  friend constexpr bool operator==(Unit, Unit) noexcept { return true; }
};

/// What is kept for a result of type T: a T, or a Unit.
template <class T>
using Stored = std::conditional_t<std::is_void_v<T>, Unit, T>;

}  // namespace deferred
