// SPDX-License-Identifier: MIT
//
// Results: Deferreds and Promises, failures, outcomes, shared Deferreds. No turn is needed.
#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {
namespace {

// Too large to lie in a chain's slot, or in a callback's arena.
struct Large {
  explicit Large(int v) noexcept : value(v) {}
  int value;
  char padding[300] = {};
};

void made_and_fired(Reactor&) {
  auto [promise, deferred] = make_deferred<std::string>();
  right(promise.valid() && deferred.valid() && !deferred.fired(), "fresh ends are not fired");
  right(promise.wanted(), "a result that somebody may see is not wanted");
  bool fired = true;
  try {
    promise.callback("a text that is longer than what a string holds in place");
  } catch (const std::bad_alloc&) {
    fired = false;
  }
  right(promise.fired() == fired && deferred.has_result() == fired,
        "a callback() that throws has fired");
  if (!fired) promise.callback("again");
  right(deferred.has_result(), "a Promise cannot be fired any more");
  const Outcome<std::string> outcome = std::move(deferred).result();
  right(outcome.has_value(), "a value that was given is lost");
}

void large_results(Reactor&) {
  auto [promise, deferred] = make_deferred<Large>();
  bool fired = true;
  try {
    promise.callback(Large(7));
  } catch (const std::bad_alloc&) {
    fired = false;
  }
  right(deferred.has_result() == fired, "a callback() that throws has fired");
  if (!fired) return;
  const Outcome<Large> outcome = std::move(deferred).result();
  right(outcome.has_value() ? outcome->value == 7 : out_of_memory(outcome), "another value");
}

void failed(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  bool fired = true;
  try {
    promise.errback(std::runtime_error("an error that says a lot about what has gone wrong"));
  } catch (const std::bad_alloc&) {
    fired = false;
  }
  right(deferred.has_result() == fired, "an errback() that throws has fired");
  if (!fired) promise.callback(1);
  const Outcome<int> outcome = std::move(deferred).result();
  right(fired ? outcome.check<std::runtime_error>() != nullptr : outcome.has_value(),
        "an error is lost");
}

void failed_with_current(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  try {
    throw std::runtime_error("thrown");
  } catch (const std::runtime_error&) {
    promise.errback_current();
  }
  const Outcome<int> outcome = std::move(deferred).result();
  right(out_of_memory(outcome) || outcome.check<std::runtime_error>(), "an error is lost");
}

void fired_with_outcome(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  promise.fire(3);
  has_value_or_no_memory(std::move(deferred).result(), 3);
}

void dropped(Reactor&) {
  std::optional<std::pair<Promise<int>, Deferred<int>>> ends(make_deferred<int>());
  {
    const Promise<int> gone = std::move(ends->first);
  }
  right(ends->second.has_result(), "a Promise that was dropped leaves its Deferred waiting");
  const Outcome<int> outcome = std::move(ends->second).result();
  right(out_of_memory(outcome) || outcome.check<AbandonedError>(), "another error");
}

// Each step of the row is run, or fails with std::bad_alloc; and what was added is called.
void callbacks(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  int called = 0;
  std::optional<Outcome<int>> end;
  bool added = false;
  try {
    Deferred<int> row = std::move(deferred)
                            .add_callback([&](int i) { return ++called, std::to_string(i); })
                            .add_callback([&](std::string s) { return ++called, s + "0"; })
                            .add_both([&](Outcome<std::string> s) {
                              ++called;
                              return s.has_value() ? Outcome<Large>(Large(std::stoi(*s)))
                                                   : Outcome<Large>(s.failure());
                            })
                            .add_callbacks([&](const Large& l) { return ++called, l.value; },
                                           [&](const Failure& f) -> int { f.raise(); })
                            .add_errback([&](const std::logic_error&) { return -1; });
    std::move(row).add_both([&](Outcome<int> o) { end = std::move(o); }).detach();
    added = true;
  } catch (const std::bad_alloc&) {
  }
  promise.callback(12);
  if (!added) return;
  right(end.has_value(), "a callback that was added is not called");
  has_value_or_no_memory(*end, 120);
}

void many_callbacks(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  int called = 0;
  int added = 0;
  Deferred<int> row = std::move(deferred);
  try {
    for (int i = 0; i != 30; ++i) {
      row = std::move(row).add_callback([&called, padding = Large(i)](int n) {
        ++called;
        return n + (padding.value < 0 ? 1 : 0);
      });
      ++added;
    }
  } catch (const std::bad_alloc&) {
  }
  promise.callback(1);
  right(called == added, "a callback that was added is not called");
}

void returned_deferreds(Reactor&) {
  auto [outer, deferred] = make_deferred<int>();
  auto [inner, returned] = make_deferred<std::string>();
  std::optional<Outcome<std::string>> end;
  Deferred<std::string> row = std::move(deferred).add_callback(
      [d = std::move(returned)](int) mutable { return std::move(d); });
  Deferred<void> rest =
      std::move(row).add_both([&](Outcome<std::string> o) { end = std::move(o); });
  outer.callback(1);
  inner.callback("inner");
  right(end.has_value() && rest.has_result(), "a chain does not go on");
  has_value_or_no_memory(*end, "inner");
}

void chained(Reactor&) {
  auto [first, deferred] = make_deferred<int>();
  auto [second, end] = make_deferred<int>();
  std::move(deferred).chain(std::move(second));
  first.callback(4);
  right(end.has_result(), "a chained Deferred is not fired");
  has_value_or_no_memory(std::move(end).result(), 4);
}

void paused(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  int called = 0;
  Deferred<int> row = std::move(deferred).add_callback([&](int i) { return ++called, i; });
  row.pause();
  promise.pause();
  promise.callback(1);
  right(called == 0, "a paused chain runs");
  promise.unpause();
  row.unpause();
  right(called == 1 && row.has_result(), "a chain does not go on");
  Deferred<int> inline_one = succeed(5);
  inline_one.pause();
  inline_one.unpause();
  has_value_or_no_memory(std::move(inline_one).result(), 5);
}

void cancelled(Reactor&) {
  int asked = 0;
  auto [promise, deferred] =
      make_deferred<int>([&asked, padding = Large(1)](Promise<int>&) { asked += padding.value; });
  deferred.cancel();
  right(asked == 1, "a canceller is not called");
  right(deferred.has_result(), "what was cancelled waits");
  const Outcome<int> outcome = std::move(deferred).result();
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
  auto [other, abandoned] = make_deferred<int>();
  std::move(abandoned).abandon();
  auto [third, detached] = make_deferred<int>();
  std::move(detached).detach();
  third.callback(1);
}

void canceller_throws(Reactor&) {
  auto [promise, deferred] = make_deferred<int>([] { throw std::logic_error("will not"); });
  deferred.cancel();
  const Outcome<int> outcome = std::move(deferred).result();
  right(out_of_memory(outcome) || outcome.check<std::logic_error>(), "another error");
}

void ready_ones(Reactor&) {
  has_value_or_no_memory(succeed(std::string("a text that is longer than what lies in place"))
                             .add_callback([](const std::string& s) { return s.size(); })
                             .result(),
                         45U);
  has_value_or_no_memory(succeed().result());
  has_value_or_no_memory(
      succeed(Large(3)).add_callback([](const Large& l) { return l.value; }).result(), 3);
  has_value_or_no_memory(maybe_deferred([](int i) { return i + 1; }, 1).result(), 2);
  has_value_or_no_memory(maybe_deferred([]() -> int {
                           throw std::bad_alloc();
                         }).add_errback([](const std::bad_alloc&) {
                             return 6;
                           }).result(),
                         6);
  const Outcome<int> outcome = fail<int>(std::logic_error("failed")).result();
  right(outcome.check<std::logic_error>() != nullptr, "another error");
}

void described(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  right(deferred.describe().find("Deferred<int>") == 0, "another text");
  right(!to_string(SourceLocation::current()).empty(), "a place has a text");
  promise.callback(1);
}

void failures(Reactor&) {
  Failure failure(std::runtime_error("what an error says that was not thrown"));
  right(static_cast<bool>(failure) && failure.check<std::runtime_error>(), "it holds the error");
  failure.passed(Failure::Passed::await, SourceLocation::current());
  right(failure.trap<std::logic_error, std::runtime_error>() == 1, "it finds the type");
  right(failure.what().size() > 20 && failure.type_name() == "std::runtime_error", "its texts");
  right(failure.report().find("std::runtime_error: what") == 0, "its report");
  right(failure.to_exception_ptr() != nullptr, "it can be handed over");
  try {
    failure.raise();
  } catch (const std::runtime_error&) {
    const Failure same = Failure::current();
    right(same.check<std::runtime_error>() || (allocation_failed() && same.check<std::bad_alloc>()),
          "the exception being handled is another");
  }
  const Failure other = Failure::from(make_whole_exception_ptr(std::logic_error("elsewhere")));
  right(other.check<std::logic_error>() || (allocation_failed() && other.check<std::bad_alloc>()),
        "an exception that was handed over is another");
}

void outcomes(Reactor&) {
  Outcome<std::string> one(std::string("a text that is longer than what lies in place"));
  const Outcome<std::string> copy = one;
  right(copy.has_value() && static_cast<bool>(copy) && *copy == copy.value(), "the same value");
  right(copy->size() == 45, "the same value");
  Outcome<std::string> other(Failure(std::logic_error("an error")));
  right(other.check<std::logic_error>() && other.failure(), "an error is on its side");
  try {
    other = one;
  } catch (const std::bad_alloc&) {
    right(!other.has_value() && other.check<std::logic_error>(), "a failed assignment changes it");
  }
  right(one.has_value(), "what was copied is changed");
}

int reports_of_hook = 0;
void hook(Reactor&) {
  const auto before =
      set_unhandled_failure_hook([](const Failure&, const std::string&) { ++reports_of_hook; });
  const auto count_before = reports_of_hook;
  try {
    auto [promise, deferred] = make_deferred<int>();
    std::move(deferred).detach();
    promise.errback(std::logic_error("nobody handles it"));
  } catch (...) {
  }
  set_unhandled_failure_hook(before);
  right(allocation_failed() || reports_of_hook == count_before + 1, "a failure is not reported");
}

// Readers that could be added are served, whatever fails for others.
void shared(Reactor&) {
  auto [promise, deferred] = make_deferred<std::string>();
  SharedDeferred<std::string> all = std::move(deferred).share();
  int added = 0;
  int read = 0;
  int failed = 0;
  const auto add = [&] {
    all.add_callback([&](const std::string& s) { read += s == "read by all of them" ? 1 : 0; })
        .add_errback([&](const std::bad_alloc&) { ++failed; })
        .detach();
    ++added;
  };
  for (int i = 0; i != 4; ++i) {
    try {
      add();
    } catch (const std::bad_alloc&) {
    }
  }
  bool fired = true;
  try {
    promise.callback("read by all of them");
  } catch (const std::bad_alloc&) {
    fired = false;
  }
  if (!fired) return;
  right(all.has_result() && all.outcome(), "a result is not there");
  right(read + failed >= added, "a reader that was added is not called");
  right(failed == 0 || allocation_failed(), "a reader fails");
}
void shared_ways(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> all(std::move(deferred));
  int called = 0;
  int added = 0;
  try {
    all.add_both([&](const Outcome<int>&) { ++called; }).detach();
    ++added;
    all.add_callbacks([&](int) { ++called; }, [&](const Failure&) { ++called; }).detach();
    ++added;
    all.add_errback([&](const Failure&) {}).detach();
    all.done().add_both([&](Outcome<void>) { ++called; }).detach();
    ++added;
  } catch (const std::bad_alloc&) {
  }
  promise.callback(1);
  right(called == added, "a reader that was added is not called");
  int late = 0;
  all.add_both([&](const Outcome<int>& o) { late += o.has_value() ? *o : 0; }).detach();
  right(late == 1, "a late reader is not called");
}
// Readers that were dropped are looked for at the 65th.
void shared_with_dropped_readers(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> all = std::move(deferred).share();
  try {
    for (int i = 0; i < 66; ++i) const Deferred<void> dropped = all.done();
  } catch (const std::bad_alloc&) {
  }
  promise.callback(1);
  right(all.has_result(), "a result is not there");
}
void shared_cancelled(Reactor&) {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> all = std::move(deferred).share();
  bool called = false;
  all.add_errback([&](const Failure&) { called = true; }).detach();
  all.cancel();
  right(called && all.has_result(), "a reader is not called");
  right(out_of_memory(*all.outcome()) || all.outcome()->check<Cancelled>(), "another error");
}

void places(Reactor&) {
  const SourceLocation here = SourceLocation::current();
  const SourceLocation nowhere;
  right(here.line() != 0 && nowhere.line() == 0 && *here.file_name() && *here.function_name(),
        "a place is a place");
  right(*Cancelled().what() != 0, "an error says what it is");
}

}  // namespace

