// SPDX-License-Identifier: MIT
//
// What the tests of streams share: a coroutine as a test's body, in virtual time.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/support/unhandled.hpp"

namespace deferred::testing {

/// Runs `body(reactor)`, a coroutine, to its end. What it throws fails the test.
template <class F>
void run_in_virtual_time(F body) {
  const Unhandled unhandled;
  reactors::VirtualTime time;
  Reactor reactor{time};
  reactor.run_until(spawn(reactor, body, std::ref(reactor)).deferred());
}

/// Gives other tasks and the backend so many turns.
inline Task<> turns(int count) {
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

}  // namespace deferred::testing
