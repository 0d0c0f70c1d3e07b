// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/interception.hpp"

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/reactor/tracer.hpp"
#include "deferred/results/errors.hpp"

namespace deferred::detail {
namespace {

void run_intercepted(Runnable& self, bool alive) noexcept {
  auto& m = static_cast<Microthread&>(self);
  Extras& extras = *m.extras();
  if (!alive || m.is(Microthread::done)) return extras.run(self, alive);
  if (is_paused(m)) {
    extras.held = true;
    return;
  }
  Tracer* const tracer = ReactorAccess::tracer(*m.reactor);
  if (!tracer) return extras.run(self, alive);
  Reactor& reactor = *m.reactor;
  const TaskRef task(m);
  tracer->task_runs(task);
  extras.run(self, alive);
  if (Tracer* const now = ReactorAccess::tracer(reactor)) now->task_has_run(task);
}

}  // namespace

void intercept(Microthread& m) {
  if (m.run == &run_intercepted) return;
  extras_of(m).run = m.run;
  m.run = &run_intercepted;
}

bool is_paused(const Microthread& m) noexcept {
  return m.extras() && m.extras()->pauses != 0 && !m.is(Microthread::root_cancelled);
}

void pause(Microthread& m) {
  m.require_home("TaskRef::pause()");
  if (m.is(Microthread::done)) return;
  intercept(m);
  ++m.extras()->pauses;
}

void unpause(Microthread& m) {
  m.require_home("TaskRef::resume()");
  if (m.is(Microthread::done)) return;
  if (!m.extras() || m.extras()->pauses == 0) {
    throw NotPausedError("resume() of " + task_label(m) + ", which is not paused");
  }
  if (--m.extras()->pauses == 0) let_go_on(m);
}

void let_go_on(Microthread& m) noexcept {
  if (!m.extras() || !std::exchange(m.extras()->held, false)) return;
  ReactorAccess::make_ready(*m.reactor, m);
}

}  // namespace deferred::detail
