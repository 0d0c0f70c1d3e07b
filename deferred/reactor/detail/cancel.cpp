// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/cancel.hpp"

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {

void update_cancelled(Microthread& m) noexcept {
  const Scope* const scope = m.extras() ? m.extras()->innermost : nullptr;
  const bool now = scope ? scope->effective : m.is(Microthread::root_cancelled);
  if (!now) {
    m.unset(Microthread::cancelled);
    return;
  }
  const bool was = m.is(Microthread::cancelled);
  m.set(Microthread::cancelled);
  if (was) return;
  if (m.is_waiting()) {
    m.answer_with(Wait::State::cancelled);
  } else if (m.is(Microthread::answered_ahead)) {
    m.replace_answer(Wait::State::cancelled);
  }
}

void cancel_once(Microthread& m) noexcept {
  m.require_home("cancel()");
  if (m.is(Microthread::done) || (m.reactor && ReactorAccess::ending(*m.reactor))) return;
  if (m.is(Microthread::shielded)) {
    m.extras()->held_once = true;
    return;
  }
  if (m.is(Microthread::answered_ahead)) return m.replace_answer(Wait::State::cancelled);
  if (!m.is_waiting()) {
    m.set(Microthread::cancel_next);
    return;
  }
  // The undo may answer, or even close the microthread, while it is asked.
  m.retain();
  const std::uint64_t epoch = m.epoch;
  try {
    const Cancelling answer = m.wait->ops->request_cancel(*m.wait);
    if (answer == Cancelling::now && m.epoch == epoch) m.answer_with(Wait::State::cancelled);
  } catch (...) {
    if (m.epoch == epoch) {
      m.wait->ops->fail(*m.wait, Failure::current());
      m.answered();
    }
  }
  m.release();
}

void throw_into(Microthread& m, Failure failure) {
  m.require_home("TaskRef::throw_()");
  if (m.is(Microthread::done)) failure.raise();
  if (m.is(Microthread::running)) {
    throw TaskRunningError("throw_ into " + task_label(m) +
                           ", which is running: it can throw by itself");
  }
  if (m.is_waiting()) {
    m.wait->ops->fail(*m.wait, std::move(failure));
    m.answered();
  } else if (m.is(Microthread::answered_ahead)) {
    m.wait->ops->clear(*m.wait);
    m.wait->ops->fail(*m.wait, std::move(failure));
    m.unset(Microthread::answered_ahead);
  } else {
    Failure& pending = extras_of(m).pending;
    if (m.is(Microthread::throw_next)) report_unhandled(m, pending);  // it gives way to the new one
    pending = std::move(failure);
    m.set(Microthread::throw_next);
  }
}

}  // namespace deferred::detail
