// SPDX-License-Identifier: MIT
#include "deferred/io/detail/readiness.hpp"

#include <stdexcept>
#include <system_error>

#include "deferred/io/errors.hpp"

namespace deferred::io::detail {

Readiness::Place::Place(Readiness& readiness, Waiter<void> waiter) : waiter_(std::move(waiter)) {
  wait_for(readiness, waiter_.reactor());
}

Readiness::Place::Place(Readiness& readiness, Waiter<void> waiter, Duration delay)
    : waiter_(std::move(waiter)) {
  readiness.require_same(waiter_.reactor());
  readiness.ignore();
  timer_ = schedule(waiter_, delay);
  enter(readiness);
}

void Readiness::Place::on_ready() noexcept {
  leave();
  waiter_.resume();
}

void Readiness::Place::on_end(Failure failure) noexcept { waiter_.throw_(std::move(failure)); }

void Readiness::other_reactor() {
  throw std::logic_error("a stream or listener is awaited on another reactor than its own");
}

void Readiness::watch() {
  if (watch_.active()) {
    watch_.set_interest(direction_);
  } else {
    watch_ = reactor_->watch(fd_, direction_, [this] { on_ready(); });
  }
}

void Readiness::end(const char* what, const std::string& whom) noexcept {
  watch_ = Watch();
  if (!waiting_) return;
  Waiting& waiting = *waiting_;
  waiting.leave();
  try {
    waiting.on_end(Failure(std::system_error(Errc::closed, what + whom)));
  } catch (...) {  // out of memory for that
    waiting.on_end(Failure::current());
  }
}

}  // namespace deferred::io::detail
