// SPDX-License-Identifier: MIT
//
// ConformanceContext: what a case of the conformance kit is given - a reactor, ways to drive it,
// and checks that end the case. Next: fixtures.hpp, then any of the cases.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/reactor_conformance.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {

/// Thrown by a failed check; nobody but run_case() catches it.
struct CaseFailed {};
/// Thrown by skip().
struct CaseSkipped {};

/// What a case is given. Checks may also stand in callbacks: one that fails there is noted first,
/// so that it fails the case wherever the exception goes.
class ConformanceContext {
 public:
  explicit ConformanceContext(const ReactorUnderTest& tried);
  ConformanceContext(const ConformanceContext&) = delete;
  ConformanceContext& operator=(const ConformanceContext&) = delete;
  ~ConformanceContext();

  /// The reactor of this case, on a fresh backend; made by the first call.
  Reactor& reactor();
  /// Destroys it, and then its backend.
  void end_reactor();
  /// One more fresh backend, for a case that drives it by hand or has a second reactor.
  std::unique_ptr<Backend> make_backend() { return tried_.make(); }
  bool can(Capability all) const noexcept { return (tried_.can & all) == all; }

  // Checks. They may be used from the case's thread only.

  void check(bool holds, std::string_view sentence,
             SourceLocation where = SourceLocation::current()) {
    if (!holds) fail("this does not hold: " + std::string(sentence), where);
  }
  template <class T, class U>
  void equal(const T& got, const U& expected, std::string_view what,
             SourceLocation where = SourceLocation::current()) {
    if (got == expected) return;
    std::ostringstream text;
    text << what << " is " << shown(got) << " and should be " << shown(expected);
    fail(text.str(), where);
  }
  /// `f()` throws an E.
  template <class E, class F>
  void throws(F&& f, std::string_view what, SourceLocation where = SourceLocation::current()) {
    try {
      f();
    } catch (const E&) {
      return;
    }
    fail(std::string(what) + " does not throw what it should", where);
  }
  [[noreturn]] void fail(std::string reason, SourceLocation where = SourceLocation::current());
  /// Ends the case as skipped.
  [[noreturn]] void skip(std::string reason);

  // Ways to drive the reactor.

  /// One turn, which waits for nothing.
  void turn() { reactor().backend().run_once(false); }
  void turns(int count) {
    for (int i = 0; i < count; ++i) turn();
  }
  /// Turns, which may wait, until `reached()`; fails when the case's time is over.
  template <class F>
  void until(F reached, std::string_view what, SourceLocation where = SourceLocation::current()) {
    while (!reached()) {
      if (out_of_time_) fail(std::string(what) + " does not come about", where);
      reactor().backend().run_once(true);
    }
  }
  /// Runs until so much time has passed on the reactor's clock.
  void run_for(Duration time);
  /// Runs the coroutine `f(context)` in a microthread to its end, and gives or throws its result.
  template <class F>
  auto run(F f) {
    return reactor().run_until(spawn(reactor(), f, std::ref(*this)).deferred());
  }

  /// The what() of each unhandled failure reported since the last call. Those that a case does not
  /// take fail it.
  std::vector<std::string> reports();
  std::string report_texts();  ///< The same, joined by ", ".

  // For run_case().

  bool has_failed() const noexcept { return failed_; }
  const std::string& reason() const noexcept { return reason_; }
  void note_failure(std::string reason);
  /// What the case has left behind in the reactor; empty if nothing.
  std::string left_behind();
  /// From another thread: stops the reactor and has its tasks listed, for time is over.
  void time_is_over();
  std::string tasks_when_over();

 private:
  template <class T>
  static auto shown(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      return value ? "true" : "false";
    } else if constexpr (std::is_enum_v<T>) {
      return static_cast<long>(value);
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
      return "\"" + std::string(value) + "\"";
    } else if constexpr (requires { value.count(); }) {
      return std::to_string(value.count()) + " ns";
    } else {
      return value;
    }
  }
  static void hook(const Failure& failure, const std::string& whose);

  const ReactorUnderTest& tried_;
  UnhandledFailureHook hook_before_;
  bool failed_ = false;
  std::string reason_;
  std::atomic<bool> out_of_time_{false};

  std::mutex mutex_;  // of the three below
  std::vector<std::string> reports_;
  Reactor* stoppable_ = nullptr;  // null while there is no reactor that may be stopped
  std::string tasks_when_over_;

  std::unique_ptr<Reactor> reactor_;
};

/// How the cases call it.
using Context = ConformanceContext;

}  // namespace deferred::testing
