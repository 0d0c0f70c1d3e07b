// SPDX-License-Identifier: MIT
//
// Instrumented values: Counted knows how many of it live and how often it was copied; ThrowsOnMove
// throws at the move it is told; Large does not fit into a result slot.
#pragma once

#include <stdexcept>

namespace deferred::testing {

/// A value whose objects are counted. Call reset() first, or use a CountedScope.
struct Counted {
  inline static int live = 0;
  inline static int copies = 0;
  static void reset() noexcept { live = copies = 0; }

  Counted(int v = 0) noexcept : value(v) { ++live; }
  Counted(const Counted& other) noexcept : value(other.value) {
    ++live;
    ++copies;
  }
  Counted(Counted&& other) noexcept : value(other.value) {
    other.value = -1;
    ++live;
  }
  Counted& operator=(const Counted&) = default;
  Counted& operator=(Counted&&) = default;
  ~Counted() { --live; }

  int value;
};

/// A value whose move constructor throws when `throwing` is set. Its moves may throw, so that it is
/// kept boxed.
struct ThrowsOnMove {
  inline static bool throwing = false;

  ThrowsOnMove(int v) : value(v) {}
  ThrowsOnMove(ThrowsOnMove&& other) : value(other.value) {
    if (throwing) throw std::runtime_error("the move threw");
  }

  int value;
};

/// Larger than a result slot.
struct Large {
  Large(int v) noexcept : value(v) {}
  int value;
  char padding[200] = {};
};

}  // namespace deferred::testing
