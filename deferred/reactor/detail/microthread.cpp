// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/microthread.hpp"

#include <typeinfo>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/detail/chain.hpp"

namespace deferred::detail {

constinit thread_local Microthread* current_microthread = nullptr;

namespace {

void destroy_frames(Microthread& m) noexcept {
  const bool is_branch = m.is_branch();
  // Destructors may look at it, or cancel it.
  m.unset(Microthread::closing | Microthread::suspended | Microthread::answered_ahead);
  FrameBase* frame = std::exchange(m.leaf, nullptr);
  if (is_branch) [[unlikely]] {
    auto& branch = static_cast<BranchFrame&>(*frame);
    return branch.closed(branch);
  }
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
  FrameHead* first = nullptr;  // of those left
};
constinit thread_local DropRow drop_row{};

}  // namespace

void drop_uncalled(FrameHead& frame) noexcept {
  if (drop_row.room == 0) {
    frame.next_dropped = std::exchange(drop_row.first, &frame);
    return;
  }
  --drop_row.room;
  destroy_frame(frame);
  while (FrameHead* const left = drop_row.first) {
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
    return !handling && leaf && is(queued) == has_answer && has_waiters() == is_open;
  }
  if (handling) return is(running) && leaf;
  return leaf && is(running) <= is(started);
}

bool Microthread::rest(unsigned waits) noexcept {
  expire_branches(*this);
  if (!reactor) {  // nobody would resume it
    awaits_left = most_awaits;
    return false;
  }
  set(queued | waits);
  ReactorAccess::next_turn(*reactor, *this);
  return true;
}

void Microthread::destroy_extras() noexcept {
  if (is(throw_next)) report_unhandled(*this, extras_->pending);  // it waited no more
  delete extras_;
}

Microthread& Microthread::whole_of_branch() noexcept {
  Microthread* at = this;
  while (at->is_branch()) {
    Microthread* const outer = static_cast<BranchFrame&>(*at->leaf).part_of;
    if (!outer) break;
    at = outer;
  }
  return *at;
}

void Microthread::answered_branched() noexcept {
  expire_branches(*this);
  if (!is(started)) return run(*this, true);  // which may end it
  set(queued);
  ReactorAccess::make_ready(*reactor, *this);
  check();
}

void Microthread::destroy() noexcept {
  if (is(has_extras)) [[unlikely]]
    destroy_extras();
  delete this;
}

Microthread& deepest_child(Microthread& m) noexcept {
  Microthread* at = &m;
  while (const Family* const family = family_with_children(*at)) at = family->children;
  return *at;
}

namespace {

// One without children, and not busy.
void close_alone(Microthread& m) noexcept {
  m.retain();
  m.expire();  // Waiters that die with the frames must not answer
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

// Those from a busy one up to `top` are closed as soon as it gives control back.
void close_later(Microthread& busy, const Microthread& top) noexcept {
  Microthread* at = &busy;
  while (at) {
    at->set(Microthread::closing);
    at = at == &top ? nullptr : at->parent();
  }
}

// If others wait to be closed until this one is, they are next: those above it that were marked
// before with it, or by a destructor in it.
void close_now(Microthread& m, bool is_waited_for) noexcept {
  TaskRef top(m);
  TaskRef at = top;
  for (;;) {
    at = TaskRef(deepest_child(at.microthread()));
    Microthread& next = at.microthread();
    if (next.is_busy()) return close_later(next, top.microthread());
    const bool last = at == top;
    Microthread* const found = next.parent();
    const TaskRef parent = found ? TaskRef(*found) : TaskRef();
    is_waited_for = is_waited_for || (last && next.is(Microthread::closing));
    close_alone(next);
    if (!last) {
      if (top.microthread().is_busy()) return;  // a destructor has closed it
      at = parent.valid() && !parent.microthread().is(Microthread::done) ? parent : top;
    } else if ((is_waited_for || next.is(Microthread::closing)) && parent.valid() &&
               parent.microthread().is(Microthread::closing) && !parent.microthread().is_busy()) {
      top = at = parent;
      is_waited_for = true;
    } else {
      return;
    }
  }
}

}  // namespace

void close(Microthread& m) noexcept {
  m.require_home("TaskRef::close()");
  if (m.is(Microthread::done | Microthread::closing) || m.is_torn()) return;
  if (m.is(Microthread::running)) return m.set(Microthread::closing);  // resume() does it
  close_now(m, false);
}

void close_as_marked(Microthread& m) noexcept {
  m.unset(Microthread::closing);
  close_now(m, true);
}

void end_child(Microthread& m, void (*collect)(Microthread&) noexcept) noexcept {
  Microthread* const found = m.parent();
  const TaskRef parent = found ? TaskRef(*found) : TaskRef();
  collect(m);
  if (!parent.valid()) return;
  Microthread& waiting = parent.microthread();
  if (!waiting.is(Microthread::closing) || waiting.is(Microthread::running)) return;
  close_as_marked(waiting);
}

namespace {

[[gnu::noinline]] void leave_family(Reactor& reactor, Family& family, Microthread& m) noexcept {
  ReactorAccess::disown(reactor, family, m);
  family.ended(family);
}

}  // namespace

void retire(Microthread& m) noexcept {
  if (m.is(Microthread::queued)) {
    m.retain();  // released when the queue comes to it
    let_go_on(m);
  }
  Reactor* const reactor = std::exchange(m.reactor, nullptr);
  if (!reactor) return m.release();
  if (m.family) [[unlikely]]
    return leave_family(*reactor, *m.family, m);
  ReactorAccess::disown(*reactor, m);
}

}  // namespace deferred::detail
