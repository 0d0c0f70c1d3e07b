// SPDX-License-Identifier: MIT
//
// System: the fixture of the tests of pyos. A scheduler on virtual time, and what it has said.
#pragma once

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <array>
#include <sstream>
#include <string>

#include "samples/pyos/sockets.hpp"
#include "tests/support/loop.hpp"

namespace pyos {

struct System : deferred::testing::Loop {
  /// "1 2 ": the tasks that have terminated so far, in that order.
  std::string terminated() const {
    std::istringstream lines(log.str());
    std::string tids;
    for (std::string task, tid, rest; lines >> task >> tid >> rest;) tids += tid + ' ';
    return tids;
  }

  std::ostringstream log;
  Scheduler scheduler{reactor, log};
};

/// Two sockets that are connected.
struct Pair {
  Pair() : Pair(made()) {}
  explicit Pair(std::array<int, 2> fds) : near(fds[0]), far(fds[1]) {}
  static std::array<int, 2> made() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds.data()) == 0);
    return fds;
  }
  Socket near;
  Socket far;
};

inline Task<> yield_control(int times) {
  for (int i = 0; i < times; ++i) co_await YieldControl{};
}

}  // namespace pyos
