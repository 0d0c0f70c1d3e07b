// SPDX-License-Identifier: MIT
//
// MainEnd: how the main task of a run, or its Deferred, ended.
#pragma once

#include <functional>

namespace deferred::detail {

struct MainEnd {
  std::function<void()> cancel;  // by a signal
  bool begun = false;            // it has all that it needs
  bool ended = false;
  int code = 0;
  int signal = 0;        // the one that cancelled it, or came last
  bool crashed = false;  // by a signal
};

/// A shell's way to say that a signal ended a program.
constexpr int exit_code_of(int signal) noexcept { return 128 + signal; }

}  // namespace deferred::detail
