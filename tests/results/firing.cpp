// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.2: firing, and what the results of callbacks become.
#include <doctest/doctest.h>

#include <any>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::ThrowsOnMove;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled,
                  "callback fires the success side and errback the other, inside the call") {
  int seen = 0;
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();
  std::move(value).add_callback([&](int i) { seen += i; }).detach();
  std::move(failed).add_callbacks([&](int) {}, [&](int error) { seen += error; }).detach();

  good.callback(1);
  CHECK(seen == 1);
  bad.errback(10);

  CHECK(seen == 11);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a second fire throws AlreadyCalledError, whichever side the two take") {
  const auto fire = [](Promise<int>& promise, bool success) {
    success ? promise.callback(1) : promise.errback(Cancelled{});
  };
  for (const bool first : {true, false}) {
    for (const bool second : {true, false}) {
      auto [promise, deferred] = make_deferred<int>();
      fire(promise, first);

      CHECK_THROWS_AS(fire(promise, second), AlreadyCalledError);
      CHECK(std::move(deferred).result().has_value() == first);
    }
  }
}

TEST_CASE_FIXTURE(Unhandled, "AlreadyCalledError names the place where the Promise was made") {
  auto [promise, deferred] = make_deferred<int>();
  promise.callback(1);

  try {
    promise.callback(2);
  } catch (const AlreadyCalledError& error) {
    CHECK(std::string(error.what()).find("made at firing.cpp:") != std::string::npos);
    return;
  }
  FAIL("no AlreadyCalledError");
}

