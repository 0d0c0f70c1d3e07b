// SPDX-License-Identifier: MIT
#include "deferred/testing/simulation/links.hpp"

#include <algorithm>
#include <chrono>

namespace deferred::testing::simulation {
namespace {

using namespace std::chrono_literals;

// Packets of different connections overtake each other, unless it is set otherwise.
constexpr LinkState::Latency usual{1ms, 5ms};
constexpr LinkState::Latency inside{10us, 50us};

}  // namespace

LinkState& Links::between(std::size_t a, std::size_t b) {
  const auto [link, is_new] = links_.try_emplace(std::minmax({a, b}));
  if (is_new && a == b) link->second.latency = inside;
  return link->second;
}

void Links::heal() noexcept {
  for (auto& [machines, link] : links_) link.is_cut = {};
}

LinkState::Latency Links::latency(const LinkState& link) const noexcept {
  return link.latency ? *link.latency : all_.latency.value_or(usual);
}

std::uint64_t Links::bytes_per_second(const LinkState& link) const noexcept {
  return link.bytes_per_second ? *link.bytes_per_second : all_.bytes_per_second.value_or(0);
}

LinkState::Datagrams Links::datagrams(const LinkState& link) const noexcept {
  return link.datagrams ? *link.datagrams : all_.datagrams.value_or(LinkState::Datagrams());
}

}  // namespace deferred::testing::simulation
