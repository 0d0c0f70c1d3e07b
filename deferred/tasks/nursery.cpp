// SPDX-License-Identifier: MIT
#include "deferred/tasks/nursery.hpp"

#include "deferred/reactor/detail/reactor_access.hpp"

namespace deferred {
Nursery::Nursery() : Nursery(Reactor::current()) {}
Nursery::Nursery(Reactor& reactor) : state_(reactor) {
  detail::ReactorAccess::add_loose(reactor, state_.family());
}
Nursery::~Nursery() {
  if (!loose_) return;
  detail::close_children(state_.family());
  detail::ReactorAccess::remove_loose(state_.family());
}

Task<void> Nursery::yield_to() & {
  if (!loose_) {
    throw std::logic_error(
        "co_await nursery: with_nursery() waits for its own; this is for a Nursery that is an "
        "object");
  }
  return detail::TaskAccess::throwing<void>(wait());
}

Task<Outcome<void>> Nursery::wait() {
  if (state_.is_visited()) {
    co_return Failure(std::logic_error("co_await nursery: another task waits for it already"));
  }
  const detail::NurseryState::Visit visit(state_);
  state_.forget();  // what an earlier wait has seen
  bool cut_outside = false;
  while (state_.size() != 0) {
    detail::NurseryState::Empty empty(state_);
    const Outcome<void> outcome = co_await unlisted(std::move(empty));
    if (visit.nursery_is_gone()) co_return destroyed();
    if (outcome.has_value()) continue;  // there may be new ones
    cut_outside = outcome.check<Cancelled>() != nullptr;
    if (!cut_outside) state_.fail(outcome.failure());
    cancel();
    Task<void> gone = state_.gone();
    co_await unlisted(std::move(gone));
    if (visit.nursery_is_gone()) co_return destroyed();
  }
  if (state_.first()) co_return state_.take_first();
  if ((cut_outside || state_.asked_once()) && state_.cut()) co_return Failure(Cancelled());
  co_return Outcome<void>();
}

Failure Nursery::destroyed() {
  return Failure(AbandonedError("co_await nursery: the Nursery was destroyed"));
}

}  // namespace deferred
