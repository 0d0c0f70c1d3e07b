// SPDX-License-Identifier: MIT
#include "deferred/yieldables/detail/join.hpp"

#include "deferred/results/errors.hpp"

namespace deferred::detail {

void Join::ended(Input& input) noexcept {
  if (decided_) {
    if (how_ == Joining::all && failure_) {
      if (const Failure* const later = input.failure(); later && !later->check<Cancelled>()) {
        failure_.suppress(*later);
      }
    }
    if (!std::exchange(input.is_waited_for_, false)) return input.end_undo_soon();
    --waited_for_;
    input.end_undo_soon();
  } else {
    --left_;
    ++ended_;
    if (lets_others_decide(input)) return input.end_undo_soon();
    decided_ = decides(input);
    if (!decided_) return input.end_undo_soon();
    if (!lose_all()) return;
  }
  if (is_complete() && !busy_) give();
}

/// In a race what a cancel ends at once leaves the decision to what will answer.
bool Join::lets_others_decide(const Input& input) noexcept {
  if (!asking_ || how_ != Joining::race || left_ == 0) return false;
  const Failure* const failure = input.failure();
  return failure && failure->check<Cancelled>();
}

bool Join::decides(Input& input) noexcept {
  const bool last = left_ == 0;
  if (how_ == Joining::all_settled) return last;
  const Failure* const failure = input.failure();
  failed_ = failure != nullptr;
  if (failed_ && how_ == Joining::any) return last;
  if (failed_) failure_ = *failure;
  if (how_ == Joining::all) return last || failed_;
  winner_ = input.index_;
  return true;
}

// Calls `each` with those that wait. What that runs may end the whole: false then.
template <class Each>
bool Join::ask_each(Each each) noexcept {
  bool gone = false;
  bool* const before = std::exchange(gone_, &gone);
  for (Input* at = first_; at; at = at->next_) {
    if (at->waits()) each(*at, gone);
    if (gone) {
      if (before) *before = true;
      return false;
    }
  }
  gone_ = before;
  return true;
}

bool Join::lose_all() noexcept {
  if (begun_ == ended_) return true;
  // First those that cannot answer any more: what the others do when they are asked may reach them.
  for (Input* at = first_; at; at = at->next_) {
    if (!at->can_be_asked_) at->expire();
  }
  if (!can_be_asked_) return true;
  const bool was_busy = std::exchange(busy_, true);
  if (!ask_each([this](Input& at, const bool& gone) { lose(at, gone); })) return false;
  busy_ = was_busy;
  if (waited_for_ != 0) {  // the others need not wait for that to be undone
    for (Input* at = first_; at; at = at->next_) {
      if (!at->waits()) at->end_undo_soon();
    }
  }
  return true;
}

/// It will not decide any more: it is undone, or waited for. A cancel that is under way and has
/// asked it already does not ask it again.
void Join::lose(Input& at, const bool& gone) noexcept {
  at.is_waited_for_ = true;
  ++waited_for_;
  bool over = at.is_over_;
  if (!at.is_asked_) {
    at.is_asked_ = asking_;
    over = at.ask_to_end(true);
    if (gone) return;
  }
  if (!over) return;
  if (!std::exchange(at.is_waited_for_, false)) return;
  --waited_for_;
  at.expire();
}

Cancelling Join::request_cancel() noexcept {
  const bool was_busy = std::exchange(busy_, true);
  asking_ = true;
  std::size_t over = 0;
  std::size_t waiting = 0;
  const bool here = ask_each([&](Input& at, const bool& gone) {
    if (std::exchange(at.is_asked_, true)) return;  // it has lost meanwhile, and was asked then
    const bool is_over = at.ask_to_end(false);
    if (gone) return;
    at.is_over_ = is_over;
    if (is_over) ++over;
    if (at.waits()) ++waiting;
  });
  if (!here) return Cancelling::answer_follows;
  asking_ = false;
  const bool leaves_it = how_ == Joining::race && !decided_ && over < waiting;
  const bool still_here = ask_each([&](Input& at, const bool&) {
    at.is_asked_ = false;
    if (!std::exchange(at.is_over_, false)) return;
    if (leaves_it) {
      at.expire();
      at.end_undo_soon();
    } else {
      at.end_cancelled();
    }
  });
  if (!still_here) return Cancelling::answer_follows;
  busy_ = was_busy;
  if (is_complete() && !busy_) give();
  return Cancelling::answer_follows;
}

void Join::expire_all() noexcept {
  for (Input* at = first_; at; at = at->next_) {
    at->expire();
    at->end_undo_soon();
  }
}

Failure Join::take_failure() noexcept {
  if (!failed_) return Failure();
  if (how_ != Joining::any) return std::move(failure_);
  Failure first = *first_->failure();
  for (const Input* at = first_->next_; at; at = at->next_) {
    if (const Failure& other = *at->failure(); !other.check<Cancelled>()) first.suppress(other);
  }
  return first;
}

}  // namespace deferred::detail
