// SPDX-License-Identifier: MIT
//
// The law of yield_to, 7: what was given away to be awaited is told if it is not reached, however
// many decorators it is in, a user's among them.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deferred/reactor/registry.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// A decorator as a user writes it, which owns what it decorates.
template <class Y>
class Mine {
 public:
  explicit Mine(Y&& x) : x_(std::forward<Y>(x)) {}
  Undo<Y> yield_to(Waiter<AwaitedResult<Y>> waiter) && {
    return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
  }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Y x_;
};
template <class Y>
Mine<Y> mine(Y&& x) {
  return Mine<Y>(std::forward<Y>(x));
}

/// An operation that notes that it was cancelled, and then fails.
class Order {
 public:
  Deferred<int> deferred() {
    auto [promise, result] = make_deferred<int>([this](Promise<int>& to) {
      cancelled = true;
      to.errback(std::string("it was cancelled"));
    });
    promise_ = std::move(promise);
    return std::move(result);
  }
  bool cancelled = false;

 private:
  Promise<int> promise_;
};

/// Each way to wait for a Deferred<int>, as a coroutine that does nothing else.
struct Way {
  std::string name;
  Task<> (*wait)(Deferred<int> order);
};
const std::vector<Way> ways = {
    {"bare", [](Deferred<int> order) -> Task<> { static_cast<void>(co_await std::move(order)); }},
    {"as_outcome",
     [](Deferred<int> order) -> Task<> {
       static_cast<void>(co_await as_outcome(std::move(order)));
     }},
    {"with_timeout",
     [](Deferred<int> order) -> Task<> {
       static_cast<void>(co_await with_timeout(1h, std::move(order)));
     }},
    {"a user's decorator",
     [](Deferred<int> order) -> Task<> { static_cast<void>(co_await mine(std::move(order))); }},
    {"a user's decorator in built-in ones",
     [](Deferred<int> order) -> Task<> {
       static_cast<void>(co_await as_outcome(with_timeout(1h, mine(std::move(order)))));
     }},
    {"a user's decorator around built-in ones",
     [](Deferred<int> order) -> Task<> {
       static_cast<void>(co_await mine(with_timeout(1h, as_outcome(std::move(order)))));
     }},
    {"a Value",
     [](Deferred<int> order) -> Task<> { static_cast<void>(co_await Value(std::move(order))); }},
    {"a Value with a user's decorator",
     [](Deferred<int> order) -> Task<> {
       static_cast<void>(co_await Value(mine(std::move(order))));
     }},
};

TEST_CASE_FIXTURE(Loop, "an await that begins in a cancelled task abandons what it was given") {
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Order order;
    auto spawned = spawn(reactor, way.wait, order.deferred());

    spawned.task().cancel();
    time.run_until_idle();

    CHECK(spawned.done());
    CHECK(order.cancelled);
    std::move(spawned).detach();
  }
}

TEST_CASE_FIXTURE(Loop, "an await that an error is thrown into as it begins abandons likewise") {
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Order order;
    auto spawned = spawn(reactor, way.wait, order.deferred());

    spawned.task().throw_(std::string("thrown in"));
    time.run_until_idle();

    CHECK(spawned.done());
    CHECK(order.cancelled);
    std::move(spawned).add_errback([](const std::string&) {}).detach();
  }
}

TEST_CASE_FIXTURE(Loop,
                  "an await that is cut while it waits undoes it: cancelled, closed, timed out") {
  for (const Way& way : ways) {
    for (const std::string how : {"cancel", "cancel once", "throw", "close", "timeout"}) {
      CAPTURE(way.name);
      CAPTURE(how);
      Order order;
      Deferred<int> given = order.deferred();
      Spawned<void> spawned = how == "timeout"
                                  ? spawn(reactor,
                                          [&]() -> Task<> {
                                            Task<> waits = way.wait(std::move(given));
                                            co_await with_timeout(1s, std::move(waits));
                                          })
                                  : spawn(reactor, way.wait, std::move(given));
      settle();
      REQUIRE_FALSE(order.cancelled);

      TaskRef task = spawned.task();
      std::move(spawned).add_errback([](Failure) {}).detach();
      if (how == "cancel") task.cancel();
      if (how == "cancel once") task.cancel_once();
      if (how == "throw") task.throw_(1);
      if (how == "close") task.close();
      time.advance(1s);

      CHECK(order.cancelled);
      CHECK(task.done());
    }
  }
}

// It was detached then, and its failure reported.
TEST_CASE_FIXTURE(Loop, "what was spawned and is closed before its first turn is abandoned") {
  std::vector<Order> orders(6);
  std::vector<TaskRef> tasks;
  const auto start = [&](auto x) { tasks.push_back(spawn(reactor, std::move(x)).task()); };
  start(orders[0].deferred());
  start(mine(orders[1].deferred()));
  start(as_outcome(orders[2].deferred()));
  start(with_timeout(1h, orders[3].deferred()));
  start(Value(orders[4].deferred()));
  start(with_timeout(1h, as_outcome(Value(mine(orders[5].deferred())))));

  for (TaskRef& task : tasks) task.close();

  for (std::size_t i = 0; i < orders.size(); ++i) {
    CAPTURE(i);
    CHECK(orders[i].cancelled);
  }
}

TEST_CASE_FIXTURE(Loop, "an await for which a handler was registered abandons what it was given") {
  const auto any = reactor.registry().when_type<Deferred<int>>(
      [](Deferred<int>&, Waiter<int> waiter) { waiter.resume(1); });
  for (const Way& way : ways) {
    CAPTURE(way.name);
    Order order;
    auto spawned = spawn(reactor, way.wait, order.deferred());

    spawned.task().cancel();
    time.run_until_idle();

    CHECK(order.cancelled);
    std::move(spawned).detach();
  }
}

TEST_CASE_FIXTURE(Loop, "what is awaited as a variable is not abandoned") {
  class Told {
   public:
    void yield_to(Waiter<void> waiter) { waiter.resume(); }
    void abandon() && { told = true; }
    bool told = false;
  };
  Told variable;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> outcome = co_await as_outcome(variable);
    CHECK(outcome.check<Cancelled>());
    co_await variable;
  });

  spawned.task().cancel();
  settle();

  CHECK(spawned.done());
  CHECK_FALSE(variable.told);
}

TEST_CASE_FIXTURE(Loop, "what was moved from before is abandoned without a word") {
  Spawned<int> moved = spawn(reactor, []() -> Task<int> { co_return 1; });
  Deferred<int> result = std::move(moved);
  auto waits = [](Deferred<int> empty, Spawned<int> nobodys) -> Task<> {
    const Outcome<int> one = co_await as_outcome(std::move(empty));
    const Outcome<int> two = co_await as_outcome(std::move(nobodys));
    CHECK(one.check<Cancelled>());
    CHECK(two.check<Cancelled>());
  };
  auto spawned = spawn(reactor, waits, Deferred<int>(), std::move(moved));
  spawned.task().cancel();

  settle();

  CHECK(spawned.done());
  CHECK(*std::move(result).result() == 1);
}

}  // namespace
