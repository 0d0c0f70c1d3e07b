// SPDX-License-Identifier: MIT
//
// connect: a Stream to somebody who listens. Next: stream.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "deferred/io/stream.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred::io {

/// How connect() goes about it.
class ConnectOptions {
 public:
  constexpr ConnectOptions() noexcept {}
  constexpr explicit ConnectOptions(AnyDuration most) noexcept : limit(most) {}

  /// For all of it: the name and every attempt.
  Duration limit = std::chrono::seconds(30);
  /// So long an attempt is alone, before the next address is tried beside it.
  Duration stagger = std::chrono::milliseconds(250);
};

/// Connects to a host, an IPv4 or IPv6 address, "localhost" or a name, over the current network
/// (network.hpp). Of several addresses IPv6 and IPv4 take turns, the next one is tried when the one
/// before has failed or has had 250 ms, and the first that answers wins; the others are closed by
/// then (RFC 8305). Throws std::system_error: "connect to 127.0.0.1:10002: Connection refused", for
/// several addresses with each one's error. Cancelled, it leaves nothing behind.
DEFERRED_API Task<Stream> connect(std::string host, std::uint16_t port,
                                  ConnectOptions options = {});

}  // namespace deferred::io
