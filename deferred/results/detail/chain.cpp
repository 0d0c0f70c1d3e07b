// SPDX-License-Identifier: MIT
#include "deferred/results/detail/chain.hpp"

#include <stdexcept>

#include "deferred/results/detail/rows.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {

namespace {

constinit thread_local Rows row{};

}  // namespace

FreshRows::FreshRows() noexcept : before_(std::exchange(row, Rows())) {}
FreshRows::~FreshRows() { row = before_; }

// Runs the links of `chain`, then of whoever waits for its result, and so on: one loop however long
// the way is, so that the stack does not grow with it (Twisted: Deferred._runCallbacks). The
// reference it holds keeps the block while callbacks drop their handles of it.
// REQUIRES: nothing holds the chain.
void Chain::run(Chain* chain) noexcept {
  if (--row.room < 0) [[unlikely]] {
    ++row.room;
    return chain->run_later();
  }
  chain->retain();
  do {
    chain->held_ = running;
    if (chain->canceller_) [[unlikely]]
      chain->drop_canceller();
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
  ++row.room;
  if (row.first) [[unlikely]]
    run_those_left();
}

// It counts as running: what is asked of it meanwhile waits, as for one that runs further down.
void Chain::run_later() noexcept {
  retain();
  held_ |= running;
  left_ = nullptr;
  (row.first ? row.last->left_ : row.first) = this;
  row.last = this;
}

void Chain::run_those_left() noexcept {
  if (std::exchange(row.catching_up, true)) return;
  while (Chain* const next = row.first) {
    row.first = next->left_;
    next->held_ &= ~running;
    if (next->held_) {  // paused: unpause() runs it
      next->drop_canceller_while_held();
    } else {
      run(next);
    }
    next->release();
  }
  row.catching_up = false;
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
    if (next.held_) next.drop_canceller_while_held();
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
  if (!swallow_next_fire_) {
    throw AlreadyCalledError("this Promise was fired before; it was made at " + to_string(made_));
  }
  swallow_next_fire_ = false;
}

void Chain::fire_failure(Failure failure) noexcept {
  set_failure(std::move(failure));
  fire();
}

// It may own the last handles of this chain: somebody else holds a reference.
void Chain::drop_canceller() noexcept {
  if (Canceller* const canceller = std::exchange(canceller_, nullptr)) {
    canceller->destroy(*canceller);
  }
}

// What it owns may fire others, whose cancellers do the same.
void Chain::drop_canceller_while_held() noexcept {
  if (row.room == 0) return run_later();
  --row.room;
  drop_canceller();
  ++row.room;
  if (row.first) [[unlikely]]
    run_those_left();
}

void Chain::drop_promise_early(const std::type_info& type) noexcept {
  if (!fired()) {
    Failure abandoned;
    if (cancelling_) {  // by its canceller: so that was how to cancel it
      abandoned = cancelled_failure();
    } else
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
  if (has_result() && !sink_ && state_ != State::empty) run(this);  // which settles it
}

// Nobody is left who could unpause: the pause is over, so that nothing hangs in silence. Nobody has
// a Promise that another chain is to fire.
void Chain::lift_dead_pauses() noexcept {
  if (held_ < paused || (has_promise_ && !is_piped_) || has_consumer_) return;
  held_ &= paused - 1;
  if (!held_) run(this);
}

void Chain::cancel() noexcept {
  Chain* chain = this;
  while (chain->held_ & waiting) chain = chain->following().inner;
  if (chain->fired() || chain->cancelling_) return;
  chain->retain();
  if (Canceller* const canceller = std::exchange(chain->canceller_, nullptr)) {
    chain->cancelling_ = true;
    canceller->asked = false;
    if (row.cancels == Rows::deepest) {
      canceller->below = std::exchange(row.found, canceller);
      return;  // conclude() gives the reference back
    }
    ++row.cancels;
    ask(*canceller);
    if (row.found) [[unlikely]]
      ask_those_left();
    --row.cancels;
    return conclude(*canceller);
  }
  chain->swallow_next_fire_ = true;
  chain->fire_failure(cancelled_failure());
  chain->release();
}

// While it is asked, the chain does not have it: nobody destroys it meanwhile.
void Chain::ask(Canceller& canceller) noexcept {
  Chain& chain = canceller.chain;
  canceller.asked = true;
  canceller.answer = Cancelling::now;
  if (chain.fired()) return;
  try {
    canceller.answer = canceller.ask(canceller);
  } catch (...) {
    if (chain.fired()) {
      report_unhandled(Failure::current(chain.made_), chain.made_);
    } else {
      chain.fire_failure(Failure::current(chain.made_));
    }
  }
}

// Each is asked before the ones found after it, and concluded when those that it found itself are:
// in the order in which calls would do it.
void Chain::ask_those_left() noexcept {
  Canceller* top = nullptr;
  const auto take_found = [&top] {
    while (Canceller* const found = row.found) {
      row.found = std::exchange(found->below, top);
      top = found;
    }
  };
  for (take_found(); top; take_found()) {
    if (top->asked) {
      conclude(*std::exchange(top, top->below));
    } else {
      ask(*top);
    }
  }
}

// Gives back the reference of cancel().
void Chain::conclude(Canceller& canceller) noexcept {
  Chain& chain = canceller.chain;
  if (canceller.answer == Cancelling::answer_follows && !chain.fired()) {
    chain.canceller_ = &canceller;  // it may be asked again
    chain.cancelling_ = false;
  } else {
    canceller.destroy(canceller);
    chain.cancelling_ = false;
    if (!chain.fired()) chain.fire_failure(cancelled_failure());
  }
  chain.release();
}

bool Chain::wanted() const noexcept {
  const Chain* chain = this;
  while (!chain->has_consumer_ && !chain->head_) {
    const Chain* const reader = chain->sink_;
    if (!reader || reader->source() != chain) return false;  // or it was cancelled
    chain = reader;
  }
  return true;
}

void Chain::unpause() {
  if (held_ < paused) {
    throw NotPausedError("unpause() without a pause(), on the Deferred made at " +
                         to_string(made_));
  }
  held_ -= paused;
  if (!held_) run(this);
}

// Gives the result to `reader`, with a reference of it. A chain that has no link left and waits
// steps aside: what it waits for gives to `reader` itself. Returns who gives.
Chain* Chain::pass_to(Chain* reader, Deliver deliver) noexcept {
  if (head_ || held_ != waiting) {
    sink_ = reader;
    deliver_ = deliver;
    return this;
  }
  Chain* const inner = following().inner;
  inner->sink_ = reader;
  inner->deliver_ = deliver;
  held_ = 0;
  release();  // the inner's reference of this
  return inner;
}

// Ways of chains collapse, so that a loop of callbacks that return Deferreds needs no more memory
// the longer it runs: this one, too, steps aside if it is at its last link and has a reader.
void Chain::follow(Chain* inner, Deliver deliver, SourceLocation where) noexcept {
  if (sink_ && !head_ && held_ == running) {
    Chain* const reader = std::exchange(sink_, nullptr);
    const bool knows = reader->source() == this;
    Chain* const source = inner->pass_to(reader, deliver_);
    if (knows) reader->following().inner = source;
  } else {
    retain();
    Chain* const source = inner->pass_to(this, deliver);
    ::new (static_cast<void*>(slot_)) Following{source, where};
    held_ |= waiting;
  }
  inner->drop_consumer();
}

void Chain::pipe_to(Chain* other, Deliver deliver) noexcept {
  Chain* const source = pass_to(other, deliver);
  ::new (static_cast<void*>(other->slot_)) Following{source, SourceLocation()};
  other->is_piped_ = true;
  other->lift_dead_pauses();
  if (source == this && has_result()) run(this);
  drop_consumer();
}

// Looks up from this chain and down from `inner` in step: a cycle shows on both ways, and the cost
// is that of the shorter one, so that building long chains stays cheap whichever end grows.
bool Chain::is_awaited_by(const Chain* inner) const noexcept {
  const Chain* above = this;
  const Chain* below = inner;
  while (above != inner && below != this) {
    const Chain* const reader = above->sink_;
    if (!reader || reader->source() != above) return false;  // or it was cancelled
    above = reader;
    if (above == inner) return true;
    below = below->source();
    if (!below) return false;
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
  if (canceller_) [[unlikely]]
    drop_canceller();
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
    if (const Chain* from = source()) {
      text += ", chained to the Deferred made at " + to_string(from->made_);
    }
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
