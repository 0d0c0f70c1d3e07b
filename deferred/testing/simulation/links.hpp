// SPDX-License-Identifier: MIT
//
// Links: what is between each two machines of a simulation: how long a packet takes, how many fit
// through, and whether any does. Next: link.hpp, by which users set it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "deferred/reactor/backend.hpp"

namespace deferred::testing::simulation {

/// Between two machines, or from one to itself.
struct LinkState {
  struct Latency {
    Duration least;
    Duration most;
  };

  /// How probably one comes to this.
  struct Datagrams {
    double lost = 0;
    double doubled = 0;
  };

  // Nothing: as all links have it.
  std::optional<Latency> latency;
  std::optional<std::uint64_t> bytes_per_second;  // 0: any number
  std::optional<Datagrams> datagrams;
  // Of each family, IPv4 and IPv6: no packet gets through.
  std::array<bool, 2> is_cut = {};
  // From the machine with the lower number, and to it: what was sent before has left by then.
  std::array<TimePoint, 2> free_at = {};
};

class Links {
 public:
  /// Where it stays. The machines are numbers.
  LinkState& between(std::size_t a, std::size_t b);
  /// Of those that have nothing of their own.
  LinkState& all() noexcept { return all_; }
  void heal() noexcept;

  /// How long the next packet takes at least and at most.
  LinkState::Latency latency(const LinkState& link) const noexcept;
  std::uint64_t bytes_per_second(const LinkState& link) const noexcept;
  LinkState::Datagrams datagrams(const LinkState& link) const noexcept;

 private:
  std::map<std::pair<std::size_t, std::size_t>, LinkState> links_;  // the lower number first
  LinkState all_;
};

}  // namespace deferred::testing::simulation
