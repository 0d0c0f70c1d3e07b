// SPDX-License-Identifier: MIT
//
// The floor of W7: a mutex, a vector and an eventfd that is written only when the vector was empty.
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "posts.hpp"

namespace {

class Loop {
 public:
  Loop() : wake_fd_(::eventfd(0, EFD_CLOEXEC)) {
    if (wake_fd_ < 0) std::abort();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() { ::close(wake_fd_); }

  template <class F>
  void run(F f) {
    f();
    stopped_ = false;
    while (!stopped_) {
      std::uint64_t count = 0;
      if (::read(wake_fd_, &count, sizeof count) != sizeof count) std::abort();
      mailbox_.run_all();
    }
  }
  void stop() { stopped_ = true; }
  template <class F>
  void post(const F& f) {
    if (!mailbox_.push(bench::Message::of(f))) return;
    const std::uint64_t one = 1;
    if (::write(wake_fd_, &one, sizeof one) != sizeof one) std::abort();
  }

 private:
  bench::Mailbox mailbox_;
  int wake_fd_;
  bool stopped_ = false;
};

}  // namespace

void posts(bench::Program& program) {
  Loop loop;
  bench::posts(program, loop, "mutex, vector, eventfd");
}
