// SPDX-License-Identifier: MIT
#include "deferred/yieldables/all.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "deferred/yieldables/all_settled.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/both_ways.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_TEMPLATE("all gives what each gives, in the arguments' order, when the last has come",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  Later<std::string> second;
  auto wait = loop.begin([&] { return all(first, second, Pause{1s}); });

  second.waiter().resume("b");
  first.waiter().resume(1);
  loop.settle();
  CHECK_FALSE(wait.has_result());
  loop.time.advance(1s);

  const auto outcome = loop.end_of(wait);
  CHECK(outcome.value() == std::tuple(1, std::string("b"), Unit()));
}

TEST_CASE_TEMPLATE("all gives values that can only be moved", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  auto outcome = loop.outcome_of(
      [&] { return all(succeed(std::make_unique<int>(1)), succeed(std::make_unique<int>(2))); });

  CHECK(*std::get<0>(outcome.value()) == 1);
  CHECK(*std::get<1>(outcome.value()) == 2);
}

TEST_CASE_TEMPLATE("all of nothing gives nothing, at once", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  CHECK(loop.outcome_of([] { return all(); }).has_value());
  CHECK(loop.outcome_of([] { return all(std::vector<Deferred<int>>()); }).value().empty());
  CHECK(loop.outcome_of([] { return all_settled(); }).has_value());
  CHECK(loop.outcome_of([] { return all_settled(std::vector<Pause>()); }).value().empty());
}

TEST_CASE_TEMPLATE(
    "all of a vector gives a vector, also of bool, of void and of what is moved only", Way, Awaited,
    ToDeferred) {
  BothWays<Way> loop;

  const auto bools = loop.outcome_of([] {
    std::vector<Deferred<bool>> each;
    each.push_back(succeed(true));
    each.push_back(succeed(false));
    return all(std::move(each));
  });
  auto pointers = loop.outcome_of([] {
    std::vector<Deferred<std::unique_ptr<int>>> each;
    each.push_back(succeed(std::make_unique<int>(1)));
    return all(std::move(each));
  });
  const auto pauses = loop.outcome_of([] { return all(std::vector<Pause>{Pause{1s}, Pause{}}); });

  CHECK(bools.value() == std::vector<bool>{true, false});
  CHECK(*pointers.value().at(0) == 1);
  CHECK(pauses.value() == std::vector<Unit>(2));
  CHECK(loop.now() == 1s);
}

TEST_CASE_TEMPLATE("an error ends all of them, and is thrown as itself with its input in the trace",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  Later<int> second;
  auto wait = loop.begin([&] { return all(first, second); });

  second.waiter().throw_(Oops("the second"));
  CHECK_FALSE(first.waiting());
  CHECK_FALSE(first.waiter().resume(1));
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.template check<Oops>());
  CHECK(first.undone() == 1);
  const std::string report = outcome.failure().report();
  CAPTURE(report);
  CHECK(report.find("\n  input #2 of all at both_ways.hpp:") != std::string::npos);
}

TEST_CASE_TEMPLATE(
    "all waits for what will answer though it is cancelled, and suppresses its error", Way, Awaited,
    ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> first;
  Stubborn<int> second;
  Later<int> third;
  auto wait =
      loop.begin([&] { return all(std::move(first.result), std::move(second.result), third); });

  third.waiter().throw_(Oops("first in time"));
  CHECK(first.asked == 1);
  CHECK(second.asked == 1);
  first.promise.errback(std::runtime_error("late"));
  loop.settle();
  CHECK_FALSE(wait.has_result());
  second.promise.callback(2);
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.template check<Oops>());
  const Failure failure = outcome.failure();
  REQUIRE(failure.suppressed().size() == 1);
  CHECK(failure.suppressed()[0].what() == "late");
}

TEST_CASE_TEMPLATE("a Deferred that loses is cancelled once, and its Cancelled is not suppressed",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  int cancels = 0;
  auto [promise, loser] = make_deferred<int>([&] { ++cancels; });
  Later<int> failing;
  auto wait = loop.begin([&] { return all(std::move(loser), failing); });

  failing.waiter().throw_(Oops());
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.template check<Oops>());
  CHECK(cancels == 1);
  CHECK(outcome.failure().suppressed().empty());
}

