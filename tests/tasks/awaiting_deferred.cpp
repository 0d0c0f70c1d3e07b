// SPDX-License-Identifier: MIT
//
// Awaiting Deferreds and handles in tasks. ("row" is the number of the behaviour in Twisted's
// checklist; more of them are in deferred_coroutine.cpp and cancel.cpp.)
#include "deferred/tasks/spawn.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/reactor/add_timeout.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

template <class T>
Task<T> await_deferred(Deferred<T> d) {
  co_return co_await std::move(d);
}

// Nobody could unpause what a task waits for, and it waited for ever.
TEST_CASE_FIXTURE(Loop, "the pause of an awaited Deferred ends with its Promise") {
  auto [promise, deferred] = make_deferred<int>();
  deferred.pause();
  promise.callback(5);
  SUBCASE("that goes later") {
    auto task = spawn(reactor, await_deferred(std::move(deferred)));
    settle();
    CHECK_FALSE(task.done());
    promise = {};
    settle();
    CHECK(outcome_of(std::move(task)).value() == 5);
  }
  SUBCASE("that has gone") {
    promise = {};
    CHECK(outcome_of(await_deferred(std::move(deferred))).value() == 5);
  }
  SUBCASE("for who waits with a limit, too") {
    auto limited = add_timeout(std::move(deferred), 1h, reactor);
    promise = {};
    CHECK(std::move(limited).result().value() == 5);
  }
  SUBCASE("for run_until(), too") {
    reactor.post([&] { promise = {}; });
    CHECK(reactor.run_until(std::move(deferred)) == 5);
  }
}

TEST_CASE_FIXTURE(Loop, "row 92: a task goes on at once with the value of a fired Deferred") {
  bool others_ran = false;
  outcome_of([&]() -> Task<> {
    reactor.post([&] { others_ran = true; });
    const int got = co_await succeed(5);
    CHECK(got == 5);
    CHECK_FALSE(others_ran);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a task goes on in the next round after its Deferred fires") {
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, await_deferred(std::move(deferred)));
  settle();

  promise.callback(6);
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 6);
}

// Krondo's exercise: two awaits each, in all orders that keep each one's own.
TEST_CASE_FIXTURE(Loop,
                  "coroutines interleave at their awaits only, in any order of what they await") {
  for (const std::string order : {"aabb", "abab", "abba", "baab", "baba", "bbaa"}) {
    std::string seen;
    std::vector<Promise<void>> awaited[2];
    const auto twice = [&](char name) -> Task<> {
      for (int i = 0; i < 2; ++i) {
        auto [promise, deferred] = make_deferred<void>();
        awaited[name - 'a'].push_back(std::move(promise));
        co_await std::move(deferred);
        seen += name;
        seen += '(';
        seen += name;
        seen += ')';
      }
    };
    spawn(reactor, twice, 'a');
    spawn(reactor, twice, 'b');
    settle();

    std::string expected;
    for (const char name : order) {
      awaited[name - 'a'].back().callback();
      expected += std::string(1, name) + '(' + name + ')';
      settle();
    }

    CHECK(seen == expected);
  }
}

TEST_CASE_FIXTURE(Loop, "the failure of a Deferred is thrown at the await, as what it is") {
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, await_deferred(std::move(deferred)));
  settle();

  promise.errback(std::out_of_range("far"));
  settle();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<std::out_of_range>());
  CHECK(outcome.failure().what() == "far");
}

TEST_CASE_FIXTURE(Loop, "a Promise that is dropped throws AbandonedError at the await") {
  std::optional made = make_deferred<int>();
  auto spawned = spawn(reactor, await_deferred(std::move(made->second)));
  settle();

  made.reset();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "callbacks that were added before run before the await's end") {
  auto [promise, deferred] = make_deferred<int>();
  auto doubled = std::move(deferred).add_callback([](int n) { return 2 * n; });
  auto spawned = spawn(reactor, await_deferred(std::move(doubled)));
  settle();

  promise.callback(4);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 8);
}

TEST_CASE_FIXTURE(Loop, "a value can be move-only, large, or without anything") {
  CHECK(*outcome_of(await_deferred(succeed(std::make_unique<int>(1)))).value() == 1);
  CHECK(outcome_of(await_deferred(succeed(Large(2)))).value().value == 2);
  CHECK(outcome_of(await_deferred(succeed())).has_value());
}

// AsyncTask: `if not input_` turned them into None.
TEST_CASE_FIXTURE(Loop, "a value can be 0, an empty text, false or an empty list") {
  outcome_of([]() -> Task<> {
    const int zero = co_await succeed(0);
    const std::string empty = co_await succeed(std::string());
    const bool no = co_await succeed(false);
    const std::vector<std::string> none = co_await succeed(std::vector<std::string>());
    CHECK(zero == 0);
    CHECK(empty.empty());
    CHECK_FALSE(no);
    CHECK(none.empty());
  }).value();
}

