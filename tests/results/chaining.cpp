// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.3: callbacks that return Deferreds.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "deferred/results/shared_deferred.hpp"
#include "tests/support/begun.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::begun;
using deferred::testing::Counted;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "a chain waits for the Deferred that a callback returned") {
  auto [inner_promise, inner] = make_deferred<std::string>();
  auto outer = begun([&] { return std::move(inner); });
  std::string seen;
  auto rest = std::move(outer).add_callback([&](std::string s) { seen = s; });
  CHECK(seen.empty());

  inner_promise.callback("inner");

  CHECK(seen == "inner");
}

TEST_CASE_FIXTURE(Unhandled, "a Deferred that is ready goes on as what its callback returned") {
  auto [inner_promise, inner] = make_deferred<int>();
  auto rest = succeed(1).add_callback([&](int) { return std::move(inner); });
  CHECK(!rest.has_result());

  inner_promise.callback(5);

  CHECK(std::move(rest).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "a chain waits for the Deferred that an errback returned") {
  auto [promise, deferred] = make_deferred<int>();
  auto [inner_promise, inner] = make_deferred<int>();
  auto rest = std::move(deferred).add_errback([&] { return std::move(inner); });
  promise.errback(std::runtime_error("no"));
  CHECK(!rest.has_result());

  inner_promise.callback(5);

  CHECK(std::move(rest).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled, "the result of a returned Deferred that has one is taken at once") {
  auto [promise, deferred] = make_deferred<void>();
  auto [inner_promise, fired] = make_deferred<int>();
  inner_promise.callback(2);
  auto rest = std::move(deferred).add_callback([] { return succeed(1); }).add_callback([&](int i) {
    return std::move(fired).add_callback([i](int j) { return 10 * i + j; });
  });

  promise.callback();

  CHECK(std::move(rest).result().value() == 12);
}

TEST_CASE_FIXTURE(Unhandled,
                  "the failure of a returned Deferred is the outer one's, and only its") {
  auto [promise, deferred] = make_deferred<void>();
  auto [inner_promise, inner] = make_deferred<int>();
  auto now = std::move(deferred).add_callback([] { return fail<int>(std::runtime_error("now")); });
  auto later = begun([&] { return std::move(inner); });

  promise.callback();
  inner_promise.errback(std::runtime_error("later"));

  CHECK(std::move(now).result().failure().what() == "now");
  CHECK(std::move(later).result().failure().what() == "later");
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that moved to an outer Deferred is reported once, as that one's") {
  {
    auto [inner_promise, inner] = make_deferred<int>();
    auto outer = begun([&] { return std::move(inner); });
    inner_promise.errback(std::runtime_error("no"));
    CHECK(take().empty());
  }

  CHECK(take() == std::vector<std::string>{"no"});
}

TEST_CASE_FIXTURE(Unhandled, "a failure's trace names the callback whose Deferred it came from") {
  auto [promise, deferred] = make_deferred<void>();
  auto [inner_promise, inner] = make_deferred<int>();
  auto outer = std::move(deferred).add_callback([&] { return std::move(inner); });
  promise.callback();

  inner_promise.errback(std::runtime_error("no"));

  CHECK(std::move(outer).result().failure().report().find("passed the chain at chaining.cpp:") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(Unhandled,
                  "waiting is transitive: a chain waits for one that waits for a third") {
  auto [promise, innermost] = make_deferred<int>();
  auto middle = begun([&] { return std::move(innermost); }).add_callback([](int i) {
    return i + 1;  // without a callback it would step aside
  });
  auto outer = begun([&] { return std::move(middle); }).add_callback([](int i) { return 10 * i; });
  CHECK(!outer.has_result());

  promise.callback(4);

  CHECK(std::move(outer).result().value() == 50);
}

TEST_CASE_FIXTURE(Unhandled,
                  "callbacks on the inner and middle Deferreds run before the outer goes on") {
  std::vector<std::string> ran;
  auto [promise, first] = make_deferred<int>();
  auto innermost = std::move(first).add_callback([&](int i) {
    ran.push_back("inner");
    return i;
  });
  auto middle = begun([&] { return std::move(innermost); }).add_callback([&](int i) {
    ran.push_back("middle");
    return i;
  });
  auto outer = begun([&] { return std::move(middle); }).add_callback([&](int i) {
    ran.push_back("outer");
    return i;
  });

  promise.callback(5);

  CHECK(ran == std::vector<std::string>{"inner", "middle", "outer"});
  CHECK(std::move(outer).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a chain that waits goes on twice in one run if it is made to wait again") {
  auto [first, one] = make_deferred<int>();
  auto [second, two] = make_deferred<int>();
  auto rest =
      begun([&] { return std::move(one); }).add_callback([&](int) { return std::move(two); });

  first.callback(1);
  CHECK(!rest.has_result());
  second.callback(2);

  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled,
                  "an inner Deferred fired while it is being returned goes on in the same run") {
  auto [inner_promise, inner] = make_deferred<int>();
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([&] {
    auto waiting = std::move(inner).add_callback([](int i) { return i + 1; });
    inner_promise.callback(1);
    return waiting;
  });

  promise.callback();

  CHECK(std::move(rest).result().value() == 2);
}

TEST_CASE_FIXTURE(Unhandled,
                  "returning the Deferred a callback is attached to is a CircularChainError") {
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> self;
  self = std::move(deferred).add_callback([&](int) { return std::move(self); });

  promise.callback(1);

  const std::vector<std::string> reported = take();
  REQUIRE(reported.size() == 1);  // the callback took the only handle with it
  CHECK(reported[0].find("waits for that same callback") != std::string::npos);
}

TEST_CASE_FIXTURE(Unhandled, "Deferreds that would wait for each other are a CircularChainError") {
  auto [first, a] = make_deferred<int>();
  auto [second, b] = make_deferred<int>();
  Deferred<int> a_rest;
  Deferred<int> b_rest;
  a_rest = std::move(a).add_callback([&](int) { return std::move(b_rest); });
  b_rest = std::move(b).add_callback([&](int) { return std::move(a_rest); });

  first.callback(1);
  second.callback(2);

  REQUIRE(take().size() == 1);
}

// Where the Promise was fired by a cancel, nobody waits any more.
TEST_CASE_FIXTURE(Unhandled, "a Promise that a cancel has fired closes no circle") {
  bool saw_cancelled = false;
  auto [first, a] = make_deferred<int>();
  auto [second, b] = make_deferred<int>();
  std::move(a)
      .add_callback([&](int) { return std::move(b); })
      .add_errback([&](const Cancelled&) {
        saw_cancelled = true;
        return 0;
      })
      .chain(std::move(second));
  b.cancel();

  first.callback(1);

  CHECK(saw_cancelled);
}

TEST_CASE_FIXTURE(Unhandled, "a cycle of a thousand Deferreds is found") {
  constexpr int many = 1000;
  std::vector<Promise<int>> promises;
  std::vector<Deferred<int>> waiting(many);
  for (int i = 0; i < many; ++i) {
    auto [promise, deferred] = make_deferred<int>();
    promises.push_back(std::move(promise));
    waiting[i] = std::move(deferred).add_callback(
        [&waiting, next = (i + 1) % many](int) { return std::move(waiting[next]); });
  }

  for (Promise<int>& promise : promises) promise.callback(1);

  CHECK(take().size() == 1);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a callback that returns a moved-from Deferred fails with a logic_error") {
  auto [promise, deferred] = make_deferred<void>();
  auto pending = std::move(deferred).add_callback([] { return Deferred<int>(); });
  auto ready = succeed().add_callback([] { return Deferred<int>(); });

  promise.callback();

  CHECK(std::move(pending).result().check<std::logic_error>());
  CHECK(std::move(ready).result().check<std::logic_error>());
}

TEST_CASE_FIXTURE(Unhandled, "describe says what a Deferred waits for, as long as it does") {
  const SourceLocation made = SourceLocation::current();
  const SourceLocation added = SourceLocation::current();
  const std::string self = "Deferred<int> made at " + to_string(made);
  auto [inner_promise, inner] = make_deferred<int>();
  auto [promise, deferred] = make_deferred<void>(made);
  auto rest = std::move(deferred).add_callback([&] { return std::move(inner); }, added);
  CHECK(rest.describe() == self + ", not fired");

  promise.callback();
  CHECK(rest.describe() ==
        self + ", waiting on the Deferred returned by the callback at " + to_string(added));
  inner_promise.callback(1);

  CHECK(rest.describe() == self + ", fired");
}

TEST_CASE_FIXTURE(Unhandled,
                  "chains wait for readers of one shared Deferred, and later readers are called") {
  auto [promise, deferred] = make_deferred<int>();
  const auto shared = std::move(deferred).share();
  const auto read = [](const int& i) { return i; };
  auto first = begun([&] { return shared.add_callback(read); });
  auto second = begun([&] { return shared.add_callback(read); });
  auto later = shared.add_callback(read);

  promise.callback(5);

  CHECK(std::move(first).result().value() == 5);
  CHECK(std::move(second).result().value() == 5);
  CHECK(std::move(later).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "values move along a chain of waiting Deferreds without a copy or a leak") {
  Counted::reset();
  {
    auto [promise, innermost] = make_deferred<Counted>();
    auto middle = begun([&] { return std::move(innermost); });
    auto outer = begun([&] { return std::move(middle); }).add_callback([](Counted c) { return c; });

    promise.callback(Counted(7));

    CHECK(std::move(outer).result().value().value == 7);
  }

  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled, "a chain that only waits on steps aside, and its reader can cancel") {
  bool asked = false;
  auto [innermost, third] = make_deferred<int>([&] { asked = true; });
  auto [start, second] = make_deferred<void>();
  auto waits = std::move(second).add_callback([&d = third] { return std::move(d); });
  start.callback();
  auto [begin, first] = make_deferred<void>();
  auto rest = std::move(first).add_callback([&] { return std::move(waits); });
  begin.callback();

  rest.cancel();

  CHECK(asked);
  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "a chain that is paused does not step aside") {
  auto [innermost, second] = make_deferred<int>();
  auto [promise, first] = make_deferred<void>();
  auto waits = std::move(first).add_callback([&d = second] { return std::move(d); });
  promise.callback();
  waits.pause();
  promise.pause();
  waits.unpause();
  auto [begin, outer] = make_deferred<void>();
  auto rest = std::move(outer).add_callback([&] { return std::move(waits); });
  begin.callback();
  innermost.callback(5);
  REQUIRE(!rest.has_result());

  promise.unpause();

  CHECK(std::move(rest).result().value() == 5);
}
