// SPDX-License-Identifier: MIT
#include "deferred/yieldables/semaphore.hpp"

#include <stdexcept>

namespace deferred {

namespace {
detail::Permits& make_permits(std::size_t count) {
  if (count == 0) throw std::invalid_argument("Semaphore: of 0 permits nobody would ever get one");
  return *new detail::Permits(count);
}
}  // namespace

Semaphore::Semaphore(std::size_t permits) : permits_(make_permits(permits)) {}
Semaphore::~Semaphore() { permits_.end(); }

std::optional<Permit> Semaphore::try_acquire() noexcept {
  if (!permits_.may_take()) return std::nullopt;
  return permits_.take();
}
std::size_t Semaphore::available() const noexcept { return permits_.available(); }
std::size_t Semaphore::waiting() const noexcept { return permits_.waiting(); }

detail::PermitWait Acquire::yield_to(Waiter<Permit> waiter) const noexcept {
  return detail::PermitWait(*from_, std::move(waiter));
}

void Permit::give_back(detail::Permits& from) noexcept { from.give_back(); }

namespace detail {

void Permits::begin(WaitNode<Permit>& node, Waiter<Permit>&& waiter) noexcept {
  if (may_take()) {
    waiter.resume(take());
  } else {
    waiting_.add(node, std::move(waiter));
  }
}

// In a loop: an answer may run a callback, which gives its Permit back before it returns.
void Permits::give_back() noexcept {
  --held_;
  ++available_;
  if (std::exchange(busy_, true)) return;
  while (available_ > 0) {
    WaitNode<Permit>* const node = waiting_.first();
    if (!node) break;
    waiting_.take(*node).resume(take());
  }
  leave(false);
}

void Permits::end() noexcept {
  gone_ = true;
  const bool was_busy = std::exchange(busy_, true);
  {
    const WaitList<WaitNode<Permit>> dropped(std::move(waiting_));
  }
  leave(was_busy);
}

void Permits::leave(bool was_busy) noexcept {
  busy_ = was_busy;
  if (gone_ && held_ == 0 && !busy_) delete this;
}

}  // namespace detail
}  // namespace deferred
