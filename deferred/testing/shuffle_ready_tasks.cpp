// SPDX-License-Identifier: MIT
#include "deferred/testing/shuffle_ready_tasks.hpp"

#include <memory>

#include "deferred/reactor/round_order.hpp"
#include "deferred/testing/random.hpp"

namespace deferred::testing {
namespace {

class Shuffled final : public RoundOrder {
 public:
  explicit Shuffled(std::uint64_t seed) noexcept : random_(seed, "schedule") {}
  std::size_t choose(std::size_t count) noexcept override {
    return static_cast<std::size_t>(random_.below(count));
  }

 private:
  Random random_;
};

}  // namespace

void shuffle_ready_tasks(Reactor& reactor, std::optional<std::uint64_t> seed) {
  reactor.order_rounds(seed ? std::make_unique<Shuffled>(*seed) : nullptr);
}

}  // namespace deferred::testing
