// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/cancel.hpp"

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {

void update_cancelled(Microthread& m) noexcept {
  Scope* scope = m.extras() ? m.extras()->innermost : nullptr;
  while (scope && !scope->cancelled && !scope->shield) scope = scope->outer;
  const bool now = scope ? scope->cancelled : m.is(Microthread::root_cancelled);
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

void cancel_level(Microthread& m) noexcept {
  m.require_home("cancel()");
  if (m.is(Microthread::done)) return;
  m.set(Microthread::root_cancelled);
  update_cancelled(m);
}

void cancel_once(Microthread& m) noexcept {
  m.require_home("cancel()");
  if (m.is(Microthread::done)) return;
  if (m.is(Microthread::answered_ahead)) return m.replace_answer(Wait::State::cancelled);
  if (!m.is_waiting()) {
    m.set(Microthread::cancel_next);
    return;
  }
  // The undo may answer, or even close the microthread, while it is asked.
  const std::uint64_t epoch = m.epoch;
  try {
    const bool will_answer = m.wait->ops->request_cancel(*m.wait);
    if (!will_answer && m.epoch == epoch) m.answer_with(Wait::State::cancelled);
  } catch (...) {
    if (m.epoch != epoch) return;
    m.wait->ops->fail(*m.wait, Failure::current());
    m.answered();
  }
}

// A cancel goes from each microthread of the row to the next by calls. Past some depth it is left
// to the outermost of them, so that the native stack does not grow with the length of the row.
void cancel_in_a_row(Microthread& m) noexcept {
  constexpr int deepest = 100;
  static constinit thread_local int depth = 0;
  static constinit thread_local Microthread* left = nullptr;  // a reference
  if (m.reactor && ReactorAccess::ending(*m.reactor)) return;
  m.retain();  // the answer may end it
  if (depth >= deepest && !left) {
    left = &m;
    return;
  }
  ++depth;
  cancel_once(m);
  --depth;
  m.release();
  while (depth == 0 && left) {
    Microthread& next = *std::exchange(left, nullptr);
    ++depth;
    cancel_once(next);
    --depth;
    next.release();
  }
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
