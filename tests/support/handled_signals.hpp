// SPDX-License-Identifier: MIT
//
// What a signal does in a test, until its end.
#pragma once

#include <csignal>

namespace deferred::testing {

inline void do_nothing(int) {}

/// Puts a handler in place for a while: one that does nothing, or the default.
struct Handled {
  explicit Handled(int number, void (*handler)(int) = do_nothing) : signal(number) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(signal, &action, &before);
  }
  Handled(const Handled&) = delete;
  Handled& operator=(const Handled&) = delete;
  ~Handled() { ::sigaction(signal, &before, nullptr); }
  int signal;
  struct sigaction before{};
};

/// doctest has handlers for them.
struct Free {
  const Handled interrupt = Handled(SIGINT, SIG_DFL);
  const Handled terminate = Handled(SIGTERM, SIG_DFL);
};

}  // namespace deferred::testing