TEST_CASE_TEMPLATE("an input that fails at once keeps the later ones from being begun", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> begun;
  int cancels = 0;
  auto [promise, behind] = make_deferred<int>([&] { ++cancels; });

  const auto outcome = loop.outcome_of(
      [&] { return all(begun, fail<int>(Oops("at once")), NotReached(), std::move(behind)); });

  CHECK(outcome.template check<Oops>());
  CHECK(begun.undone() == 1);
  CHECK(cancels == 1);
}

TEST_CASE_TEMPLATE("what an input is given as an Outcome is its value", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  auto outcome =
      loop.outcome_of([&] { return all(as_outcome(fail<int>(Oops())), as_outcome(Pause{1s})); });

  REQUIRE(outcome.has_value());
  CHECK(std::get<0>(*outcome).template check<Oops>());
  CHECK(std::get<1>(*outcome).has_value());
}

TEST_CASE_TEMPLATE("an input whose handler throws, or whose Waiters are dropped, has failed", Way,
                   Awaited, ToDeferred) {
  struct HandlerThrows {
    void yield_to(Waiter<int>) const { throw Oops("from the handler"); }
  };
  BothWays<Way> loop;
  Later<int> later;
  Dropped dropped;

  const auto thrown = loop.outcome_of([&] { return all(HandlerThrows(), NotReached()); });
  const auto abandoned = loop.outcome_of([&] { return all(dropped, NotReached()); });
  auto wait = loop.begin([&] { return all(later, Pause{1h}); });
  later.drop_waiter();
  loop.settle();

  CHECK(thrown.template check<Oops>());
  CHECK(abandoned.template check<AbandonedError>());
  CHECK(loop.end_of(wait).template check<AbandonedError>());
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("a one-shot cancel of all goes to each, and what they make of it is the result",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> first;
  auto [promise, second] = make_deferred<int>([](Promise<int>& p) { p.callback(2); });
  auto wait = loop.begin([&] { return all(std::move(first.result), std::move(second)); });

  wait.cancel();
  wait.cancel();
  loop.settle();
  CHECK(first.asked == 2);
  CHECK_FALSE(wait.has_result());
  first.promise.callback(1);
  loop.settle();

  CHECK(loop.end_of(wait).value() == std::tuple(1, 2));
}

TEST_CASE_TEMPLATE("a canceller that throws keeps no other input of all from being cancelled", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  auto [promise, throwing] = make_deferred<int>([] { throw Oops("from the canceller"); });
  Stubborn<int> other;
  auto wait = loop.begin([&] { return all(std::move(throwing), std::move(other.result)); });

  wait.cancel();
  CHECK(other.asked >= 1);
  other.promise.callback(1);
  loop.settle();

  CHECK(loop.end_of(wait).template check<Oops>());
}

TEST_CASE_TEMPLATE("a one-shot cancel of inputs that are plainly undone is their Cancelled", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  auto wait = loop.begin([&] { return all(Pause{1h}, Pause{}); });
  auto settled = loop.begin([&] { return all_settled(Pause{1h}, Pause{1h}); });

  settled.cancel();
  loop.settle();
  auto again = loop.begin([&] { return all(Pause{1h}, Pause{1h}); });
  again.cancel();
  loop.settle();
  wait.cancel();
  loop.settle();

  const auto outcomes = loop.end_of(settled);
  REQUIRE(outcomes.has_value());
  CHECK(std::get<0>(outcomes.value()).template check<Cancelled>());
  CHECK(std::get<1>(outcomes.value()).template check<Cancelled>());
  CHECK(loop.end_of(again).template check<Cancelled>());
  CHECK(loop.end_of(wait).template check<Cancelled>());
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("all_settled gives each Outcome, and cancels nobody", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  Later<int> second;
  auto wait = loop.begin([&] { return all_settled(first, fail<int>(Oops()), second, Pause{1s}); });

  first.waiter().throw_(std::runtime_error("first"));
  CHECK(second.waiting());
  second.waiter().resume(3);
  loop.time.advance(1s);

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.has_value());
  const auto& [a, b, c, d] = outcome.value();
  CHECK(a.template check<std::runtime_error>());
  CHECK(b.template check<Oops>());
  CHECK(c.value() == 3);
  CHECK(d.has_value());
}

TEST_CASE_TEMPLATE("all_settled of a vector gives Outcomes, one for one that gave an Outcome", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto outcome = loop.outcome_of([] {
    std::vector<Deferred<int>> each;
    each.push_back(succeed(1));
    each.push_back(fail<int>(Oops()));
    return all_settled(std::move(each));
  });
  const auto nested = loop.outcome_of([] { return all_settled(as_outcome(fail<int>(Oops()))); });

  REQUIRE(outcome.value().size() == 2);
  CHECK(outcome.value()[0].value() == 1);
  CHECK(outcome.value()[1].template check<Oops>());
  CHECK(std::get<0>(nested.value()).template check<Oops>());
}

TEST_CASE_TEMPLATE("what is shared keeps its failure for others, also when all_settled has had it",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  const SharedDeferred<int> shared = fail<int>(Oops()).share();
  bool seen = false;

  const auto outcome = loop.outcome_of([&] { return all_settled(shared); });

  CHECK(std::get<0>(outcome.value()).template check<Oops>());
  shared.add_errback([&](const Oops&) { seen = true; }).detach();
  CHECK(seen);
}

TEST_CASE_TEMPLATE("a value whose move throws is the failure of all", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<ThrowsOnMove> probe;
  Later<int> last;
  auto wait = loop.begin([&] { return all(probe, last); });
  probe.waiter().resume(1);

  ThrowsOnMove::throwing = true;
  last.waiter().resume(1);
  loop.settle();
  ThrowsOnMove::throwing = false;

  CHECK_THROWS_AS(loop.end_of(wait).value(), std::runtime_error);
}

TEST_CASE_TEMPLATE("an input that has ended is undone in the next round, not with the last one",
                   Way, Awaited, ToDeferred) {
  // A descriptor that is ready would say so in each turn.
  BothWays<Way> loop;
  Later<int> first;
  auto wait = loop.begin([&] { return all(first, Pause{1h}); });

  first.waiter().resume(1);
  CHECK(first.undone() == 0);
  loop.settle();

  CHECK(first.undone() == 1);
  CHECK_FALSE(wait.has_result());
  loop.time.advance(1h);
  CHECK(std::get<0>(loop.end_of(wait).value()) == 1);
}

TEST_CASE_TEMPLATE("joins nest, and are decorated as other yieldables", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  auto outcome = loop.outcome_of([] {
    return as_outcome(all(all(succeed(1), Pause{1s}), as_outcome(all_settled(Pause{2s}))));
  });

  CHECK(outcome.has_value());
  CHECK(loop.now() == 2s);
}

TEST_CASE_TEMPLATE("an answer from inside another input's handler counts", Way, Awaited,
                   ToDeferred) {
  struct Answers {
    void yield_to(Waiter<int> waiter) {
      CHECK(other->waiter().throw_(Oops("while the second begins")));
      CHECK_FALSE(waiter.pending());
      CHECK_FALSE(waiter.resume(2));
    }
    Later<int>* other;
  };
  BothWays<Way> loop;
  Later<int> first;
  Answers second{&first};

  const auto outcome = loop.outcome_of([&] { return all(first, second, NotReached()); });

  CHECK(outcome.template check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a level cancel of all undoes each, and is thrown") {
  Later<int> first;
  int cancels = 0;
  auto [promise, second] = make_deferred<int>([&] { ++cancels; });
  auto spawned = spawn(reactor, [&first, d = std::move(second)]() mutable -> Task<> {
    co_await all(first, std::move(d));
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(first.undone() == 1);
  CHECK(cancels == 1);
}

TEST_CASE_FIXTURE(Loop, "all in a cancelled scope begins nothing, and tells what was given away") {
  int cancels = 0;
  auto [promise, given] = make_deferred<int>([&] { ++cancels; });
  auto spawned = spawn(reactor, [d = std::move(given)]() mutable -> Task<> {
    co_await all(NotReached(), std::move(d));
  });
  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(cancels == 1);
}

}  // namespace
