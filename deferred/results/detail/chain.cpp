// SPDX-License-Identifier: MIT
#include "deferred/results/detail/chain.hpp"

#include <stdexcept>

#include "deferred/results/errors.hpp"

namespace deferred::detail {

// Runs the links of `chain`, then of whoever waits for its result, and so on: one loop however long
// the way is, so that the stack does not grow with it (Twisted: Deferred._runCallbacks). The
// reference it holds keeps the block while callbacks drop their handles of it.
// REQUIRES: nothing holds the chain.
void Chain::run(Chain* chain) noexcept {
  chain->retain();
  do {
    chain->held_ = running;
    while (Link* const link = chain->head_) {
      chain->head_ = link->next;
      link->run(*chain, *link, true);
      if (chain->held_ != running) break;
    }
    chain->held_ &= ~running;
    if (!chain->has_result()) break;
    if (!chain->sink_) {
      if (!chain->has_consumer_ && chain->state_ != State::empty) chain->settle();
      break;
    }
    Chain* const next = std::exchange(chain->sink_, nullptr);
    chain->hand_over(*next);
    chain->release();
    chain = next;  // and the sink's reference with it
  } while (!chain->held_);
  chain->release();
}

// Moves the result to `next`: to go on with, if its callback returned this chain; to be fired with,
// if this chain was piped to its Promise.
void Chain::hand_over(Chain& next) noexcept {
  if (!(next.held_ & waiting) || next.following().inner != this) return hand_to_promise_of(next);
  note_passed(next.following().where);
  next.held_ &= ~waiting;
  deliver_(*this, next);
}

void Chain::hand_to_promise_of(Chain& next) noexcept {
  if (!next.fired()) {
    deliver_(*this, next);
    next.held_ &= ~unfired;
    if (Canceller* const canceller = std::exchange(next.canceller_, nullptr)) {
      canceller->destroy(*canceller);
    }
  } else {  // it was cancelled in the meantime
    silent_ = silent_ || next.swallow_next_fire_;
    next.swallow_next_fire_ = false;
    settle();
  }
  next.has_promise_ = false;
  if (!next.has_consumer_) next.held_ &= paused - 1;
}

// The chain has come to rest, and nobody is there to take its result.
void Chain::settle() noexcept {
  if (state_ != State::failure) return clear();
  const Failure last = take_failure();
  if (!silent_) report_unhandled(last, made_);
}

void Chain::swallow_late_fire() {
  if (std::exchange(swallow_next_fire_, false)) return;
  throw AlreadyCalledError("this Promise was fired before; it was made at " + to_string(made_));
}

void Chain::fire_failure(Failure failure) noexcept {
  set_failure(std::move(failure));
  fire();
}

// The canceller may own the last handles of this chain.
void Chain::drop_canceller_and_run() noexcept {
  retain();
  Canceller* const canceller = std::exchange(canceller_, nullptr);
  canceller->destroy(*canceller);
  if (!held_) run(this);
  release();
}

void Chain::drop_promise_early(const std::type_info& type) noexcept {
  if (!fired()) {
    Failure abandoned;
    try {
      abandoned = Failure(AbandonedError("the Promise<" + demangled(type) + "> made at " +
                                         to_string(made_) + " was dropped without being fired"),
                          made_);
    } catch (...) {
      abandoned = Failure::current(made_);
    }
    fire_failure(std::move(abandoned));
  }
  has_promise_ = false;
  lift_dead_pauses();
  release();
}

void Chain::consumer_left() noexcept {
  lift_dead_pauses();
  if (has_result() && !sink_) settle();
}

// Nobody is left who could unpause: the pause is over, so that nothing hangs in silence.
void Chain::lift_dead_pauses() noexcept {
  if (held_ < paused || has_promise_ || has_consumer_) return;
  held_ &= paused - 1;
  if (!held_) run(this);
}

void Chain::cancel() noexcept {
  Chain* chain = this;
  while (chain->held_ & waiting) chain = chain->following().inner;
  if (chain->fired() || chain->cancelling_) return;
  chain->retain();
  if (chain->canceller_) {
    chain->ask_canceller();
  } else {
    chain->swallow_next_fire_ = true;
    chain->fire_failure(cancelled());
  }
  chain->release();
}

void Chain::ask_canceller() noexcept {
  Canceller* const canceller = canceller_;
  const bool keeps = canceller->keeps;
  if (!keeps) canceller_ = nullptr;  // it must not be destroyed while it is asked
  bool answered_later = false;
  cancelling_ = true;
  try {
    answered_later = canceller->ask(*this, *canceller);
  } catch (...) {
    if (fired()) {
      report_unhandled(Failure::current(made_), made_);
    } else {
      fire_failure(Failure::current(made_));
    }
  }
  cancelling_ = false;
  if (!keeps) canceller->destroy(*canceller);
  if (!fired() && !answered_later) fire_failure(cancelled());
}

void Chain::unpause() {
  if (held_ < paused) {
    throw NotPausedError("unpause() without a pause(), on the Deferred made at " +
                         to_string(made_));
  }
  held_ -= paused;
  if (!held_) run(this);
}

void Chain::follow(Chain* inner, Deliver deliver, SourceLocation where) noexcept {
  retain();
  inner->sink_ = this;
  inner->deliver_ = deliver;
  ::new (static_cast<void*>(slot_)) Following{inner, where};
  held_ |= waiting;
  inner->drop_consumer();
}

void Chain::pipe_to(Chain* other, Deliver deliver) noexcept {
  sink_ = other;
  deliver_ = deliver;
  if (has_result()) run(this);
  drop_consumer();
}

// Looks up from this chain and down from `inner` in step: a cycle shows on both ways, and the cost
// is that of the shorter one, so that building long chains stays cheap whichever end grows.
bool Chain::is_awaited_by(const Chain* inner) const noexcept {
  const Chain* above = this;
  const Chain* below = inner;
  while (above != inner && below != this) {
    above = above->sink_;
    if (!above) return false;
    if (above == inner) return true;
    if (!(below->held_ & waiting)) return false;
    below = below->following().inner;
  }
  return true;
}

void Chain::remove_last(const Link& link) noexcept {
  Link** place = &head_;
  while (*place != &link) {
    tail_ = *place;
    place = &(*place)->next;
  }
  *place = nullptr;
}

void* Chain::arena_overflow(std::size_t size, std::size_t align) {
  const bool unused = !head_ && !held_ && !canceller_ && !cancelling_;
  if (unused && align <= arena_align && size <= sizeof arena_) {
    arena_used_ = static_cast<std::uint16_t>(size);
    return arena_;
  }
  return align <= arena_align ? allocate(size) : ::operator new(size, std::align_val_t{align});
}

void Chain::destroy_block() noexcept {
  while (Link* const link = head_) {
    head_ = link->next;
    link->run(*this, *link, false);
  }
  if (Canceller* const canceller = std::exchange(canceller_, nullptr))
    canceller->destroy(*canceller);
  clear();
  detail::release(this, sizeof(Chain));
}

std::string Chain::describe(const std::string& type) const {
  std::string text = "Deferred<" + type + "> made at " + to_string(made_);
  if (held_ & waiting) {
    return text + ", waiting on the Deferred returned by the callback at " +
           to_string(following().where);
  }
  if (!fired()) {
    text += ", not fired";
  } else if (state_ == State::failure) {
    text += ", failed with " + const_cast<Chain*>(this)->failure().type_name();
  } else {
    text += ", fired";
  }
  if (held_ >= paused) text += ", paused";
  return text;
}

void throw_moved_from() {
  throw std::logic_error("this Deferred or Promise was moved from: there is nothing in it");
}
void throw_no_result() {
  throw std::logic_error("this Deferred has no result yet: ask has_result() first");
}

}  // namespace deferred::detail