TEST_CASE_FIXTURE(Loop, "a value is never copied on its way") {
  Counted::reset();
  auto [promise, deferred] = make_deferred<Counted>();
  auto spawned = spawn(reactor, await_deferred(std::move(deferred)));
  settle();

  promise.callback(7);
  settle();

  CHECK(outcome_of(std::move(spawned)).value().value == 7);
  CHECK(Counted::copies == 0);
  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "awaiting a Deferred that was moved from is an error at the await") {
  const auto outcome = outcome_of(await_deferred(Deferred<int>()));

  CHECK(outcome.check<std::logic_error>());
}

TEST_CASE_FIXTURE(Loop,
                  "abandoning an await cancels the operation, and its late answer is dropped") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++cancels; });
  const auto outcome = outcome_of([d = std::move(deferred)]() mutable -> Task<int> {
    co_return co_await with_timeout(1s, std::move(d));
  });

  CHECK(outcome.check<TimeoutError>());
  CHECK(cancels == 1);
  CHECK(promise.fired());
}

TEST_CASE_FIXTURE(Loop, "an await that ends after its Deferred has fired does not cancel it") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++cancels; });
  auto spawned = spawn(reactor, await_deferred(std::move(deferred)));
  settle();
  promise.callback(1);

  spawned.task().close();

  CHECK(cancels == 0);
}

TEST_CASE_FIXTURE(Loop, "a Deferred may be fired from inside another microthread") {
  auto [promise, deferred] = make_deferred<std::string>();
  std::string order;
  spawn(reactor,
        [&, d = std::move(deferred)]() mutable -> Task<> { order += co_await std::move(d); });
  spawn(reactor, [&, p = std::move(promise)]() mutable -> Task<> {
    co_await Pause();
    p.callback("waiting ");
    order += "firing ";
  });

  settle();

  CHECK(order == "firing waiting ");
}

TEST_CASE_FIXTURE(Loop, "a Deferred that callbacks resolve with another is awaited to the end") {
  auto [outer_promise, outer] = make_deferred<int>();
  auto [inner_promise, inner] = make_deferred<int>();
  auto chained = std::move(outer).add_callback([&inner = inner](int) { return std::move(inner); });
  auto spawned = spawn(reactor, await_deferred(std::move(chained)));
  settle();
  outer_promise.callback(1);
  settle();
  REQUIRE_FALSE(spawned.done());

  inner_promise.callback(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "row 95: an await takes the Deferred, and a second one has none") {
  const auto twice = []() -> Task<int> {
    Deferred<int> deferred = succeed(5);
    int got = co_await std::move(deferred);
    CHECK_FALSE(deferred.valid());  // NOLINT: the state after a move is documented
    try {
      got += co_await std::move(deferred);
    } catch (const std::logic_error&) {
      got += 100;
    }
    co_return got;
  };

  CHECK(outcome_of(twice).value() == 105);
}

TEST_CASE_FIXTURE(Loop,
                  "a callback of the awaited chain may close the microthread that awaits it") {
  auto [promise, deferred] = make_deferred<int>();
  std::optional<TaskRef> task;
  auto closing = std::move(deferred).add_callback([&](int n) {
    task->close();
    return n;
  });
  auto spawned = spawn(reactor, await_deferred(std::move(closing)));
  task = spawned.task();
  settle();

  promise.callback(1);
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "an await that is cancelled leaves the callbacks before it in the chain") {
  auto [promise, deferred] = make_deferred<int>([] {});
  int ran = 0;
  auto counting = std::move(deferred)
                      .add_both([&](Outcome<int> o) { return ++ran, o; })
                      .add_both([&](Outcome<int> o) { return ++ran, o; });
  auto spawned = spawn(reactor, await_deferred(std::move(counting)));
  settle();

  spawned.task().cancel();
  settle();

  CHECK(ran == 2);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a value whose move throws at the await is that error there") {
  struct Throwing {
    explicit Throwing(int* left) : moves_left(left) {}
    Throwing(Throwing&& other) : moves_left(other.moves_left) {
      if ((*moves_left)-- == 0) throw std::out_of_range("no more moves");
    }
    int* moves_left;
  };
  int moves_left = 1000;
  auto [promise, deferred] = make_deferred<Throwing>();
  auto spawned = spawn(reactor, [&deferred = deferred]() -> Task<> {
    [[maybe_unused]] Throwing got = co_await std::move(deferred);
  });
  settle();
  promise.callback(Throwing(&moves_left));
  moves_left = 0;
  settle();

  CHECK(outcome_of(std::move(spawned)).check<std::out_of_range>());
}

/// Answers by itself and drops its wait for a Deferred.
class Impatient {
 public:
  Impatient(Deferred<int>&& deferred, int answer)
      : deferred_(std::move(deferred)), answer_(answer) {}
  void yield_to(Waiter<int> waiter) && {
    {
      auto dropped = deferred::yield_to(std::move(deferred_), waiter);
    }
    waiter.resume(answer_);
  }

 private:
  Deferred<int> deferred_;
  int answer_;
};

TEST_CASE_FIXTURE(Loop, "a decorator that drops its wait for a Deferred answers as it likes") {
  auto [promise, deferred] = make_deferred<int>();
  Impatient impatient(std::move(deferred), 42);

  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await std::move(impatient); });

  CHECK(outcome.value() == 42);
  CHECK(promise.fired());
}

}  // namespace
