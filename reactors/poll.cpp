// SPDX-License-Identifier: MIT
#include "reactors/poll.hpp"

#include "reactors/detail/at_work.hpp"
#include "reactors/detail/clock.hpp"
#include "reactors/detail/poll_set.hpp"

namespace deferred::reactors {
namespace {

class Poll final : public Backend {
 public:
  TimePoint now() noexcept override { return steady_now(); }
  void arm(TimePoint deadline) noexcept override { deadline_ = deadline; }
  void wake() noexcept override { set_.wake(); }
  void watch(int fd, Ready interest, IoHandler& handler) override {
    set_.watch(fd, interest, handler);
  }
  void rewatch(int fd, Ready interest) override { set_.rewatch(fd, interest); }
  void unwatch(int fd) noexcept override { set_.unwatch(fd); }

  void forked() noexcept override { set_.forked(); }

  void run_once(bool block) override {
    const AtWork at_work(at_work_);
    const Duration timeout = block ? time_left(deadline_) : Duration::zero();
    if (timeout > Duration::zero() || !set_.quiet()) set_.wait(timeout);
    turn();
  }

 private:
  PollSet set_;
  TimePoint deadline_ = TimePoint::max();
  bool at_work_ = false;
};

}  // namespace

std::unique_ptr<Backend> poll() { return std::make_unique<Poll>(); }

}  // namespace deferred::reactors
