// SPDX-License-Identifier: MIT
//
// StreamContext: what a case of the stream conformance kit is given - connected streams, ways to
// wait, and checks that end the case. Next: steps.hpp, then any of the cases.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/source_location.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/conformance/context.hpp"
#include "deferred/testing/stream_conformance.hpp"

namespace deferred::testing {

/// What a case is given. Checks may stand in any of its tasks, as ConformanceContext's.
class StreamContext {
 public:
  StreamContext(ConformanceContext& base, const StreamUnderTest& tried, Duration limit,
                bool swapped) noexcept
      : base_(base), tried_(tried), limit_(limit), swapped_(swapped) {}

  /// A fresh pair on the running reactor, of which the near end is the one that writes.
  Task<StreamPair> connect() const;
  Reactor& reactor() const { return base_.reactor(); }
  bool has(StreamTrait all) const noexcept { return (tried_.traits & all) == all; }
  bool can(Capability all) const noexcept { return base_.can(all); }

  // Ways to wait, on the running reactor.

  /// Until what is on its way must have come.
  Task<> rest() const;
  /// As long as that takes at most, for limits.
  Duration rest_time() const noexcept { return tried_.rest; }

  // Checks.

  void check(bool holds, std::string_view sentence,
             SourceLocation where = SourceLocation::current()) const {
    base_.check(holds, sentence, where);
  }
  template <class T, class U>
  void equal(const T& got, const U& expected, std::string_view what,
             SourceLocation where = SourceLocation::current()) const {
    base_.equal(got, expected, what, where);
  }
  /// It is a std::system_error, and begins with the operation and the peer: "read from PEER".
  template <class T>
  void failed(const Outcome<T>& outcome, std::string_view operation, const std::string& peer,
              SourceLocation where = SourceLocation::current()) const {
    require_error(outcome.failure(), operation, peer, where);
  }
  /// The same, with that code.
  template <class T, class C>
  void failed_with(const Outcome<T>& outcome, C code, std::string_view operation,
                   const std::string& peer,
                   SourceLocation where = SourceLocation::current()) const {
    failed(outcome, operation, peer, where);
    equal(outcome.template check<std::system_error>()->code(), make_error_code(code),
          "the error's code", where);
  }
  [[noreturn]] void skip(std::string reason) const { base_.skip(std::move(reason)); }

  // For cases that run outside of a task.

  /// Runs the coroutine `f()` to its end, on any reactor; fails if it does not end.
  template <class F>
  void run_on(Reactor& reactor, F f) const {
    Limit limit(*this, reactor);
    reactor.run_until(spawn(reactor, std::move(f)).deferred());
  }
  std::unique_ptr<Backend> make_backend() const { return base_.make_backend(); }

 private:
  /// Fails the case, and ends the run, after so long.
  class Limit {
   public:
    Limit(const StreamContext& context, Reactor& reactor);

   private:
    DelayedCall over_;
  };

  void require_error(const Failure& failure, std::string_view operation, const std::string& peer,
                     SourceLocation where) const;

  ConformanceContext& base_;
  const StreamUnderTest& tried_;
  Duration limit_;
  bool swapped_;
};

}  // namespace deferred::testing
