// SPDX-License-Identifier: MIT
//
// What server.cpp does for a client. It stands in a file of its own so that test.cpp can try it.
#pragma once

#include <deferred/deferred.hpp>
#include <string>

/// Says each line backwards. A client has a minute for a line, and a minute to read the answer.
inline deferred::Task<> mirror(deferred::io::Stream client) {
  using namespace std::chrono_literals;
  while (true) {
    const auto line = co_await deferred::with_timeout(1min, deferred::io::read_line(client));
    if (!line) co_return;  // the client has said its last
    const std::string backwards(line->rbegin(), line->rend());
    co_await deferred::with_timeout(1min, client.write_all(backwards + "\n"));
  }
}
