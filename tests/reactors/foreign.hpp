// SPDX-License-Identifier: MIT
//
// What the tests of the backends in foreign loops share.
#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <system_error>
#include <vector>

#include "deferred/reactor/backend.hpp"

namespace deferred::testing {

/// Drives a backend without a reactor: a deadline at a time, and when its turn came.
struct Deadline final : private Turn {
  explicit Deadline(Backend& driven) : backend(driven) { backend.drive(this); }
  ~Deadline() { backend.drive(nullptr); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void set(Duration from_now) {
    passed = false;
    at = backend.now() + from_now;
    backend.arm(at);
  }

  Backend& backend;
  TimePoint at{};
  bool passed = false;
  int early = 0;
  int turns = 0;

 private:
  void turn() noexcept override {
    ++turns;
    if (passed) return;
    if (backend.now() < at) {
      ++early;
    } else {
      passed = true;
      backend.arm(TimePoint::max());
    }
  }
};

/// Sub-millisecond deadlines, driven by `iterate`, an iteration of the foreign loop that may wait.
inline void check_not_early(Backend& backend, const std::function<void()>& iterate) {
  Deadline deadline(backend);
  for (int i = 1; i <= 40; ++i) {
    deadline.set(std::chrono::microseconds(i * 77));
    while (!deadline.passed) iterate();
  }
  CHECK(deadline.early == 0);
}

/// Collects what is reported of one descriptor.
struct Reports final : IoHandler {
  std::vector<Ready> seen;
  std::function<void()> then = [] {};

  void on_ready(Ready what) noexcept override {
    seen.push_back(what);
    then();
  }
};

/// A descriptor of a regular file.
struct RegularFile {
  RegularFile() : fd(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)) { REQUIRE(fd >= 0); }
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;
  ~RegularFile() { ::close(fd); }
  int fd;
};

/// How many descriptors the process has open.
inline int open_descriptors() {
  int open = 0;
  for (int fd = 0; fd < 1024; ++fd) open += ::fcntl(fd, F_GETFD) >= 0;
  return open;
}

/// Lets the process open `free` more descriptors, and no more.
class FewDescriptors {
 public:
  explicit FewDescriptors(int free) {
    // UBSan looks at the type of an object through a pipe, the first time that it meets it.
    CHECK_THROWS_AS(throw std::system_error(std::error_code()), std::exception);
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    int fd = 0;
    while (free > 0 || ::fcntl(fd, F_GETFD) >= 0) free -= ::fcntl(fd++, F_GETFD) < 0;
    rlimit few = before_;
    few.rlim_cur = static_cast<rlim_t>(fd);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace deferred::testing
