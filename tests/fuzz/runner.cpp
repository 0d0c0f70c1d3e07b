// SPDX-License-Identifier: MIT
#include "tests/fuzz/runner.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "tests/fuzz/world_options.hpp"

// The sanitizer's, where there is one.
extern "C" [[gnu::weak]] int __lsan_do_recoverable_leak_check();

namespace deferred::fuzz {

namespace {

constexpr unsigned most_seconds = 30;  // that a world may take
constexpr int exit_failed = 97;
constexpr const char* leaks = "memory is left";

/// What a child leaves behind, however it ends.
struct Left {
  std::uint64_t seed;
  std::uint64_t skipped;
  char what[1024];
  std::uint32_t count;
  std::uint32_t actions[4096];
};

Left& left() {
  static Left* const shared = [] {
    void* const memory =
        ::mmap(nullptr, sizeof(Left), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    return static_cast<Left*>(memory);
  }();
  return *shared;
}

void say(const std::string& what) {
  const std::size_t size = std::min(what.size(), sizeof Left::what - 1);
  std::memcpy(left().what, what.data(), size);
  left().what[size] = '\0';
}

[[noreturn]] void end_child(const std::string& what) {
  say(what);
  std::fflush(stdout);
  ::_exit(exit_failed);
}

[[noreturn]] void run_in_child(std::uint64_t first, std::uint64_t worlds,
                               const RunOptions& options) {
  if (options.quiet) {
    const int null = ::open("/dev/null", O_WRONLY);
    ::dup2(null, STDERR_FILENO);
  }
  WorldOptions how;
  how.without = options.without;
  how.trace = options.trace;
  how.failed = [](const std::string& what) { end_child(what); };
  how.acted = [](std::uint32_t action) noexcept {
    if (left().count < std::size(left().actions)) left().actions[left().count++] = action;
  };
  how.skipped = []() noexcept { ++left().skipped; };
  for (std::uint64_t seed = first; seed != first + worlds; ++seed) {
    left().seed = seed;
    left().count = 0;
    ::alarm(most_seconds);
    run_world(seed, how);
  }
  ::alarm(0);
  if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0) {
    end_child(leaks);
  }
  std::fflush(stdout);
  ::_exit(0);
}

Ran run_child(std::uint64_t first, std::uint64_t worlds, const RunOptions& options) {
  left().what[0] = '\0';
  left().skipped = 0;
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) run_in_child(first, worlds, options);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  Ran ran;
  ran.failed = status != 0;
  ran.seed = left().seed;
  ran.skipped = left().skipped;
  ran.actions.assign(left().actions, left().actions + left().count);
  if (left().what[0] != '\0') {
    ran.what = left().what;
  } else if (WIFSIGNALED(status)) {
    ran.what = WTERMSIG(status) == SIGALRM ? "it hangs" : ::strsignal(WTERMSIG(status));
  } else if (ran.failed) {
    ran.what = "exit status " + std::to_string(WEXITSTATUS(status));
  }
  return ran;
}

}  // namespace

Ran run_worlds(std::uint64_t first, std::uint64_t worlds, const RunOptions& options) {
  Ran ran = run_child(first, worlds, options);
  if (ran.what != leaks || worlds == 1) return ran;
  // Which of them it was is seen where each has a process of its own.
  for (std::uint64_t seed = first; seed != first + worlds; ++seed) {
    Ran alone = run_child(seed, 1, options);
    if (alone.failed) return alone;
  }
  return ran;
}

// Leaves out ever smaller parts, as long as it fails.
std::set<std::uint32_t> shrink(std::uint64_t seed, const Ran& failed, RunOptions options) {
  options.quiet = true;
  options.trace = false;
  std::vector<std::uint32_t> kept = failed.actions;
  bool shrunk = true;
  for (std::size_t part = std::max<std::size_t>(kept.size() / 2, 1); part != 0;
       part = shrunk && part == 1 ? 1 : part / 2) {
    shrunk = false;
    for (std::size_t at = 0; at < kept.size();) {
      RunOptions less = options;
      const std::size_t end = std::min(at + part, kept.size());
      less.without.insert(kept.begin() + static_cast<std::ptrdiff_t>(at),
                          kept.begin() + static_cast<std::ptrdiff_t>(end));
      const Ran ran = run_worlds(seed, 1, less);
      if (ran.failed && ran.what == failed.what) {
        options.without = less.without;
        kept = ran.actions;
        shrunk = true;
      } else {
        at += part;
      }
    }
  }
  return options.without;
}

}  // namespace deferred::fuzz
