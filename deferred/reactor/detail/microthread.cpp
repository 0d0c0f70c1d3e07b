// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/microthread.hpp"

#include <typeinfo>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/results/detail/chain.hpp"

namespace deferred::detail {

constinit thread_local Microthread* current_microthread = nullptr;

namespace {

void destroy_frames(Microthread& m) noexcept {
  FrameBase* frame = std::exchange(m.leaf, nullptr);
  while (frame) {
    FrameBase* caller = nullptr;
    if (CallLink* const link = frame->called_by) {
      link->callee = nullptr;
      caller = link->caller;
    }
    frame->handle().destroy();
    frame = caller;
  }
}

// Past some depth a frame is left to the innermost that is being destroyed: it outlives its owner.
constexpr int deepest_drop = 1000;
struct DropRow {
  int room = deepest_drop;
  FrameBase* first = nullptr;  // of those left
};
constinit thread_local DropRow drop_row{};

}  // namespace

void drop_uncalled(FrameBase& frame) noexcept {
  if (drop_row.room == 0) {
    frame.next_dropped = std::exchange(drop_row.first, &frame);
    return;
  }
  --drop_row.room;
  destroy_frame(frame);
  while (FrameBase* const left = drop_row.first) {
    drop_row.first = left->next_dropped;
    destroy_frame(*left);
  }
  ++drop_row.room;
}

bool Microthread::is_legal() const noexcept {
  const bool has_answer = (handling || is(suspended)) && wait->state != Wait::State::open;
  const bool is_open = (handling || is(suspended)) && !has_answer;
  if (waiters != 0 && !is_open) return false;  // they would be another wait's
  if (is(answered_ahead) && !(has_answer && is(queued))) return false;
  if (is(done)) return !handling && !is(suspended);
  if (is(suspended)) {
    return is(started) && !handling && leaf && is(queued) == has_answer && has_waiters() == is_open;
  }
  if (handling) return is(running) && leaf;
  return leaf && is(running) <= is(started);
}

bool Microthread::rest(unsigned waits) noexcept {
  if (!reactor) {  // nobody would resume it
    awaits_left = most_awaits;
    return false;
  }
  set(queued | waits);
  ReactorAccess::next_turn(*reactor, *this);
  return true;
}

void Microthread::destroy() noexcept {
  if (Extras* const rest = extras()) {
    if (is(throw_next)) report_unhandled(*this, rest->pending);  // it waited no more
    delete rest;
  }
  delete this;
}

void close(Microthread& m) noexcept {
  m.require_home("TaskRef::close()");
  if (m.is(Microthread::done | Microthread::closing)) return;
  m.set(Microthread::closing);
  if (m.is(Microthread::running)) return;  // resume() does it
  m.retain();
  m.expire();  // Waiters that die with the frames must not answer
  // Destructors may look at it, or cancel it.
  m.unset(Microthread::suspended | Microthread::answered_ahead);
  destroy_frames(m);
  m.set(Microthread::done);
  Chain* const completion = std::exchange(m.completion(), nullptr);
  retire(m);
  m.check();
  if (completion) {
    if (!completion->fired()) completion->fire_failure(closed_failure(m));
    completion->drop_promise(typeid(void));
  }
  if (m.is(Microthread::throw_next)) {
    m.unset(Microthread::throw_next);
    report_unhandled(m, m.extras()->pending);
  }
  m.release();
}

void retire(Microthread& m) noexcept {
  if (m.is(Microthread::queued)) m.retain();  // released when the queue comes to it
  if (Reactor* const reactor = m.reactor) {
    m.reactor = nullptr;
    ReactorAccess::disown(*reactor, m);
  } else {
    m.release();
  }
}

}  // namespace deferred::detail
