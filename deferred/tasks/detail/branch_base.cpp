// SPDX-License-Identifier: MIT
#include "deferred/results/errors.hpp"
#include "deferred/tasks/branch.hpp"

namespace deferred::detail {

void BranchBase::begin_with(Microthread* made, SourceLocation where) {
  m_ = made;
  m_->start_with(frame_);
  m_->waiters = Microthread::branched;
  frame_.where = where;
}
void BranchBase::make_part_of(Microthread& whole) {
  extras_of(whole);  // throws, if it does, before there is a branch
  begin_with(make_microthread(&run), whole.leaf->where);
  join_wait(*m_, whole);
  frame_.called_by = whole.leaf->called_by;  // for who asks where it waits
  m_->reactor = whole.reactor;
}
void BranchBase::not_begun() noexcept {
  leave_wait(*m_);
  m_->set(Microthread::done);
}
void BranchBase::make_alone(SourceLocation where) { begin_with(make_heir(&run), where); }

BranchBase::Beginning::Beginning(BranchBase& branch) noexcept
    : branch_(branch), before_(std::exchange(current_microthread, branch.m_)) {
  branch.m_->awaits_left = Microthread::most_awaits;
  branch.m_->set(Microthread::running);
}
BranchBase::Beginning::~Beginning() {
  current_microthread = before_;
  Microthread& m = *branch_.m_;
  m.unset(Microthread::running);
  if (m.is(Microthread::done)) return;  // it has lost
  if (m.is(Microthread::closing)) {
    m.set(Microthread::suspended);
    close_as_marked(m);
  } else if (m.wait->state != Wait::State::open && !m.is(Microthread::queued)) {
    branch_.finish();
  }
}

// Called by who answers; and by the reactor, for an answer that was given ahead, and to end a
// round.
void BranchBase::run(Runnable& self, bool alive) noexcept {
  auto& m = static_cast<Microthread&>(self);
  const bool by_reactor = m.is(Microthread::queued);
  m.unset(Microthread::queued);
  if (m.is(Microthread::done)) {
    if (m.leaf) static_cast<Frame&>(*m.leaf).branch.round_over();
    return m.release();
  }
  if (by_reactor && !alive) return;
  if (m.is(Microthread::running)) return;  // Beginning does it
  static_cast<Frame&>(*m.leaf).branch.finish();
}

void BranchBase::finish() noexcept {
  leave_wait(*m_);
  expire_branches(*m_);                           // of one that was answered in its handler
  if (m_->is(Microthread::queued)) m_->retain();  // released when the queue comes to it
  m_->change(Microthread::suspended | Microthread::answered_ahead, Microthread::done);
  answered();
}

bool BranchBase::ask_to_end() {
  Microthread& m = *m_;
  if (m.handling || m.is(Microthread::answered_ahead)) return true;
  if (!m.is_waiting()) return false;
  // The undo may answer, or end what this is part of, while it is asked.
  m.retain();
  const std::uint64_t epoch = m.epoch;
  bool over = false;
  try {
    const Cancelling answer = m.wait->ops->request_cancel(*m.wait);
    over = answer == Cancelling::now && m.epoch == epoch;
  } catch (...) {
    if (m.epoch == epoch) {
      m.wait->ops->fail(*m.wait, Failure::current());
      m.answered();
    }
  }
  m.release();
  return over;
}

void BranchBase::end_cancelled() noexcept {
  if (m_->is(Microthread::answered_ahead)) {
    m_->replace_answer(Wait::State::cancelled);
    finish();
  } else if (m_->is_waiting()) {
    m_->answer_with(Wait::State::cancelled);
  }
}

void BranchBase::expire() noexcept { expire_branch(*m_); }

void BranchBase::end_undo_soon() noexcept {
  if (!m_ || !m_->reactor || m_->is(Microthread::queued)) return;
  m_->retain();
  m_->set(Microthread::queued);
  ReactorAccess::make_ready(*m_->reactor, *m_);
}

void BranchBase::stop() noexcept {
  if (!m_ || !m_->leaf) return;  // not begun; or close() does it
  if (waits()) expire();
  m_->leaf = nullptr;
  m_->reactor = nullptr;
}

Failure BranchBase::failure_of(Wait::State state, Failure& given,
                               const std::type_info& yieldable) noexcept try {
  if (state == Wait::State::failure) return std::move(given);
  if (state == Wait::State::abandoned) return abandoned_failure(yieldable, frame_.where);
  return Failure(Cancelled{}, frame_.where);
} catch (...) {
  return Failure::current(frame_.where);
}

}  // namespace deferred::detail
