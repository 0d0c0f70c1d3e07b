// SPDX-License-Identifier: MIT
#include "deferred/tasks/cancel_scope.hpp"

#include <algorithm>

#include "deferred/reactor/detail/reactor_access.hpp"

namespace deferred {
namespace detail {

ScopeRun::ScopeRun(CancelScope& scope) : next_(scope.runs_), link_(&scope.runs_) {
  scope_.set_deadline(scope.deadline_);
  if (next_) next_->link_ = &next_;
  scope.runs_ = this;
  if (scope.cancelled_) scope_.cancel();
}

void ScopeRun::unlink() noexcept {
  if (!link_) return;
  *link_ = next_;
  if (next_) next_->link_ = link_;
  link_ = nullptr;
}

TimedScope::TimedScope(TimePoint deadline, std::string* place)
    : place_(place), timer_(reactor().call_at(deadline, [this] { expire(); })) {
  set_deadline(deadline);
}

void TimedScope::expire() noexcept {
  try {
    if (place_) *place_ = task().place();  // of what it waits on, which the cancel ends
  } catch (const std::bad_alloc&) {        // then it is not said
  }
  cancel();
}

}  // namespace detail

CancelScope::~CancelScope() {
  while (runs_) runs_->unlink();
}

void CancelScope::cancel() noexcept {
  cancelled_ = true;
  // Cancelling runs no code of theirs, and so ends none.
  for (detail::ScopeRun* run = runs_; run; run = run->next_) run->scope_.cancel();
}

void CancelScope::cancel_after(AnyDuration any) {
  Reactor& reactor = Reactor::current();
  set_deadline(reactor, later(reactor.now(), any));
}
void CancelScope::cancel_at(TimePoint deadline) { set_deadline(Reactor::current(), deadline); }

void CancelScope::set_deadline(Reactor& reactor, TimePoint deadline) {
  timer_ = reactor.call_at(deadline, [this] { cancel(); });
  deadline_ = deadline;
  for (detail::ScopeRun* run = runs_; run; run = run->next_) run->scope_.set_deadline(deadline);
}

TimePoint current_deadline() noexcept {
  TimePoint earliest = TimePoint::max();
  detail::Microthread* const running = detail::current_microthread;
  const detail::Microthread* const m = running ? &running->whole() : nullptr;
  if (m && m->is(detail::Microthread::cancelled)) return TimePoint::min();
  const detail::Scope* scope = m && m->extras() ? m->extras()->innermost : nullptr;
  const detail::Microthread* of = m;
  while (of) {
    for (; scope; scope = scope->outer) {
      earliest = std::min(earliest, scope->deadline);
      if (scope->shield) return earliest;
    }
    scope = of->family;
    of = scope ? scope->task : nullptr;
  }
  return earliest;
}

}  // namespace deferred
