// SPDX-License-Identifier: MIT
//
// report_slow: names what keeps a reactor from its other work.
#pragma once

#include <functional>
#include <string>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/tracer.hpp"
#include "deferred/results/any_duration.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

/// One that ran for too long without giving control back; or a turn's callbacks together did.
struct Slow {
  Duration took{};
  std::string task;  ///< "task #7 'parse'"; empty: the callbacks of timers and posts.
  /// The awaits from which it went on, and to which it came; what lies between is slow. Empty: its
  /// beginning; its end.
  std::string from, to;
  /// "task #7 'parse' ran for 80 ms without a wait, from a.cpp:3 in f to a.cpp:9 in f".
  DEFERRED_API std::string text() const;
};

/// Reports, until it is dropped, each task of a reactor that has run for longer than `limit` at a
/// time, when it gives control back: to standard error, or to a function of one's own. One that
/// never does is for a debugger. It is the reactor's Tracer, and tells the one that was there
/// before. REQUIRES: dropped before the reactor and in the reverse order of trace()'s.
class [[nodiscard]] SlowReport final : private Tracer {
 public:
  using Report = std::function<void(const Slow&)>;
  using Clock = std::function<TimePoint()>;
  /// See report_slow(). `clock` is the real one, whatever the reactor's is.
  DEFERRED_API SlowReport(Reactor& reactor, AnyDuration limit, Report report, Clock clock);
  DEFERRED_API ~SlowReport() override;

 private:
  void turn_begins(Reactor& reactor) noexcept override;
  void turn_ends(Reactor& reactor) noexcept override;
  void task_begins(const TaskRef& task) noexcept override;
  void task_runs(const TaskRef& task) noexcept override;
  void task_has_run(const TaskRef& task) noexcept override;
  void task_ends(const TaskRef& task) noexcept override;
  void tell(Duration took, const TaskRef& task) noexcept;

  Reactor& reactor_;
  Tracer* before_;
  Duration limit_;
  Report report_;
  Clock clock_;
  TimePoint turn_begun_;
  Duration of_tasks_{};  // of this turn
  TimePoint begun_;      // of the task that runs
  SourceLocation from_;
};

/// `const auto slow = report_slow(reactor, 50ms);`
[[nodiscard]] DEFERRED_API SlowReport report_slow(Reactor& reactor, AnyDuration limit);
[[nodiscard]] DEFERRED_API SlowReport report_slow(Reactor& reactor, AnyDuration limit,
                                                  SlowReport::Report report);

}  // namespace deferred
