// SPDX-License-Identifier: MIT
// The system calls behind detail/home.hpp.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "deferred/detail/home.hpp"

namespace deferred::detail {
namespace {

// "'worker' (4711)": the name and number that top and debuggers show too.
std::string label(long number) {
  std::ifstream file("/proc/self/task/" + std::to_string(number) + "/comm");
  std::string name;
  if (!std::getline(file, name)) return "that has ended (" + std::to_string(number) + ")";
  return "'" + name + "' (" + std::to_string(number) + ")";
}

}  // namespace

long system_thread() noexcept { return ::syscall(SYS_gettid); }

void Home::used_elsewhere(const char* what) const noexcept {
  try {
    std::fprintf(
        stderr,
        "deferred: %s of a reactor that belongs to thread %s was called on thread %s; from "
        "there use call_from_thread(), a RemoteReactor or a RemoteWaiter\n",
        what, label(system_thread_).c_str(), label(system_thread()).c_str());
  } catch (...) {
    std::fprintf(stderr, "deferred: %s was called on a thread that is not its reactor's\n", what);
  }
  std::abort();
}

}  // namespace deferred::detail
