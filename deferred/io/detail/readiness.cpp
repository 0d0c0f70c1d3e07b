// SPDX-License-Identifier: MIT
#include "deferred/io/detail/readiness.hpp"

#include <stdexcept>
#include <system_error>

#include "deferred/io/errors.hpp"

namespace deferred::io::detail {

Readiness::Place Readiness::Wait::yield_to(Waiter<void> waiter) const {
  Readiness& r = *readiness_;
  r.require_same_reactor(waiter);
  if (r.watch_.active()) {
    r.watch_.set_interest(r.direction_);
  } else {
    r.watch_ = waiter.reactor().watch(r.fd_, r.direction_, [&r] { r.on_ready(); });
  }
  r.waiter_.emplace(std::move(waiter));
  return Place(r, {});
}

Readiness::Place Readiness::Rest::yield_to(Waiter<void> waiter) const {
  Readiness& r = *readiness_;
  r.require_same_reactor(waiter);
  r.watch_.set_interest(Ready::none);
  r.waiter_.emplace(waiter);
  return Place(r, schedule(std::move(waiter), delay_));
}

void Readiness::require_same_reactor(const Waiter<void>& waiter) const {
  if (&waiter.reactor() != reactor_) {
    throw std::logic_error("a stream or listener is awaited on another reactor than its own");
  }
}

void Readiness::on_ready() {
  if (waiter_) {
    waiter_->resume();
    waiter_.reset();
  } else {
    watch_.set_interest(Ready::none);
  }
}

void Readiness::end(const char* what, const std::string& whom) noexcept {
  watch_ = Watch();
  if (!waiter_) return;
  try {
    waiter_->throw_(std::system_error(Errc::closed, what + whom));
  } catch (...) {
    // Out of memory for that: the dropped Waiter answers without any.
  }
  waiter_.reset();
}

}  // namespace deferred::io::detail
