// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.1: adding callbacks, and in which order they run.
#include <doctest/doctest.h>

#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/begun.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::begun;
using deferred::testing::Counted;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "callbacks run in the order in which they were added") {
  std::vector<int> ran;
  auto [promise, deferred] = make_deferred<void>();
  std::move(deferred)
      .add_callback([&] { ran.push_back(1); })
      .add_callback([&] { ran.push_back(2); })
      .add_callbacks([&] { ran.push_back(3); }, [&](const Failure&) { ran.push_back(-3); })
      .add_both([&](Outcome<void>) { ran.push_back(4); })
      .detach();

  promise.callback();

  CHECK(ran == std::vector{1, 2, 3, 4});
}

TEST_CASE_FIXTURE(Unhandled, "a callback sees the value and is passed by a failure") {
  std::vector<std::string> ran;
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();
  std::move(value).add_callback([&](int i) { ran.push_back("got " + std::to_string(i)); }).detach();
  auto rest = std::move(failed).add_callback([&](int) { ran.push_back("not called"); });

  good.callback(5);
  bad.errback(std::runtime_error("no"));

  CHECK(ran == std::vector<std::string>{"got 5"});
  CHECK(std::move(rest).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "an errback sees a failure and is passed by a value") {
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();
  auto first = std::move(value).add_errback([](const Failure&) { return -1; });
  auto second = std::move(failed).add_errback([](const Failure&) { return -1; });

  good.callback(5);
  bad.errback(std::runtime_error("no"));

  CHECK(std::move(first).result().value() == 5);
  CHECK(std::move(second).result().value() == -1);
}

TEST_CASE_FIXTURE(Unhandled, "a typed errback is passed by a failure of another type") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred)
                  .add_errback([](const std::logic_error&) { return 1; })
                  .add_errback([](const std::out_of_range&) { return 2; })
                  .add_errback([](const std::runtime_error&) { return 3; });

  promise.errback(std::runtime_error("no"));

  CHECK(std::move(rest).result().value() == 3);
}

