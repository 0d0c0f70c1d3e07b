// SPDX-License-Identifier: MIT
#include "deferred/testing/link.hpp"

#include <algorithm>

#include "deferred/testing/simulation/links.hpp"

namespace deferred::testing {

Link& Link::latency(AnyDuration least, AnyDuration most) {
  const Duration shortest = std::max<Duration>(least, Duration::zero());
  state_->latency = {shortest, std::max<Duration>(most, shortest)};
  return *this;
}

Link& Link::bandwidth(double bytes_per_second) {
  constexpr double most = 1e18;  // of which nobody sees the end
  const double sane = bytes_per_second > 0 ? std::min(bytes_per_second, most) : 0;
  state_->bytes_per_second = sane > 0 && sane < 1 ? 1 : static_cast<std::uint64_t>(sane);
  return *this;
}

Link& Link::datagrams(double lost, double doubled) {
  state_->datagrams = {lost, doubled};
  return *this;
}

}  // namespace deferred::testing
