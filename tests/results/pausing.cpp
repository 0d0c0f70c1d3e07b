// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.5: pause and unpause.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/begun.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::begun;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "callbacks run when there were as many unpauses as pauses") {
  bool ran = false;
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([&] { ran = true; });
  rest.pause();
  rest.pause();
  promise.callback();
  CHECK(!ran);

  rest.unpause();
  CHECK(!ran);
  rest.unpause();

  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled, "firing a paused Deferred stores the result and runs nothing") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred).add_errback([](const std::runtime_error&) { return 1; });
  rest.pause();

  promise.errback(std::runtime_error("no"));
  CHECK(rest.fired());
  CHECK(!rest.has_result());
  rest.unpause();

  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "unpausing before the fire runs nothing") {
  bool ran = false;
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([&] { ran = true; });
  rest.pause();
  rest.unpause();
  CHECK(!ran);

  promise.callback();

  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled, "a callback added to a fired and paused Deferred is queued") {
  bool ran = false;
  auto deferred = succeed(1);
  deferred.pause();

  auto rest = std::move(deferred).add_callback([&](int) { ran = true; });
  CHECK(!ran);
  rest.unpause();

  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled, "an unpause too many throws NotPausedError and changes nothing") {
  auto [promise, deferred] = make_deferred<int>();

  CHECK_THROWS_AS(deferred.unpause(), NotPausedError);
  CHECK_THROWS_AS(promise.unpause(), NotPausedError);

  promise.callback(1);
  CHECK(std::move(deferred).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "pausing inside a callback holds the chain after that callback") {
  std::vector<int> ran;
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred)
                  .add_callback([&, &p = promise] {
                    p.pause();
                    ran.push_back(1);
                  })
                  .add_callback([&] { ran.push_back(2); });

  promise.callback();
  CHECK(ran == std::vector{1});
  promise.unpause();

  CHECK(ran == std::vector{1, 2});
}

TEST_CASE_FIXTURE(Unhandled,
                  "pausing and unpausing inside a callback does not run the chain inside it") {
  std::vector<std::string> ran;
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred)
                  .add_callback([&, &p = promise] {
                    p.pause();
                    p.unpause();
                    ran.push_back("first");
                  })
                  .add_callback([&] { ran.push_back("second"); });

  promise.callback();

  CHECK(ran == std::vector<std::string>{"first", "second"});
}

TEST_CASE_FIXTURE(Unhandled,
                  "a chain waits for the unpause of a paused Deferred that was returned") {
  auto [inner_promise, inner] = make_deferred<int>();
  inner_promise.pause();
  inner_promise.callback(5);
  auto outer = begun([&] { return std::move(inner); });
  CHECK(!outer.has_result());

  inner_promise.unpause();

  CHECK(std::move(outer).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a paused Deferred on the way up stops only what waits for it") {
  std::vector<std::string> ran;
  auto [promise, innermost] = make_deferred<int>();
  auto [middle_promise, middle_start] = make_deferred<void>();
  auto inner = std::move(innermost).add_callback([&](int i) {
    ran.push_back("inner");
    return i;
  });
  auto middle = std::move(middle_start)
                    .add_callback([&] { return std::move(inner); })
                    .add_callback([&](int i) {
                      ran.push_back("middle");
                      return i;
                    });
  middle_promise.callback();
  middle_promise.pause();
  auto outer = begun([&] { return std::move(middle); });

  promise.callback(5);
  CHECK(ran == std::vector<std::string>{"inner"});
  CHECK(!outer.has_result());
  middle_promise.unpause();

  CHECK(ran == std::vector<std::string>{"inner", "middle"});
  CHECK(std::move(outer).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failed, paused and dropped Deferred is reported when nobody can unpause it") {
  {
    auto [promise, deferred] = make_deferred<int>();
    deferred.pause();
    promise.errback(std::runtime_error("no"));
    {
      const Deferred<int> gone = std::move(deferred);
    }
    CHECK(take().empty());  // the Promise could still unpause it
  }

  CHECK(take() == std::vector<std::string>{"no"});
}

TEST_CASE_FIXTURE(Unhandled,
                  "callbacks of a paused chain run when nobody is left who could unpause it") {
  bool ran = false;
  {
    auto [promise, deferred] = make_deferred<void>();
    promise.pause();
    std::move(deferred).add_callback([&] { ran = true; }).detach();
    promise.callback();
    CHECK(!ran);
  }

  CHECK(ran);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a returned Deferred that nobody can unpause is not waited for in vain") {
  auto [promise, deferred] = make_deferred<void>();
  auto inner = succeed(5);
  inner.pause();
  auto outer = std::move(deferred).add_callback([&] { return std::move(inner); });

  promise.callback();

  CHECK(std::move(outer).result().value() == 5);
}

// Who shares it keeps it to cancel, and could not unpause: it stayed paused, and was never freed.
TEST_CASE_FIXTURE(Unhandled, "the pause of a shared Deferred ends with its Promise") {
  int got = 0;
  SUBCASE("that is dropped later") {
    auto [promise, deferred] = make_deferred<int>();
    deferred.pause();
    const auto shared = std::move(deferred).share();
    auto reader = shared.add_callback([&](int value) { got = value; });
    promise.callback(5);
    CHECK(got == 0);

    promise = {};
  }
  SUBCASE("that was dropped before") {
    auto [promise, deferred] = make_deferred<int>();
    deferred.pause();
    promise.callback(5);
    promise = {};
    CHECK(got == 0);

    const auto shared = std::move(deferred).share();
    auto reader = shared.add_callback([&](int value) { got = value; });
  }
  CHECK(got == 5);
}

// Each waited for the other to be unpaused, or fired, and was never freed.
TEST_CASE_FIXTURE(Unhandled, "nobody unpauses by a Promise that another Deferred is to fire") {
  const auto held = std::make_shared<int>();
  {
    auto [first, a] = make_deferred<int>();
    auto [second, b] = make_deferred<int>();
    std::move(a).chain(std::move(second));
    b.pause();
    b.cancel();
    std::move(b).add_both([held](const Outcome<int>&) { return 1; }).chain(std::move(first));
  }
  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "describe says that a Deferred is paused") {
  auto [promise, deferred] = make_deferred<int>();
  deferred.pause();

  CHECK(deferred.describe().find("not fired, paused") != std::string::npos);

  deferred.unpause();
  promise.callback(1);
}
