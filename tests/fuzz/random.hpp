// SPDX-License-Identifier: MIT
//
// Random: the numbers that a world is made of. The same on every machine, and small enough to be
// kept by each callback: what one of them does hangs on its own number, and not on who came before.
#pragma once

#include <cstdint>

namespace deferred::fuzz {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  /// splitmix64.
  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 to n - 1. REQUIRES: n > 0.
  unsigned below(unsigned n) noexcept { return static_cast<unsigned>(next() % n); }
  bool one_in(unsigned n) noexcept { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

/// A seed made of another and a number.
inline std::uint64_t mixed(std::uint64_t seed, std::uint64_t number) noexcept {
  return Random(seed ^ Random(number).next()).next();
}

}  // namespace deferred::fuzz
