// SPDX-License-Identifier: MIT
//
// Shuffled: what is ready in a round runs in an order of the world's own, in every second world.
#pragma once

#include <cstdint>
#include <memory>

#include "deferred/reactor/reactor.hpp"
#include "tests/fuzz/random.hpp"

namespace deferred::fuzz {

class Shuffled final : public RoundOrder {
 public:
  explicit Shuffled(std::uint64_t seed) noexcept : random_(seed) {}
  std::size_t choose(std::size_t count) noexcept override {
    return random_.below(static_cast<unsigned>(count));
  }

 private:
  Random random_;
};

inline void shuffle_rounds(Reactor& reactor, Random& random) {
  reactor.order_rounds(std::make_unique<Shuffled>(random.next()));
}

}  // namespace deferred::fuzz
