// SPDX-License-Identifier: MIT
//
// Random: numbers from a seed, for tests that have to do the same again: on every platform, with
// every standard library. (Its distributions, and std::shuffle, are not the same everywhere.)
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

namespace deferred::testing {

/// `Random random(seed, "load"); if (random.below(10) == 0) ...` A purpose makes of a seed another
/// one: what draws more numbers for one purpose leaves those for the others as they were.
/// xoshiro256**, whose state splitmix64 makes of the seed (Blackman, Vigna). Not for secrets.
class Random {
 public:
  using result_type = std::uint64_t;

  explicit constexpr Random(std::uint64_t seed, std::string_view purpose = {}) noexcept {
    // FNV-1a, from the seed on.
    for (const char c : purpose) seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    for (std::uint64_t& word : state_) {
      std::uint64_t mixed = seed += 0x9e3779b97f4a7c15;
      mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  constexpr result_type operator()() noexcept {
    const std::uint64_t result = rotated(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotated(state_[3], 45);
    return result;
  }
  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return std::numeric_limits<result_type>::max(); }

  /// One of the numbers from 0 to n - 1, each as likely as the others. REQUIRES: n > 0.
  constexpr std::uint64_t below(std::uint64_t n) noexcept {
    const std::uint64_t too_many = (0 - n) % n;  // how far 2^64 is beyond a multiple of n
    std::uint64_t drawn = (*this)();
    while (drawn < too_many) drawn = (*this)();
    return drawn % n;
  }

 private:
  static constexpr std::uint64_t rotated(std::uint64_t x, int by) noexcept {
    return (x << by) | (x >> (64 - by));
  }

  std::uint64_t state_[4] = {};
};

}  // namespace deferred::testing
