// SPDX-License-Identifier: MIT
//
// Home: the thread that a reactor belongs to. Debug builds end the program where something that is
// bound to it is used from another thread; both threads are named.
#pragma once

namespace deferred::detail {

/// Its address tells one thread from another.
inline constinit thread_local char thread_mark = 0;

/// The system's number of this thread.
long this_thread_number() noexcept;

class Home {
 public:
  /// This thread.
  Home() noexcept : mark_(&thread_mark), number_(this_thread_number()) {}

  bool here() const noexcept { return mark_ == &thread_mark; }
  /// In debug builds: ends the program if this is not the thread. `what` is what was called.
  void require_here([[maybe_unused]] const char* what) const noexcept {
#ifndef NDEBUG
    if (!here()) [[unlikely]]
      used_elsewhere(what);
#endif
  }

 private:
  [[noreturn]] void used_elsewhere(const char* what) const noexcept;

  const char* mark_;
  long number_;
};

}  // namespace deferred::detail
