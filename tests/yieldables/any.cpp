// SPDX-License-Identifier: MIT
#include "deferred/yieldables/any.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <variant>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/both_ways.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_TEMPLATE("any gives the first value, and tells whose it is", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  Later<std::unique_ptr<int>> second;
  auto wait = loop.begin([&] { return any(first, second, Pause{1h}); });

  CHECK(first.waiter().throw_(Oops("no value")));
  loop.settle();
  CHECK_FALSE(wait.has_result());
  CHECK(second.waiter().resume(std::make_unique<int>(2)));
  loop.settle();

  auto outcome = loop.end_of(wait);
  REQUIRE(outcome.has_value());
  CHECK(outcome->index() == 1);
  CHECK(*std::get<1>(*outcome) == 2);
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("any whose inputs all fail fails with the first in the arguments' order", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  Later<int> second;
  auto wait = loop.begin([&] { return any(first, second, fail<int>(Oops("third"))); });

  second.waiter().throw_(std::runtime_error("second"));
  first.waiter().throw_(Oops("first"));
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.template check<Oops>());
  const Failure failure = outcome.failure();
  CHECK(failure.what() == "first");
  REQUIRE(failure.suppressed().size() == 2);
  CHECK(failure.suppressed()[0].what() == "second");
  CHECK(failure.suppressed()[1].what() == "third");
  CHECK(failure.report().find("input #1 of any at both_ways.hpp") != std::string::npos);
}

TEST_CASE_TEMPLATE("any of a vector gives the winner's index and value", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto outcome = loop.outcome_of([] {
    std::vector<Deferred<int>> each;
    each.push_back(fail<int>(Oops()));
    each.push_back(succeed(7));
    each.push_back(succeed(8));
    return any(std::move(each));
  });
  const auto of_void = loop.outcome_of([] { return any(std::vector<Pause>{Pause{1h}, Pause{}}); });

  REQUIRE(outcome.has_value());
  CHECK(outcome->index == 1);
  CHECK(outcome->value == 7);
  REQUIRE(of_void.has_value());
  CHECK(of_void->index == 1);
  CHECK(loop.now() < 1h);
}

TEST_CASE_TEMPLATE("any takes an Outcome for a value, whatever is in it", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;

  auto outcome = loop.outcome_of([] { return any(as_outcome(fail<int>(Oops())), NotReached()); });

  REQUIRE(outcome.has_value());
  CHECK(std::get<0>(*outcome).template check<Oops>());
}

TEST_CASE_TEMPLATE("any cancels the others once and waits for them; what they come to is dropped",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> loser;
  Stubborn<int> failing;
  Later<int> winner;
  auto wait =
      loop.begin([&] { return any(std::move(loser.result), winner, std::move(failing.result)); });

  winner.waiter().resume(1);
  CHECK(loser.asked == 1);
  CHECK(failing.asked == 1);
  loser.promise.callback(2);
  loop.settle();
  CHECK_FALSE(wait.has_result());
  failing.promise.errback(Oops("late"));
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.has_value());
  CHECK(std::get<1>(*outcome) == 1);
}

TEST_CASE_TEMPLATE("a loser of any whose canceller gives a value does not win", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  auto [promise, loser] = make_deferred<int>([](Promise<int>& p) { p.callback(2); });
  Later<int> winner;
  auto wait = loop.begin([&] { return any(std::move(loser), winner); });

  winner.waiter().resume(1);
  loop.settle();

  CHECK(loop.end_of(wait)->index() == 1);
}

TEST_CASE_TEMPLATE("a one-shot cancel of any is an error of each, and a value wins over it", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> stubborn;
  auto wait = loop.begin([&] { return any(Pause{1h}, std::move(stubborn.result)); });
  auto all_cut = loop.begin([&] { return any(Pause{1h}, Pause{1h}); });

  wait.cancel();
  all_cut.cancel();
  loop.settle();
  CHECK_FALSE(wait.has_result());
  stubborn.promise.callback(2);
  loop.settle();

  CHECK(std::get<1>(*loop.end_of(wait)) == 2);
  CHECK(loop.end_of(all_cut).template check<Cancelled>());
}

TEST_CASE("any of an empty vector throws std::invalid_argument") {
  CHECK_THROWS_AS(static_cast<void>(any(std::vector<Pause>())), std::invalid_argument);
}

}  // namespace
