// SPDX-License-Identifier: MIT
#include "reactors/poll.hpp"

#include "reactors/detail/poll_set.hpp"

namespace deferred::reactors {
namespace {

class Poll final : public Backend {
 public:
  TimePoint now() noexcept override {
    return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
  }
  void arm(TimePoint deadline) noexcept override { deadline_ = deadline; }
  void wake() noexcept override { set_.wake(); }
  void watch(int fd, Ready interest, IoHandler& handler) override {
    set_.watch(fd, interest, handler);
  }
  void rewatch(int fd, Ready interest) override { set_.rewatch(fd, interest); }
  void unwatch(int fd) noexcept override { set_.unwatch(fd); }

  void run_once(bool block) override {
    const AtWork at_work(at_work_);
    const Duration timeout = block ? time_left() : Duration::zero();
    if (timeout > Duration::zero() || !set_.quiet()) set_.wait(timeout);
    turn();
  }

 private:
  Duration time_left() noexcept {
    if (deadline_ == TimePoint::min()) return Duration::zero();
    if (deadline_ == TimePoint::max()) return Duration::max();
    const TimePoint present = now();  // compared first: the difference may not fit
    return deadline_ > present ? deadline_ - present : Duration::zero();
  }

  PollSet set_;
  TimePoint deadline_ = TimePoint::max();
  bool at_work_ = false;
};

}  // namespace

std::unique_ptr<Backend> poll() { return std::make_unique<Poll>(); }

}  // namespace deferred::reactors
