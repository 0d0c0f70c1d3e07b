// SPDX-License-Identifier: MIT
#include "deferred/testing/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <random>
#include <vector>

using deferred::testing::Random;

namespace {

std::vector<std::uint64_t> drawn(Random random) {
  std::vector<std::uint64_t> numbers;
  std::generate_n(std::back_inserter(numbers), 4, [&] { return random(); });
  return numbers;
}

}  // namespace

// The first four of xoshiro256** for the state that splitmix64 makes of the seed, by the authors'
// own C.
TEST_CASE("a seed gives the same numbers everywhere") {
  using Numbers = std::vector<std::uint64_t>;
  CHECK(drawn(Random(0)) ==
        Numbers{0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0, 0x6aa594f1262d2d2c});
  CHECK(drawn(Random(17)) ==
        Numbers{0xa8722ce678e6e2ca, 0xb0c58defa535f501, 0xf057b25ffb0bf1b9, 0xf7aba65f754fde47});
}

TEST_CASE("a purpose has numbers of its own, the same everywhere") {
  using Numbers = std::vector<std::uint64_t>;
  CHECK(drawn(Random(17, "load")) ==
        Numbers{0xdfff04fa1cc65dbe, 0x6798078dacef8d89, 0xc044e3e7898a6170, 0x217920415eb99b8f});
  CHECK(drawn(Random(17, "load")) != drawn(Random(17, "faults")));
  CHECK(drawn(Random(17, "load")) != drawn(Random(18, "load")));
  CHECK(drawn(Random(17, "")) == drawn(Random(17)));
}

TEST_CASE("a Random can be used before the program runs") {
  constexpr std::uint64_t number = [] {
    Random random(17);
    return random();
  }();

  CHECK(number == Random(17)());
}

TEST_CASE("below(n) gives each number under n about as often, and no other") {
  Random random(1);
  std::vector<int> times(10);
  for (int i = 0; i < 10'000; ++i) ++times.at(random.below(10));

  for (const int one : times) {
    CHECK(one > 900);
    CHECK(one < 1100);
  }
}

// The rest of a division alone would give numbers of the lower third half of the time.
TEST_CASE("below(n) is fair to large numbers, too") {
  constexpr std::uint64_t n = std::uint64_t{3} << 62;
  Random random(1);
  int lower = 0;
  for (int i = 0; i < 10'000; ++i) lower += random.below(n) < n / 3 ? 1 : 0;

  CHECK(lower > 3200);
  CHECK(lower < 3470);
}

TEST_CASE("below(1) is 0") {
  Random random(5);
  for (int i = 0; i < 10; ++i) CHECK(random.below(1) == 0);
}

TEST_CASE("a Random can be given to the standard library") {
  static_assert(std::uniform_random_bit_generator<Random>);
  std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8};

  std::shuffle(numbers.begin(), numbers.end(), Random(3));

  CHECK(std::is_permutation(numbers.begin(), numbers.end(),
                            std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}.begin()));
}
