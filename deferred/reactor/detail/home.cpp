// SPDX-License-Identifier: MIT
// The system calls behind home.hpp.
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "deferred/reactor/detail/home.hpp"

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

constinit thread_local std::uint64_t number_of_thread = 0;

std::uint64_t give_thread_a_number() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return number_of_thread = last.fetch_add(1, std::memory_order_relaxed) + 1;
}

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