TEST_CASE_FIXTURE(Unhandled, "a typed errback takes errors that derive from its type") {
  auto rest = fail<int>(std::out_of_range("far")).add_errback([](const std::exception& error) {
    CHECK(std::string(error.what()) == "far");
    return 1;
  });

  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "an errback without a parameter takes any failure") {
  auto rest = fail<int>(42).add_errback([] { return 1; });

  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "the failure of a callback does not reach the errback added with it") {
  auto rest = succeed(1).add_callbacks([](int) -> int { throw std::runtime_error("no"); },
                                       [](const Failure&) { return 2; });

  CHECK(std::move(rest).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "add_callbacks with a failure gives what its errback returns") {
  auto rest = fail<int>(42).add_callbacks([](int) { return std::string("value"); },
                                          [](int error) { return std::to_string(error); });

  CHECK(std::move(rest).result().value() == "42");
}

TEST_CASE_FIXTURE(Unhandled, "add_both gets either side as an Outcome") {
  const auto side = [](Outcome<int> outcome) { return outcome.has_value() ? *outcome : -1; };

  CHECK(succeed(5).add_both(side).result().value() == 5);
  CHECK(fail<int>(std::runtime_error("no")).add_both(side).result().value() == -1);
}

TEST_CASE_FIXTURE(Unhandled, "what a callback needs beside the result is captured") {
  const std::string greeting = "hello ";

  auto rest = succeed(std::string("world")).add_callback([greeting](std::string name) {
    return greeting + name;
  });

  CHECK(std::move(rest).result().value() == "hello world");
}

TEST_CASE_FIXTURE(Unhandled,
                  "a callback added to a fired Deferred runs before add_callback returns") {
  bool ran = false;
  auto [promise, deferred] = make_deferred<int>();
  promise.callback(1);

  auto rest = std::move(deferred).add_callback([&](int) { ran = true; });

  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled, "a callback added to a Deferred that waits for another is queued") {
  bool ran = false;
  auto [inner_promise, inner] = make_deferred<int>();
  auto outer = begun([&] { return std::move(inner); });

  auto rest = std::move(outer).add_callback([&](int) { ran = true; });

  CHECK(!ran);
  inner_promise.callback(2);
  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a callback added from inside a callback runs last, and not inside it") {
  std::vector<std::string> ran;
  auto [promise, deferred] = make_deferred<void>();
  Deferred<void> rest;
  rest = std::move(deferred)
             .add_callback([&] {
               ran.push_back("first begins");
               rest = std::move(rest).add_callback([&] { ran.push_back("added"); });
               ran.push_back("first ends");
             })
             .add_callback([&] { ran.push_back("second"); });

  promise.callback();

  CHECK(ran == std::vector<std::string>{"first begins", "first ends", "second", "added"});
}

TEST_CASE_FIXTURE(Unhandled,
                  "the failure of a callback added from inside reaches the next errback") {
  bool trapped = false;
  auto [promise, deferred] = make_deferred<void>();
  Deferred<void> rest;
  rest = std::move(deferred).add_callback([&] {
    rest = std::move(rest)
               .add_callback([] { throw std::runtime_error("no"); })
               .add_errback([&](const std::runtime_error&) { trapped = true; });
  });

  promise.callback();

  CHECK(trapped);
}

TEST_CASE_FIXTURE(Unhandled, "a callback is destroyed as soon as it ran") {
  Counted::reset();
  int live_in_second = -1;
  auto [promise, deferred] = make_deferred<void>();
  std::move(deferred)
      .add_callback([captured = Counted()] {})
      .add_callback([&] { live_in_second = Counted::live; })
      .detach();

  promise.callback();

  CHECK(live_in_second == 0);
}

TEST_CASE_FIXTURE(Unhandled, "a callback that is passed by is destroyed too") {
  Counted::reset();
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([captured = Counted()] {});

  promise.errback(Cancelled{});

  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled,
                  "callbacks may be any callable: functions, members, move-only lambdas") {
  struct Account {
    int balance = 3;
    int plus(int i) const { return balance + i; }
  } account;
  const auto negated = std::negate<int>();
  auto moved = std::make_unique<int>(2);

  auto rest = succeed(1)
                  .add_callback(std::bind_front(&Account::plus, &account))
                  .add_callback(negated)
                  .add_callback([two = std::move(moved)](int i) { return i * *two; });

  CHECK(std::move(rest).result().value() == -8);
}

TEST_CASE_FIXTURE(Unhandled, "a callback may take the value by value, const reference or rvalue") {
  auto rest = succeed(std::string("a"))
                  .add_callback([](const std::string& s) { return s + "b"; })
                  .add_callback([](std::string&& s) { return std::move(s) + "c"; })
                  .add_callback([](std::string s) { return s + "d"; });

  CHECK(std::move(rest).result().value() == "abcd");
}

// Its captures were overwritten by the callback that they added.
TEST_CASE_FIXTURE(Unhandled, "a canceller's captures may add a callback as they are destroyed") {
  struct AddsAtEnd {
    explicit AddsAtEnd(Deferred<int>& to) : deferred(&to) {}
    AddsAtEnd(AddsAtEnd&& other) noexcept : deferred(std::exchange(other.deferred, nullptr)) {}
    ~AddsAtEnd() {
      if (!deferred) return;
      std::array<char, 64> large{};
      large.fill(2);
      *deferred = std::move(*deferred).add_callback([large](int v) { return v + large[63]; });
    }
    Deferred<int>* deferred;
  };
  const auto kept = std::make_shared<int>(7);
  Deferred<int> deferred;
  auto [promise, made] =
      make_deferred<int>([kept, filler = std::array<char, 32>(), adds = AddsAtEnd(deferred)] {
        static_cast<void>(filler);
      });
  deferred = std::move(made);

  promise.callback(1);

  CHECK(kept.use_count() == 1);
  CHECK(std::move(deferred).result().value() == 3);
}

TEST_CASE_FIXTURE(Unhandled, "a value goes from callback to callback without a copy") {
  Counted::reset();
  auto [promise, deferred] = make_deferred<Counted>();
  auto rest =
      std::move(deferred).add_callback([](Counted c) { return c; }).add_callback([](Counted&& c) {
        return std::move(c);
      });

  promise.callback(Counted(7));

  CHECK(std::move(rest).result().value().value == 7);
  CHECK(Counted::copies == 0);
}
