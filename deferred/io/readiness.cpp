// SPDX-License-Identifier: MIT
#include "deferred/io/readiness.hpp"

#include <stdexcept>
#include <utility>

namespace deferred::io {
namespace {

// Apart, for arm() would save registers for it each time.
[[gnu::noinline]] void begin(Watch& watch, Reactor& reactor, int fd, Ready direction,
                             Readiness& readiness) {
  watch = reactor.watch(fd, direction, [&readiness] { readiness.report(); });
}

}  // namespace

void Readiness::report() noexcept {
  if (!observer_) return disarm();
  const bool goes_on = observer_->on_ready();
  if (goes_on) look_again();
}

void Readiness::look_again() noexcept {
  try {
    arm();
  } catch (...) {
    end(Failure::current());
  }
}

void Readiness::end(Failure why) noexcept {
  if (!observer_) return;
  Observer& observer = *observer_;
  observer.leave();
  observer.on_end(std::move(why));
}

void Readiness::other_reactor() {
  throw std::logic_error(
      "a stream, a listener or a Datagram is awaited on another reactor than its own");
}

Readiness::Wait::Place::Place(Readiness& readiness, Waiter<void> waiter)
    : waiter_(std::move(waiter)) {
  readiness.require_same(waiter_.reactor());
  if (readiness.waited_for()) throw std::logic_error("two tasks wait for one Readiness");
  wait_for(readiness);
}

bool Readiness::Wait::Place::on_ready() noexcept {
  leave();
  waiter_.resume();
  return false;
}

void Readiness::Wait::Place::on_end(Failure why) noexcept { waiter_.throw_(std::move(why)); }

void FdReadiness::arm() {
  if (watch_.active() && watch_.interest() == direction_) return;  // of most waits
  if (watch_.active()) {
    watch_.set_interest(direction_);
  } else {
    begin(watch_, reactor(), fd_, direction_, *this);
  }
}

void FdReadiness::disarm() noexcept {
  try {
    watch_.set_interest(Ready::none);
  } catch (...) {
    // A report too many is harmless.
  }
}

}  // namespace deferred::io
