// SPDX-License-Identifier: MIT
//
// Rows: what keeps the native stack short where chains fire chains. For the library's sources
// alone.
#pragma once

namespace deferred::detail {

class Chain;
struct Canceller;

/// Callbacks fire, cancel and drop other chains, whose callbacks do the same: each by a call in a
/// call. Past some depth a chain is left to the innermost of those that run already, which comes to
/// it when its own are done: so the native stack does not grow with the length of a row. The same
/// for cancellers that cancel. Of a thread:
struct Rows {
  static constexpr int deepest = 64;
  int room = deepest;          // for so many calls more
  bool catching_up = false;    // with those left
  Chain* first = nullptr;      // of those left, each with a reference
  Chain* last = nullptr;       // while there is a first
  int cancels = 0;             // so many cancellers are asked, one in the other
  Canceller* found = nullptr;  // by the one that is being asked, the last one first
};
/// While one lives rows begin anew: for a loop that runs inside a callback, and waits for what else
/// would be left to that callback's caller.
class FreshRows {
 public:
  FreshRows() noexcept;
  FreshRows(const FreshRows&) = delete;
  FreshRows& operator=(const FreshRows&) = delete;
  ~FreshRows();

 private:
  const Rows before_;
};

}  // namespace deferred::detail