TEST_CASE_FIXTURE(Unhandled, "firing with an Outcome takes the side it has") {
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();

  good.fire(Outcome<int>(5));
  bad.fire(Failure(std::runtime_error("no")));

  CHECK(std::move(value).result().value() == 5);
  CHECK(std::move(failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "errback wraps an error and takes a Failure or an exception_ptr as it is") {
  const Failure failure(std::runtime_error("no"));
  auto [first, wrapped] = make_deferred<int>();
  auto [second, same] = make_deferred<int>();
  auto [third, from_pointer] = make_deferred<int>();

  first.errback(std::runtime_error("no"));
  second.errback(failure);
  third.errback(std::make_exception_ptr(std::runtime_error("no")));

  CHECK(std::move(wrapped).result().check<std::runtime_error>());
  CHECK(std::move(same).result().failure().check<std::runtime_error>() ==
        failure.check<std::runtime_error>());
  CHECK(std::move(from_pointer).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "errback_current fires with the exception being handled") {
  auto [promise, deferred] = make_deferred<int>();

  try {
    throw std::out_of_range("far");
  } catch (...) {
    promise.errback_current();
  }

  CHECK(std::move(deferred).result().check<std::out_of_range>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "errback_current outside a handler fires with a logic_error that says so") {
  auto [promise, deferred] = make_deferred<int>();

  promise.errback_current();

  CHECK(std::move(deferred).result().check<std::logic_error>());
}

TEST_CASE_FIXTURE(Unhandled, "what a callback returns is the next one's argument") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred)
                  .add_callback([](int i) { return std::to_string(i); })
                  .add_callback([](std::string s) { return s + "!"; });

  promise.callback(5);

  CHECK(std::move(rest).result().value() == "5!");
}

TEST_CASE_FIXTURE(Unhandled, "a callback that throws goes over to the error side") {
  auto rest = succeed(1)
                  .add_callback([](int) -> int { throw std::runtime_error("no"); })
                  .add_errback([](const std::runtime_error&) { return 2; });

  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled, "a callback that returns an Outcome takes the side it has") {
  const auto half = [](int i) -> Outcome<int> {
    if (i % 2) return Failure(std::runtime_error("odd"));
    return i / 2;
  };

  CHECK(succeed(4).add_callback(half).result().value() == 2);
  CHECK(succeed(3).add_callback(half).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "an errback that returns a value goes back to the success side") {
  auto rest = fail<int>(std::runtime_error("no"))
                  .add_errback([](const Failure&) { return 1; })
                  .add_callback([](int i) { return i + 1; });

  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled,
                  "an errback that throws, or returns the Failure, stays on the error side") {
  auto thrown = fail<int>(std::runtime_error("no")).add_errback([](const Failure&) -> int {
    throw std::logic_error("worse");
  });
  auto returned =
      fail<int>(std::runtime_error("no")).add_errback([](Failure failure) { return failure; });

  CHECK(std::move(thrown).result().check<std::logic_error>());
  CHECK(std::move(returned).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "a failure is the same object after any number of pass-throughs") {
  const Failure failure(std::runtime_error("no"));
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred)
                  .add_callback([](int i) { return i; })
                  .add_errback([](const std::logic_error&) { return 0; })
                  .add_callback([](int i) { return i; });

  promise.errback(failure);

  CHECK(std::move(rest).result().failure().check<std::runtime_error>() ==
        failure.check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "fired is true from the fire on, has_result once all callbacks ran") {
  auto [promise, deferred] = make_deferred<int>();
  auto [inner_promise, inner] = make_deferred<int>();
  auto rest = std::move(deferred).add_callback([&](int) { return std::move(inner); });
  CHECK(!rest.fired());
  CHECK(!rest.has_result());

  promise.callback(1);
  CHECK(rest.fired());
  CHECK(!rest.has_result());

  inner_promise.callback(2);
  CHECK(rest.has_result());
  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled, "asking for a result that is not there throws and loses nothing") {
  auto [promise, deferred] = make_deferred<int>();

  CHECK_THROWS_AS(static_cast<void>(std::move(deferred).result()), std::logic_error);

  promise.callback(1);
  CHECK(std::move(deferred).result().value() == 1);  // NOLINT: result() did not take it
}

TEST_CASE_FIXTURE(Unhandled, "firing inside one's own callback throws AlreadyCalledError there") {
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([&p = promise] { p.callback(); });

  promise.callback();

  CHECK(std::move(rest).result().check<AlreadyCalledError>());
}

TEST_CASE_FIXTURE(Unhandled, "a value whose making throws fires nothing") {
  struct Picky {
    Picky(int i) {
      if (i < 0) throw std::invalid_argument("negative");
    }
  };
  auto [promise, deferred] = make_deferred<Picky>();

  CHECK_THROWS_AS(promise.callback(-1), std::invalid_argument);
  CHECK(!deferred.fired());

  promise.callback(1);
  CHECK(deferred.has_result());
}

TEST_CASE_FIXTURE(Unhandled, "succeed and fail make Deferreds that have fired") {
  auto value = succeed(5);
  auto nothing = succeed();
  auto failed = fail<int>(std::runtime_error("no"));

  CHECK(value.fired());
  CHECK(value.has_result());
  CHECK(nothing.has_result());
  CHECK(failed.has_result());
  CHECK(std::move(value).result().value() == 5);
  CHECK(std::move(nothing).result().has_value());
  CHECK(std::move(failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "maybe_deferred gives the value that a function returns") {
  auto sum = maybe_deferred([](int a, int b) { return a + b; }, 2, 3);
  auto nothing = maybe_deferred([] {});

  CHECK(std::move(sum).result().value() == 5);
  CHECK(std::move(nothing).result().has_value());
}

TEST_CASE_FIXTURE(Unhandled, "maybe_deferred gives the exception that a function throws") {
  auto rest = maybe_deferred([]() -> int { throw std::runtime_error("no"); });

  CHECK(std::move(rest).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "maybe_deferred gives a Deferred or Outcome that a function returns as it is") {
  auto [promise, pending] = make_deferred<int>();
  auto rest = maybe_deferred([&] { return std::move(pending); });
  auto failed = maybe_deferred([]() -> Outcome<int> { return Failure(std::runtime_error("no")); });
  CHECK(!rest.fired());

  promise.callback(1);

  CHECK(std::move(rest).result().value() == 1);
  CHECK(std::move(failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "maybe_deferred passes move-only arguments on") {
  auto rest = maybe_deferred([](std::unique_ptr<int> p) { return *p; }, std::make_unique<int>(5));

  CHECK(std::move(rest).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "dropping a Promise unfired fires AbandonedError, which says where it was made") {
  auto [promise, deferred] = make_deferred<int>();

  {
    const Promise<int> gone = std::move(promise);
  }

  const Outcome<int> outcome = std::move(deferred).result();
  REQUIRE(outcome.check<AbandonedError>());
  const std::string text = outcome.check<AbandonedError>()->what();
  CHECK(text.find("Promise<int> made at firing.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(Unhandled, "a moved-from Promise or Deferred says so when it is used") {
  auto [promise, deferred] = make_deferred<int>();
  Promise<int> other_promise = std::move(promise);
  Deferred<int> other = std::move(deferred);

  CHECK(!promise.valid());   // NOLINT: the state after a move is documented
  CHECK(!deferred.valid());  // NOLINT
  CHECK_THROWS_AS(promise.callback(1), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(std::move(deferred).result()), std::logic_error);
  CHECK_THROWS_AS(deferred.pause(), std::logic_error);
  CHECK_THROWS_AS(std::move(deferred).add_callback([](int) {}).detach(), std::logic_error);

  other_promise.callback(1);
  CHECK(std::move(other).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a Promise is fired with what converts to its value, and else with nothing") {
  static_assert(MakesResult<bool, int>);
  static_assert(!MakesResult<bool, std::optional<bool>>);
  static_assert(!MakesResult<bool, Outcome<bool>>);
  static_assert(!MakesResult<bool, Failure>);
  static_assert(!MakesResult<std::any, Failure>);
  static_assert(!MakesResult<std::vector<int>, int>);
  static_assert(MakesResult<std::vector<int>, int, int>);
  static_assert(MakesResult<std::string>);
  auto [promise, deferred] = make_deferred<std::string>();

  promise.callback("made of a literal");

  CHECK(std::move(deferred).result().value() == "made of a literal");
}

TEST_CASE_FIXTURE(Unhandled,
                  "firing with an Outcome whose value cannot be moved fires that error") {
  Outcome<ThrowsOnMove> outcome(ThrowsOnMove(5));
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();

  ThrowsOnMove::throwing = true;
  promise.fire(std::move(outcome));
  ThrowsOnMove::throwing = false;

  CHECK(std::move(deferred).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "add_both is told of a value that cannot be moved") {
  auto [promise, deferred] = make_deferred<ThrowsOnMove>();
  std::vector<std::string> told;
  promise.callback(5);

  ThrowsOnMove::throwing = true;
  auto rest = std::move(deferred).add_both([&](Outcome<ThrowsOnMove>&& outcome) {
    told.push_back(outcome ? "value" : outcome.failure().what());
  });
  ThrowsOnMove::throwing = false;

  CHECK(told == std::vector<std::string>{"the move threw"});
}
