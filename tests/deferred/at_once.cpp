// SPDX-License-Identifier: MIT
//
// Yieldables that may answer at_once(), before their handler is called.
#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "deferred/value.hpp"
#include "deferred/yield_to.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Answers at once while there are some left; else in the next turn.
struct Stock {
  int left = 0;
  int handled = 0;  // calls of the handler

  std::optional<std::string> at_once() {
    if (left < 0) throw std::runtime_error("less than nothing");
    if (left == 0) return std::nullopt;
    --left;
    return "at once";
  }
  DelayedCall yield_to(Waiter<std::string> waiter) {
    ++handled;
    return schedule(std::move(waiter), 1s, "later");
  }
};

struct Gate {
  bool open = false;
  bool at_once() const { return open; }
  DelayedCall yield_to(Waiter<void> waiter) const { return schedule(std::move(waiter), 1s); }
};

TEST_CASE_FIXTURE(Loop, "what a yieldable answers at once needs no handler and no time") {
  Stock stock{.left = 1};

  const auto outcome = outcome_of([&]() -> Task<std::string> { co_return co_await stock; });

  CHECK(outcome.value() == "at once");
  CHECK(stock.handled == 0);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "the handler is called when there is no answer at once") {
  Stock stock;

  const auto outcome = outcome_of([&]() -> Task<std::string> { co_return co_await stock; });

  CHECK(outcome.value() == "later");
  CHECK(stock.handled == 1);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "at_once() of a void yieldable says whether it is done") {
  outcome_of([]() -> Task<> { co_await Gate{.open = true}; }).value();
  CHECK(now() == 0s);

  outcome_of([]() -> Task<> { co_await Gate{}; }).value();
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "what at_once() throws is thrown at the await, with its place") {
  Stock stock{.left = -1};

  const auto outcome = outcome_of([&]() -> Task<std::string> {
    try {
      co_await stock;
    } catch (const std::runtime_error& error) {
      co_return error.what();
    }
    co_return "";
  });

  CHECK(outcome.value() == "less than nothing");
}

TEST_CASE_FIXTURE(Loop, "an answer at once is no cancel point; a wait is one") {
  Stock stock{.left = 1};
  std::string got;
  Spawned<void> spawned = spawn(reactor, [&]() -> Task<> {
    got = co_await stock;
    got = co_await stock;
  });

  spawned.task().cancel();
  settle();

  CHECK(got == "at once");
  CHECK(stock.handled == 0);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a handler that is registered for the type is asked instead") {
  Stock stock{.left = 1};
  std::optional<Registration> registered = reactor.registry().when_type<Stock>(
      [](Stock&, Waiter<std::string> waiter) { waiter.resume("registered"); });

  const auto overridden = outcome_of([&]() -> Task<std::string> { co_return co_await stock; });
  registered.reset();
  const auto own = outcome_of([&]() -> Task<std::string> { co_return co_await stock; });

  CHECK(overridden.value() == "registered");
  CHECK(own.value() == "at once");
}

TEST_CASE_FIXTURE(Loop, "a handler that is registered for another type changes nothing") {
  Stock stock{.left = 1};
  const auto registered =
      reactor.registry().when_type<Gate>([](const Gate&, Waiter<void> waiter) { waiter.resume(); });

  const auto outcome = outcome_of([&]() -> Task<std::string> { co_return co_await stock; });

  CHECK(outcome.value() == "at once");
}

TEST_CASE_FIXTURE(Loop, "as_outcome and with_timeout answer at once what they wrap") {
  Stock stock{.left = 3};
  Spawned<void> spawned = spawn(reactor, [&]() -> Task<> {
    const auto outcome = co_await as_outcome(stock);
    CHECK(outcome.value() == "at once");
    const std::string timed = co_await with_timeout(5s, stock);
    CHECK(timed == "at once");
    const auto both = co_await as_outcome(with_timeout(5s, stock));
    CHECK(both.value() == "at once");
    stock.left = -1;
    const auto failed = co_await as_outcome(stock);
    CHECK(failed.check<std::runtime_error>());
  });

  spawned.task().cancel();  // none of them is a wait
  settle();

  outcome_of(std::move(spawned)).value();
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a decorator's handler gets the answer at once, too") {
  class Passed {
   public:
    explicit Passed(Stock& stock) : stock_(stock) {}
    Undo<Stock&> yield_to(Waiter<std::string> waiter) {
      return deferred::yield_to(stock_, std::move(waiter));
    }

   private:
    Stock& stock_;
  };
  Stock stock{.left = 1};
  Passed passed(stock);

  const auto first = outcome_of([&]() -> Task<std::string> { co_return co_await passed; });
  const auto second = outcome_of([&]() -> Task<std::string> { co_return co_await passed; });

  CHECK(first.value() == "at once");
  CHECK(second.value() == "later");
  CHECK(stock.handled == 1);
}

}  // namespace
