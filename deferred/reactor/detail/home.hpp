// SPDX-License-Identifier: MIT
//
// Home: the thread that a reactor belongs to. Where something that is bound to it is used on
// another thread, the program is ended, and both threads are named; if the unit that made the
// reactor asked for that, whoever built the library.
#pragma once

#include <cstdint>

#include "deferred/memory/api.hpp"

namespace deferred::detail {

/// 0 until it is asked for.
DEFERRED_API extern constinit thread_local std::uint64_t number_of_thread;
DEFERRED_API std::uint64_t give_thread_a_number() noexcept;
/// Tells this thread from all others of the process, also from those that have ended.
inline std::uint64_t this_thread() noexcept {
  return number_of_thread != 0 ? number_of_thread : give_thread_a_number();
}
/// The system's number of this thread, which top and debuggers show too.
long system_thread() noexcept;

enum class ThreadChecks : bool { off, on };
/// What this unit asks for, as for assert().
#ifdef NDEBUG
inline constexpr ThreadChecks thread_checks = ThreadChecks::off;
#else
inline constexpr ThreadChecks thread_checks = ThreadChecks::on;
#endif

class Home {
 public:
  /// This thread.
  Home() noexcept : thread_(this_thread()), system_thread_(system_thread()) {}

  bool here() const noexcept { return thread_ == this_thread(); }
  /// Ends the program if this is not the thread. `what` is what was called.
  void require_here(const char* what) const noexcept {
    if (!here()) [[unlikely]]
      used_elsewhere(what);
  }

 private:
  [[noreturn]] void used_elsewhere(const char* what) const noexcept;

  std::uint64_t thread_;
  long system_thread_;
};

}  // namespace deferred::detail