Programs results_programs() {
  return {
      {"a Promise that is fired",
       {"deferred::make_deferred()", "deferred::Promise::callback()", "deferred::Promise::fired()",
        "deferred::Promise::valid()", "deferred::Promise::wanted()", "deferred::Deferred::fired()",
        "deferred::Deferred::has_result()", "deferred::Deferred::result()",
        "deferred::Deferred::valid()"},
       &made_and_fired},
      {"large results", {"deferred::Promise::callback()"}, &large_results},
      {"a Promise that fails", {"deferred::Promise::errback()"}, &failed},
      {"a Promise that fails with what was thrown",
       {"deferred::Promise::errback_current()"},
       &failed_with_current},
      {"a Promise fired with an Outcome", {"deferred::Promise::fire()"}, &fired_with_outcome},
      {"a Promise that is dropped", {}, &dropped},
      {"callbacks",
       {"deferred::Deferred::add_callback()", "deferred::Deferred::add_errback()",
        "deferred::Deferred::add_callbacks()", "deferred::Deferred::add_both()"},
       &callbacks},
      {"many large callbacks", {"deferred::Deferred::add_callback()"}, &many_callbacks},
      {"callbacks that return Deferreds",
       {"deferred::Deferred::add_callback()"},
       &returned_deferreds},
      {"chain()", {"deferred::Deferred::chain()"}, &chained},
      {"pauses",
       {"deferred::Deferred::pause()", "deferred::Deferred::unpause()",
        "deferred::Promise::pause()", "deferred::Promise::unpause()"},
       &paused},
      {"cancelled Deferreds",
       {"deferred::Deferred::cancel()", "deferred::Deferred::abandon()",
        "deferred::Deferred::detach()"},
       &cancelled},
      {"a canceller that throws", {"deferred::Deferred::cancel()"}, &canceller_throws},
      {"Deferreds that are ready",
       {"deferred::succeed()", "deferred::fail()", "deferred::maybe_deferred()"},
       &ready_ones},
      {"texts", {"deferred::Deferred::describe()", "deferred::to_string()"}, &described},
      {"failures",
       {"deferred::Failure::Failure()", "deferred::Failure::check()",
        "deferred::Failure::current()", "deferred::Failure::from()",
        "deferred::Failure::operator bool()", "deferred::Failure::passed()",
        "deferred::Failure::raise()", "deferred::Failure::report()",
        "deferred::Failure::to_exception_ptr()", "deferred::Failure::trap()",
        "deferred::Failure::type_name()", "deferred::Failure::what()",
        "deferred::make_whole_exception_ptr()"},
       &failures},
      {"outcomes",
       {"deferred::Outcome::Outcome()", "deferred::Outcome::check()",
        "deferred::Outcome::failure()", "deferred::Outcome::has_value()",
        "deferred::Outcome::operator bool()", "deferred::Outcome::operator*()",
        "deferred::Outcome::operator->()", "deferred::Outcome::value()"},
       &outcomes},
      {"the hook of unhandled failures", {"deferred::set_unhandled_failure_hook()"}, &hook},
      {"a shared Deferred",
       {"deferred::Deferred::share()", "deferred::SharedDeferred::add_callback()",
        "deferred::SharedDeferred::has_result()", "deferred::SharedDeferred::outcome()"},
       &shared},
      {"a shared Deferred's other ways",
       {"deferred::SharedDeferred::SharedDeferred()", "deferred::SharedDeferred::add_both()",
        "deferred::SharedDeferred::add_callbacks()", "deferred::SharedDeferred::add_errback()",
        "deferred::SharedDeferred::done()"},
       &shared_ways},
      {"readers of a SharedDeferred that are dropped",
       {"deferred::SharedDeferred::done()"},
       &shared_with_dropped_readers},
      {"a shared Deferred that is cancelled",
       {"deferred::SharedDeferred::cancel()"},
       &shared_cancelled},
      {"places",
       {"deferred::SourceLocation::SourceLocation()", "deferred::SourceLocation::current()",
        "deferred::SourceLocation::file_name()", "deferred::SourceLocation::function_name()",
        "deferred::SourceLocation::line()", "deferred::Cancelled::what()"},
       &places},
  };
}

}  // namespace deferred::testing
