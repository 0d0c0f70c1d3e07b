// SPDX-License-Identifier: MIT
//
// ConnectOptions: how connect() goes about it. Next: connect.hpp.
#pragma once

#include <chrono>

#include "deferred/results/any_duration.hpp"

namespace deferred::io {

class ConnectOptions {
 public:
  constexpr ConnectOptions() noexcept {}
  constexpr explicit ConnectOptions(AnyDuration most) noexcept : limit(most) {}

  /// For all of it: the name and every attempt.
  std::chrono::nanoseconds limit = std::chrono::seconds(30);
  /// So long an attempt is alone, before the next address is tried beside it.
  std::chrono::nanoseconds stagger = std::chrono::milliseconds(250);
};

}  // namespace deferred::io
