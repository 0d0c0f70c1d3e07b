// SPDX-License-Identifier: MIT
//
// MainEnd: how the main task of a run ended.
#pragma once

namespace deferred::detail {

struct MainEnd {
  bool begun = false;  // it has all that it needs
  bool ended = false;
  int code = 0;
  int signal = 0;        // the one that cancelled it, or came last
  bool crashed = false;  // by a signal
};

/// A shell's way to say that a signal ended a program.
constexpr int exit_code_of(int signal) noexcept { return 128 + signal; }

}  // namespace deferred::detail
