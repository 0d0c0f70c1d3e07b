// SPDX-License-Identifier: MIT
//
// The children of this process, for programs in virtual time: what the kernel does with a child is
// waited for in real time before time goes on, so that it is the same in each run. Uses no memory
// of operator new.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace deferred::testing {

/// It has ended, or sleeps and has taken all signals that were sent.
inline bool is_settled(pid_t child) noexcept {
  char path[32];
  char text[4096];
  std::snprintf(path, sizeof path, "/proc/%d/status", static_cast<int>(child));
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return true;
  const auto size = ::read(file, text, sizeof text - 1);
  ::close(file);
  if (size <= 0) return true;
  text[size] = '\0';
  const auto after = [&text](const char* name) {
    const char* const found = std::strstr(text, name);
    return found ? found + std::strlen(name) : "";
  };
  const char state = *after("\nState:\t");
  if (state == 'Z' || state == 'X') return true;
  constexpr const char* none = "0000000000000000";
  const bool sleeps = state == 'S' || state == 'T';
  return sleeps && std::strncmp(after("\nSigPnd:\t"), none, 16) == 0 &&
         std::strncmp(after("\nShdPnd:\t"), none, 16) == 0;
}
/// Waits for that.
inline void settle(pid_t child) noexcept {
  while (!is_settled(child)) ::sched_yield();
}

/// How a child has ended that is not reaped: to which it is left.
enum class Ended { none_is_left, by_itself, by_a_signal };
/// Waits until a child has ended, if there is one.
inline Ended wait_for_a_child() noexcept {
  siginfo_t found{};
  while (::waitid(P_ALL, 0, &found, WEXITED | WNOWAIT) != 0) {
    if (errno != EINTR) return Ended::none_is_left;
  }
  return found.si_code == CLD_EXITED ? Ended::by_itself : Ended::by_a_signal;
}

/// No child of this process is left, running or not.
inline bool has_no_child() noexcept {
  siginfo_t found{};
  return ::waitid(P_ALL, 0, &found, WEXITED | WNOWAIT | WNOHANG) != 0 && errno == ECHILD;
}

}  // namespace deferred::testing
