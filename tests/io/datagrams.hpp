// SPDX-License-Identifier: MIT
//
// What the tests of datagrams share.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/io/bind.hpp"
#include "deferred/io/datagram.hpp"
#include "deferred/tasks/task.hpp"
#include "tests/io/loopback.hpp"

namespace deferred::testing {

/// A datagram with its bytes.
class Came {
 public:
  Came(std::string bytes, const io::Received& received)
      : text(std::move(bytes)), from(received.from), truncated(received.truncated) {}
  std::string text;
  io::Address from;
  bool truncated;
};

/// Waits for a datagram, with room for so many bytes.
inline Task<Came> come(io::Datagram& at, std::size_t room = 100) {
  std::string bytes(room, ' ');
  const io::Received received = co_await at.receive(bytes);
  bytes.resize(received.size);
  co_return Came(std::move(bytes), received);
}

/// Sends for ever: as long as there is room.
inline Task<> fill(io::Datagram& from, io::Address to, std::string datagram, int& sent) {
  while (true) {
    co_await from.send_to(datagram, to);
    ++sent;
  }
}

inline std::string error_of_binding(Reactor& reactor, std::string_view endpoint) {
  try {
    const io::Datagram bound = io::bind(reactor, endpoint);
    return "no error";
  } catch (const std::system_error& error) {
    return error.what();
  }
}

}  // namespace deferred::testing
