// SPDX-License-Identifier: MIT
#include "deferred/reactor/report_slow.hpp"

#include <cstdio>
#include <utility>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/detail/report_thrown.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred {
namespace {

// The user's await in which it is; an empty one if it has none.
SourceLocation innermost_await(const detail::Microthread& m) noexcept {
  if (!m.is(detail::Microthread::started) || m.is(detail::Microthread::done)) return {};
  const detail::FrameBase* at = m.leaf;
  while (at && !detail::is_listed(at->where)) at = at->called_by ? at->called_by->caller : nullptr;
  return at ? at->where : SourceLocation();
}

std::string text_of(SourceLocation where) {
  return detail::is_listed(where) ? to_string(where) : std::string();
}

TimePoint real_time() { return std::chrono::steady_clock::now(); }

void print(const Slow& slow) { std::fprintf(stderr, "deferred: %s\n", slow.text().c_str()); }

}  // namespace

std::string Slow::text() const {
  char time[32];
  std::snprintf(time, sizeof time, "%g ms",
                std::chrono::duration<double, std::milli>(took).count());
  if (task.empty())
    return "the callbacks of timers and posts took " + std::string(time) + " of a turn";
  return task + " ran for " + time + " without a wait, from " +
         (from.empty() ? "its beginning" : from) + " to " + (to.empty() ? "its end" : to);
}

SlowReport::SlowReport(Reactor& reactor, AnyDuration limit, Report report, Clock clock)
    : reactor_(reactor),
      before_(nullptr),
      limit_(limit),
      report_(std::move(report)),
      clock_(std::move(clock)),
      turn_begun_(clock_()),  // it may be made in the middle of one
      begun_(turn_begun_) {
  before_ = reactor.trace(this);
}

SlowReport::~SlowReport() { reactor_.trace(before_); }

void SlowReport::turn_begins(Reactor& reactor) noexcept {
  if (before_) before_->turn_begins(reactor);
  of_tasks_ = Duration::zero();
  turn_begun_ = clock_();
}

void SlowReport::turn_ends(Reactor& reactor) noexcept {
  const Duration took = clock_() - turn_begun_ - of_tasks_;
  Tracer* const before = before_;  // what it tells may drop *this
  if (took > limit_) tell(took, TaskRef());
  if (before) before->turn_ends(reactor);
}

void SlowReport::task_begins(const TaskRef& task) noexcept {
  if (before_) before_->task_begins(task);
}

void SlowReport::task_runs(const TaskRef& task) noexcept {
  if (before_) before_->task_runs(task);
  from_ = innermost_await(task.microthread());
  begun_ = clock_();
}

void SlowReport::task_has_run(const TaskRef& task) noexcept {
  const Duration took = clock_() - begun_;
  of_tasks_ += took;
  Tracer* const before = before_;
  if (took > limit_) tell(took, task);
  if (before) before->task_has_run(task);
}

void SlowReport::task_ends(const TaskRef& task) noexcept {
  if (before_) before_->task_ends(task);
}

void SlowReport::tell(Duration took, const TaskRef& task) noexcept {
  try {
    Slow slow;
    slow.took = took;
    if (task.valid()) {
      slow.task = detail::task_label(task.microthread());
      slow.from = text_of(from_);
      slow.to = text_of(innermost_await(task.microthread()));
    }
    const Report report = report_;
    report(slow);
  } catch (...) {
    detail::report_thrown("the report of report_slow()");
  }
}

SlowReport report_slow(Reactor& reactor, AnyDuration limit) {
  return SlowReport(reactor, limit, &print, &real_time);
}
SlowReport report_slow(Reactor& reactor, AnyDuration limit, SlowReport::Report report) {
  return SlowReport(reactor, limit, std::move(report), &real_time);
}

}  // namespace deferred
