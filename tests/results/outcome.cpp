// SPDX-License-Identifier: MIT
#include "deferred/results/outcome.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/support/counted.hpp"

using namespace deferred;
using deferred::testing::Counted;
using deferred::testing::ThrowsOnMove;

TEST_CASE("an Outcome holds a value") {
  Outcome<std::string> outcome("text");

  REQUIRE(outcome.has_value());
  CHECK(outcome.value() == "text");
  CHECK(*outcome == "text");
  CHECK(outcome->size() == 4);
  CHECK(!outcome.failure());
}

TEST_CASE("an Outcome holds a Failure, and raises it when asked for the value") {
  const Outcome<int> outcome = Failure(std::runtime_error("no"));

  CHECK(!outcome);
  CHECK(outcome.check<std::runtime_error>());
  CHECK_THROWS_AS(outcome.value(), std::runtime_error);
}

TEST_CASE("an Outcome of void holds success without a value") {
  const Outcome<void> done;

  CHECK(done.has_value());
  CHECK_NOTHROW(done.value());
}

TEST_CASE("an Outcome gives its value away to whoever takes it from an rvalue") {
  Outcome<std::unique_ptr<int>> outcome(std::make_unique<int>(5));

  const std::unique_ptr<int> taken = std::move(outcome).value();

  CHECK(*taken == 5);
}

TEST_CASE("an Outcome destroys what it holds, on either side, once") {
  Counted::reset();
  {
    Outcome<Counted> outcome(Counted(1));
    outcome = Failure(std::runtime_error("no"));
    CHECK(Counted::live == 0);
    outcome = Outcome<Counted>(Counted(2));
    const Outcome<Counted> copy = outcome;
    CHECK(copy->value == 2);
    CHECK(Counted::live == 2);
  }

  CHECK(Counted::live == 0);
}

TEST_CASE("an Outcome whose new value throws while it moves holds that exception") {
  Outcome<ThrowsOnMove> outcome(ThrowsOnMove(1));
  Outcome<ThrowsOnMove> next(ThrowsOnMove(2));
  ThrowsOnMove::throwing = true;

  CHECK_THROWS_AS(outcome = std::move(next), std::runtime_error);
  ThrowsOnMove::throwing = false;

  // Either the parameter's move threw, and nothing has changed, or the assignment's did.
  CHECK((outcome.has_value() || outcome.check<std::runtime_error>()));
}

TEST_CASE("a failure taken from an rvalue Outcome is moved out") {
  Outcome<int> outcome = Failure(std::runtime_error("no"));

  const Failure taken = std::move(outcome).failure();

  CHECK(taken.what() == "no");
}
