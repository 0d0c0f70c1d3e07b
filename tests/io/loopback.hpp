// SPDX-License-Identifier: MIT
//
// What the io tests share: a coroutine as a test's body, and the two ends of a connection in it.
#pragma once

#include <doctest/doctest.h>

#include <sys/socket.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "deferred/io.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

/// Runs `body(reactor)`, a coroutine, to its end. What it throws fails the test.
template <class F>
void run_on(Reactor& reactor, F body) {
  const Unhandled unhandled;
  reactor.run_until(spawn(reactor, body, std::ref(reactor)).deferred());
}
template <class F>
void run(F body) {
  Reactor reactor;
  run_on(reactor, std::move(body));
}

/// The two ends of a connection.
class Ends {
 public:
  Ends(io::Stream one, io::Stream other) : near(std::move(one)), far(std::move(other)) {}
  io::Stream near;
  io::Stream far;
};

inline Task<Ends> connected(Reactor& reactor, std::string host = "127.0.0.1") {
  io::Listener listener = io::listen(reactor, host, 0);
  io::Stream near = co_await io::connect(host, listener.port());
  io::Stream far = co_await listener.accept();
  co_return Ends(std::move(near), std::move(far));
}

/// Closes with a reset instead of an orderly end.
inline void reset(io::Stream& stream) {
  const linger at_once{1, 0};
  REQUIRE(::setsockopt(stream.transport().descriptor(), SOL_SOCKET, SO_LINGER, &at_once,
                       sizeof at_once) == 0);
  stream.close();
}

/// Gives other tasks and the backend so many turns.
inline Task<void> turns(int count) {
  for (int i = 0; i < count; ++i) co_await Pause{};
}

template <class T>
std::string what(const Outcome<T>& outcome) {
  return outcome.has_value() ? "no error" : outcome.failure().what();
}

/// It failed with this error code.
template <class T, class C>
bool failed_with(const Outcome<T>& outcome, C code) {
  const auto* const error = outcome.template check<std::system_error>();
  return error && error->code() == code;
}

inline std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 2654435761U >> 24);
  return text;
}

inline std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

/// False, with a message, where this machine has no IPv6 loopback.
inline bool has_ipv6(Reactor& reactor) {
  try {
    const io::Listener listener = io::listen(reactor, "::1", 0);
    return true;
  } catch (const std::system_error& error) {
    MESSAGE("not tested: ", error.what());
    return false;
  }
}

}  // namespace deferred::testing
