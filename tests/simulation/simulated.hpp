// SPDX-License-Identifier: MIT
//
// What the tests of simulations share: one in which each packet takes a millisecond, and what its
// tasks come to.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/must.hpp"
#include "deferred/testing/simulation.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

struct Simulated {
  Simulated() { sim.links().latency(std::chrono::milliseconds(1)); }

  /// Since the test began.
  Duration now() { return sim.reactor().now().time_since_epoch(); }
  /// Takes all that can be done without time going on.
  void settle() { sim.time().advance(); }
  /// What a task has come to, in at most an hour.
  template <class T>
  Outcome<T> outcome_of(Spawned<T> task) {
    sim.run_until_true([&] { return task.done(); });
    return std::move(task).deferred().result();
  }
  /// The same for what it is to come to now: "no error", or its text.
  template <class T>
  static std::string said(Spawned<T>& task) {
    if (!task.done()) return "not done";
    const Outcome<T> outcome = std::move(task).deferred().result();
    return outcome.has_value() ? "no error" : outcome.failure().what();
  }

  Unhandled unhandled;
  Simulation sim{1};
};

/// "no error", or what it says.
template <class T>
std::string what(const Outcome<T>& outcome) {
  return outcome.has_value() ? "no error" : outcome.failure().what();
}

/// The two ends of a connection, of node "a" to port 80 of node "b".
class TwoEnds {
 public:
  explicit TwoEnds(Simulated& in) : a(in.sim.node("a")), b(in.sim.node("b")) {
    const auto serve = [this]() -> Task<> {
      io::Listener listener = io::listen("tcp:*:80");
      far = co_await listener.accept();
    };
    const auto connect = [this]() -> Task<> { near = co_await io::connect("tcp:b:80"); };
    Spawned<void> served = b.spawn(serve);
    Spawned<void> connected = a.spawn(connect);
    in.sim.run_until(std::move(served));
    in.sim.run_until(std::move(connected));
  }

  Node& a;
  Node& b;
  io::Stream near;
  io::Stream far;
};

/// One read, of at most so much.
inline Task<std::string> read_from(io::Stream& stream, std::size_t most = 100'000) {
  std::string into(most, '\0');
  const std::size_t size = co_await stream.read_some(into);
  into.resize(size);
  co_return into;
}

/// All of it.
inline Task<> write_to(io::Stream& stream, std::string text) { co_await stream.write_all(text); }

/// The next netstring. That there is none any more is an error.
inline Task<std::string> message_from(io::Stream& stream) {
  const std::optional<std::string> message = co_await io::read_netstring(stream);
  if (!message) throw std::system_error(io::Errc::ended, "read from " + stream.peer());
  co_return *message;
}

/// Gives back what comes, until the end.
inline Task<> echo(io::Stream stream) {
  std::array<char, 4096> bytes;
  std::size_t size = co_await stream.read_some(bytes);
  while (size != 0) {
    co_await stream.write_all({bytes.data(), size});
    size = co_await stream.read_some(bytes);
  }
}
inline Task<> echo_server() {
  io::Listener listener = io::listen("tcp:*:80");
  co_await io::serve(listener, echo);
}

}  // namespace deferred::testing
