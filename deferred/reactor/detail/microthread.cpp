// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/microthread.hpp"

#include "deferred/reactor/detail/reactor_bodies.hpp"
#include "deferred/results/detail/chain.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {

constinit thread_local Microthread* current_microthread = nullptr;

namespace {

// Where `frame` stands among its callers: "at a.cpp:3 in f, from b.cpp:9 in g".
std::string call_path(const FrameBase* frame) {
  std::string text;
  int shown = 0;
  for (; frame; frame = frame->called_by ? frame->called_by->caller : nullptr) {
    if (!is_listed(frame->where)) continue;
    if (shown == 64) return text + ", and more";
    text += (shown++ == 0 ? " at " : ", from ") + to_string(frame->where);
  }
  return text;
}

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

void require_home(const Microthread& m, const char* what) noexcept {
  if (m.reactor) ReactorAccess::require_home(*m.reactor, what);
}

}  // namespace

void Microthread::destroy() noexcept {
  delete extras();
  delete this;
}

Extras& extras_of(Microthread& m) {
  if (!m.extras()) m.add_extras(*new Extras);
  return *m.extras();
}

void update_cancelled(Microthread& m) noexcept {
  bool now = false;
  Scope* scope = m.extras() ? m.extras()->innermost : nullptr;
  while (scope && !scope->cancelled && !scope->shield) scope = scope->outer;
  now = scope ? scope->cancelled : m.is(Microthread::root_cancelled);
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
  require_home(m, "cancel()");
  if (m.is(Microthread::done)) return;
  m.set(Microthread::root_cancelled);
  update_cancelled(m);
}

void cancel_once(Microthread& m) noexcept {
  require_home(m, "cancel()");
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
  require_home(m, "TaskRef::throw_()");
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

void close(Microthread& m) noexcept {
  require_home(m, "TaskRef::close()");
  if (m.is(Microthread::done | Microthread::closing)) return;
  m.set(Microthread::closing);
  if (m.is(Microthread::running)) return;  // resume() does it
  m.retain();
  m.expire();                       // Waiters that die with the frames must not answer
  m.unset(Microthread::suspended);  // destructors may look at it, or cancel it
  destroy_frames(m);
  m.set(Microthread::done);
  Chain* const completion = std::exchange(m.completion(), nullptr);
  retire(m);
  if (completion) {
    if (!completion->fired()) completion->fire_failure(closed_failure(m));
    completion->drop_promise(typeid(void));
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

Failure closed_failure(const Microthread& m) noexcept {
  try {
    return Failure(AbandonedError(task_label(m) + " was closed before it had a result", true));
  } catch (...) {
    return Failure::current();
  }
}

void report_unhandled(const Microthread& m, const Failure& failure) noexcept {
  if (m.is(Microthread::silent)) return;
  try {
    report_unhandled(failure, task_label(m));
  } catch (...) {
    report_unhandled(failure, std::string());
  }
}

std::string task_label(const Microthread& m) {
  std::string text = "task #" + std::to_string(m.id());
  if (m.extras() && !m.extras()->name.empty()) text += " '" + m.extras()->name + "'";
  return text;
}

void no_reactor(const Microthread& m) {
  if (m.is(Microthread::done)) {
    throw NoReactorError(task_label(m) + " is done: it belongs to no reactor any more");
  }
  throw NoReactorError(
      "this coroutine has no reactor: none of its parameters names one, and its thread has not "
      "exactly one");
}

std::string describe(const Microthread& m) {
  const std::string label = task_label(m);
  if (m.is(Microthread::done)) return label + " is done";
  if (!m.is(Microthread::started)) return label + " has not started";
  if (m.is(Microthread::running)) return label + " is running" + call_path(m.leaf);
  if (m.is(Microthread::closing)) return label + " is being closed";
  if (m.wait->state != Wait::State::open) return label + " is ready to go on" + call_path(m.leaf);
  return label + " waiting on " + demangled(m.wait->ops->yieldable()) + call_path(m.leaf);
}

}  // namespace deferred::detail
