// SPDX-License-Identifier: MIT
#include "reactors/virtual_time.hpp"

#include <stdexcept>
#include <string>

#include "reactors/detail/at_work.hpp"
#include "reactors/detail/poll_set.hpp"

namespace deferred::reactors {

VirtualTime::VirtualTime() : set_(std::make_unique<PollSet>()) {}
VirtualTime::~VirtualTime() = default;

void VirtualTime::wake() noexcept { set_->wake(); }
void VirtualTime::watch(int fd, Ready interest, IoHandler& handler) {
  set_->watch(fd, interest, handler);
}
void VirtualTime::rewatch(int fd, Ready interest) { set_->rewatch(fd, interest); }
void VirtualTime::unwatch(int fd) noexcept { set_->unwatch(fd); }
void VirtualTime::forked() noexcept { set_->forked(); }

void VirtualTime::run_once(bool block) {
  const AtWork at_work(at_work_);
  bool found = false;
  if (!set_->quiet()) found = set_->wait(Duration::zero());
  if (block && !found && !due()) {
    if (deadline_ != TimePoint::max()) {
      now_ = deadline_;
    } else {
      set_->wait(Duration::max());
    }
  }
  turn();
}

// Takes turns at the present moment until nothing is due or ready.
void VirtualTime::settle() {
  const AtWork at_work(at_work_);
  for (std::size_t turns = 0; turns < most_turns; ++turns) {
    const bool ready = !set_->quiet() && set_->wait(Duration::zero());
    if (!ready && turns > 0 && !due()) return;
    turn();
  }
  throw std::logic_error("VirtualTime: " + std::to_string(most_turns) +
                         " turns at one moment: something reschedules itself without waiting");
}

void VirtualTime::step_to(TimePoint target) {
  settle();
  while (deadline_ <= target && deadline_ != TimePoint::max()) {
    now_ = deadline_;
    settle();
  }
}

void VirtualTime::advance(AnyDuration any) {
  const Duration by = any;
  if (by < Duration::zero()) throw std::invalid_argument("VirtualTime: time does not go back");
  const TimePoint target = later(now_, by);
  step_to(target);
  now_ = target;
}

bool VirtualTime::run_until_idle(AnyDuration limit) {
  step_to(later(now_, limit));
  return deadline_ == TimePoint::max();
}

}  // namespace deferred::reactors
