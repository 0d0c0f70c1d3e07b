// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.3 and 1.4: callbacks that return Deferreds, and Deferreds piped into
// others.
#include <doctest/doctest.h>

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
using deferred::testing::Counted;
using deferred::testing::Unhandled;

TEST_CASE_FIXTURE(Unhandled, "a chain waits for the Deferred that a callback returned") {
  auto [inner_promise, inner] = make_deferred<std::string>();
  auto outer = succeed(1).add_callback([&](int) { return std::move(inner); });
  std::string seen;
  auto rest = std::move(outer).add_callback([&](std::string s) { seen = s; });
  CHECK(seen.empty());

  inner_promise.callback("inner");

  CHECK(seen == "inner");
}

TEST_CASE_FIXTURE(Unhandled, "a chain waits for the Deferred that an errback returned") {
  auto [inner_promise, inner] = make_deferred<int>();
  auto rest = fail<int>(std::runtime_error("no")).add_errback([&] { return std::move(inner); });
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
  auto later = succeed().add_callback([&] { return std::move(inner); });

  promise.callback();
  inner_promise.errback(std::runtime_error("later"));

  CHECK(std::move(now).result().failure().what() == "now");
  CHECK(std::move(later).result().failure().what() == "later");
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that moved to an outer Deferred is reported once, as that one's") {
  {
    auto [inner_promise, inner] = make_deferred<int>();
    auto outer = succeed().add_callback([&] { return std::move(inner); });
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
  auto middle = succeed().add_callback([&] { return std::move(innermost); });
  auto outer = succeed().add_callback([&] { return std::move(middle); });
  CHECK(!outer.has_result());

  promise.callback(5);

  CHECK(std::move(outer).result().value() == 5);
}

TEST_CASE_FIXTURE(Unhandled,
                  "callbacks on the inner and middle Deferreds run before the outer goes on") {
  std::vector<std::string> ran;
  auto [promise, first] = make_deferred<int>();
  auto innermost = std::move(first).add_callback([&](int i) {
    ran.push_back("inner");
    return i;
  });
  auto middle =
      succeed().add_callback([&] { return std::move(innermost); }).add_callback([&](int i) {
        ran.push_back("middle");
        return i;
      });
  auto outer = succeed().add_callback([&] { return std::move(middle); }).add_callback([&](int i) {
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
  auto rest = succeed().add_callback([&] { return std::move(one); }).add_callback([&](int) {
    return std::move(two);
  });

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

TEST_CASE_FIXTURE(Unhandled, "describe says what a Deferred waits for") {
  auto [inner_promise, inner] = make_deferred<int>();
  auto [promise, deferred] = make_deferred<void>();
  auto rest = std::move(deferred).add_callback([&] { return std::move(inner); });
  const std::string before = rest.describe();

  promise.callback();

  CHECK(before.find("Deferred<int> made at chaining.cpp:") == 0);
  CHECK(before.find("not fired") != std::string::npos);
  CHECK(rest.describe().find("waiting on the Deferred returned by the callback at chaining.cpp:") !=
        std::string::npos);
  inner_promise.callback(1);
  CHECK(rest.describe().find(", fired") != std::string::npos);
}

TEST_CASE_FIXTURE(Unhandled,
                  "values move along a chain of waiting Deferreds without a copy or a leak") {
  Counted::reset();
  {
    auto [promise, innermost] = make_deferred<Counted>();
    auto middle = succeed().add_callback([&] { return std::move(innermost); });
    auto outer = succeed().add_callback([&] { return std::move(middle); });

    promise.callback(Counted(7));

    CHECK(std::move(outer).result().value().value == 7);
  }

  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Unhandled, "chain fires the next Promise with a value or a failure") {
  auto [good, value] = make_deferred<int>();
  auto [bad, failed] = make_deferred<int>();
  auto [next_good, next_value] = make_deferred<int>();
  auto [next_bad, next_failed] = make_deferred<int>();
  std::move(value).chain(std::move(next_good));
  std::move(failed).chain(std::move(next_bad));

  good.callback(5);
  bad.errback(std::runtime_error("no"));

  CHECK(std::move(next_value).result().value() == 5);
  CHECK(std::move(next_failed).result().check<std::runtime_error>());
}

TEST_CASE_FIXTURE(Unhandled, "chaining a fired Deferred fires the next at once") {
  auto [first, ready_next] = make_deferred<int>();
  auto [second, fired_next] = make_deferred<int>();
  auto [promise, fired] = make_deferred<int>();
  promise.callback(6);

  succeed(5).chain(std::move(first));
  std::move(fired).chain(std::move(second));

  CHECK(std::move(ready_next).result().value() == 5);
  CHECK(std::move(fired_next).result().value() == 6);
}

TEST_CASE_FIXTURE(Unhandled, "cancelling the next Deferred does not cancel the chained one") {
  bool cancelled = false;
  auto [promise, deferred] = make_deferred<int>([&] { cancelled = true; });
  auto [next, rest] = make_deferred<int>();
  std::move(deferred).chain(std::move(next));

  rest.cancel();
  CHECK(!cancelled);
  promise.callback(1);

  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that comes after the next was cancelled is its one late answer") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  std::move(deferred).chain(std::move(next));
  rest.cancel();

  promise.errback(std::runtime_error("late"));

  CHECK(take().empty());
  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that comes after the next's canceller answered is reported") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>([] {});
  std::move(deferred).chain(std::move(next));
  rest.cancel();

  promise.errback(std::runtime_error("late"));

  CHECK(take() == std::vector<std::string>{"late"});
  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled,
                  "chaining into a Promise that was fired throws AlreadyCalledError at once") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  next.callback(1);

  CHECK_THROWS_AS(std::move(deferred).chain(std::move(next)), AlreadyCalledError);

  promise.callback(2);
  CHECK(std::move(deferred).result().value() == 2);  // NOLINT: chain() did not take it
  CHECK(std::move(rest).result().value() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "chaining into a cancelled Promise drops the result") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  rest.cancel();

  std::move(deferred).chain(std::move(next));
  promise.errback(std::runtime_error("late"));

  CHECK(std::move(rest).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Unhandled, "chaining a Deferred to its own Promise is a CircularChainError") {
  auto [promise, deferred] = make_deferred<int>();
  auto rest = std::move(deferred).add_callback([](int n) { return n; });

  CHECK_THROWS_AS(std::move(rest).chain(std::move(promise)), CircularChainError);

  CHECK(std::move(rest).result().check<AbandonedError>());  // NOLINT: chain() did not take it
}

// Hung in silence: only what callbacks returned was looked at.
TEST_CASE_FIXTURE(Unhandled,
                  "Deferreds chained in a circle are a CircularChainError, at any length") {
  for (const int length : {2, 3, 1000}) {
    CAPTURE(length);
    auto [first, last] = make_deferred<int>();
    for (int i = 1; i < length; ++i) {
      auto [promise, next] = make_deferred<int>();
      std::move(last).chain(std::move(promise));
      last = std::move(next);
    }

    CHECK_THROWS_AS(std::move(last).chain(std::move(first)), CircularChainError);

    CHECK(std::move(last).result().check<AbandonedError>());  // NOLINT: chain() did not take it
  }
}

TEST_CASE_FIXTURE(Unhandled,
                  "a circle of chain() and of returned Deferreds is found from both sides") {
  for (const int hops : {1, 2, 50}) {
    CAPTURE(hops);
    auto [promise, outer] = make_deferred<int>();
    auto [last, inner] = make_deferred<int>();
    std::vector<std::string> ends;
    auto rest = std::move(outer)
                    .add_callback([&](int) { return std::move(inner); })
                    .add_errback([&](const CircularChainError&) {
                      ends.push_back("circle");
                      return 0;
                    });
    for (int i = 1; i < hops; ++i) {
      auto [next, after] = make_deferred<int>();
      std::move(rest).chain(std::move(next));
      rest = std::move(after);
    }
    std::move(rest).chain(std::move(last));

    promise.callback(1);

    CHECK(ends == std::vector<std::string>{"circle"});
  }

  auto [promise, outer] = make_deferred<int>();
  auto [last, inner] = make_deferred<int>();
  auto rest = std::move(outer).add_callback([&](int) { return std::move(inner); });
  promise.callback(1);

  CHECK_THROWS_AS(std::move(rest).chain(std::move(last)), CircularChainError);

  CHECK(std::move(rest).result().check<AbandonedError>());  // NOLINT: chain() did not take it
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
