// SPDX-License-Identifier: MIT
//
// race, any and all with tasks among what they wait for: these are children of a nursery.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "deferred/tasks/nursery.hpp"
#include "deferred/threads/on.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/all_settled.hpp"
#include "deferred/yieldables/any.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/both_ways.hpp"
#include "tests/support/probes.hpp"
#include "tests/support/two.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Notes = std::vector<std::string>;

Task<int> gives(int value, Duration after = {}) {
  co_await Pause(after);
  co_return value;
}
Task<int> fails(std::string with, Duration after = {}) {
  co_await Pause(after);
  throw std::runtime_error(with);
}
// Needs a second to unwind, once it is cancelled.
Task<int> unwinds(Notes& notes, int value = 0) {
  const Outcome<void> cut = co_await as_outcome(Pause(1h));
  if (!cut.has_value()) {
    co_await shield(Pause(1s));
    notes.push_back("unwound");
    if (value == 0) cut.value();
  }
  co_return value;
}
Task<int> noted(Notes& notes) {
  notes.push_back("begun");
  co_return 1;
}

TEST_CASE_TEMPLATE("a task that loses is cancelled and has unwound before the result is there", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Notes notes;

  const auto won = loop.outcome_of([&] { return race(unwinds(notes), gives(7, 1s)); });
  CHECK(loop.now() == 2s);
  const auto beside = loop.outcome_of([&] { return any(unwinds(notes), Pause{1s}); });
  const auto failed = loop.outcome_of([&] { return all(fails("first", 1s), unwinds(notes)); });

  CHECK(std::get<1>(*won) == 7);
  CHECK(beside->index() == 1);
  CHECK(failed.template check<std::runtime_error>());
  CHECK(notes == Notes{"unwound", "unwound", "unwound"});
  CHECK(loop.now() == 6s);
  CHECK(loop.reactor.task_count() == 0);
}

TEST_CASE_TEMPLATE("all with tasks gives what each gives; an error says which input it was", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto values = loop.outcome_of([] { return all(gives(1), Pause{1s}, succeed(3)); });
  const auto failed = loop.outcome_of([] { return all(Pause{1h}, fails("second", 1s)); });
  const auto vector = loop.outcome_of([] {
    std::vector<Task<int>> each;
    for (int i = 0; i < 3; ++i) each.push_back(gives(i, i * 1s));
    return all(std::move(each));
  });
  const auto settled = loop.outcome_of([] { return all_settled(fails("kept"), succeed(2)); });

  CHECK(values.value() == std::tuple(1, Unit(), 3));
  REQUIRE(failed.template check<std::runtime_error>());
  CHECK(failed.failure().report().find("input #2 of all") != std::string::npos);
  CHECK(vector.value() == std::vector{0, 1, 2});
  CHECK(std::get<0>(settled.value()).template check<std::runtime_error>());
  CHECK(std::get<1>(settled.value()).value() == 2);
}

TEST_CASE_TEMPLATE("an Outcome that a task gives is its value", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto won = loop.outcome_of([] { return any(as_outcome(fails("kept")), Pause{1h}); });
  const auto both = loop.outcome_of([] { return all(as_outcome(fails("kept")), gives(1)); });

  CHECK(std::get<0>(*won).template check<std::runtime_error>());
  CHECK(std::get<0>(both.value()).template check<std::runtime_error>());
}

TEST_CASE_TEMPLATE("any of tasks that all fail throws the first in the arguments' order", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto outcome = loop.outcome_of(
      [] { return any(fails("a", 2s), fails("b", 1s), fail<int>(std::runtime_error("c"))); });

  REQUIRE(outcome.template check<std::runtime_error>());
  CHECK(outcome.failure().what() == "a");
  CHECK(outcome.failure().suppressed().size() == 2);
}

TEST_CASE_TEMPLATE("what is plain beside a task stays exact", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Offers offers;
  Notes notes;
  auto wait = loop.begin([&] { return race(unwinds(notes), offers.receive(), offers.receive()); });

  CHECK(offers.offer(1));
  CHECK_FALSE(offers.offer(2));
  loop.time.run_until_idle();

  CHECK(std::get<1>(*loop.end_of(wait)) == 1);
  CHECK(notes == Notes{"unwound"});
}

TEST_CASE_TEMPLATE("what is plain is undone when a task decides", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> plain;
  Stubborn<int> stubborn;
  auto wait = loop.begin([&] { return race(plain, gives(1, 1s), std::move(stubborn.result)); });

  loop.time.advance(1s);
  CHECK_FALSE(plain.waiter().resume(1));
  CHECK(stubborn.asked == 1);
  CHECK_FALSE(wait.has_result());
  stubborn.promise.callback(1);
  loop.settle();

  CHECK(std::get<1>(*loop.end_of(wait)) == 1);
  CHECK(plain.undone() == 1);
}

TEST_CASE_TEMPLATE("a task behind one that answers at once does not run", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  Notes notes;

  const auto outcome = loop.outcome_of([&] { return race(succeed(7), noted(notes)); });

  CHECK(std::get<0>(*outcome) == 7);
  CHECK(notes.empty());
}

TEST_CASE_TEMPLATE("a one-shot cancel of a join with tasks goes to the leaf of each", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  Notes notes;
  Stubborn<int> stubborn;
  auto values = loop.begin([&] { return all(unwinds(notes, 5), std::move(stubborn.result)); });
  auto cut = loop.begin([&] { return race(gives(1, 1h), gives(2, 1h)); });

  values.cancel();
  cut.cancel();
  CHECK(stubborn.asked == 1);
  stubborn.promise.callback(6);
  loop.time.advance(1s);

  CHECK(loop.end_of(values).value() == std::tuple(5, 6));
  CHECK(loop.end_of(cut).template check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a level cancel of a join with tasks reaches them, and waits for them") {
  Notes notes;
  Later<int> plain;
  auto spawned =
      spawn(reactor, [&]() -> Task<> { co_await race(unwinds(notes), plain, unwinds(notes)); });
  settle();

  spawned.task().cancel();
  settle();
  CHECK(plain.undone() == 1);
  CHECK_FALSE(spawned.done());
  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(notes.size() == 2);
}

TEST_CASE_FIXTURE(Loop, "values that tasks give in spite of a level cancel are not lost") {
  Notes notes;
  Notes seen;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto [a, b] = co_await all(unwinds(notes, 1), unwinds(notes, 2));
    seen.push_back(std::to_string(a + b));
    co_await Pause{};
  });
  settle();

  spawned.task().cancel();
  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(seen == Notes{"3"});
}

TEST_CASE_FIXTURE(Loop, "an error that is thrown into a join with tasks is thrown, after them") {
  Notes notes;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await all(unwinds(notes, 1), Pause{1h}); });
  settle();

  spawned.task().throw_(Oops("thrown in"));
  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
  CHECK(notes == Notes{"unwound"});
}

TEST_CASE_FIXTURE(Loop, "a join with tasks is closed with them") {
  Notes notes;
  Later<int> plain;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await any(unwinds(notes), plain); });
  settle();

  spawned.task().close();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
  CHECK(plain.undone() == 1);
  CHECK(notes.empty());
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a task of a race that is closed by its handle has failed") {
  const auto closes_itself = []() -> Task<int> {
    current_task().close();
    co_await Pause{};
    co_return 1;
  };
  const auto outcome = outcome_of([&]() -> Task<> { co_await race(closes_itself(), Pause{1h}); });
  const auto other = outcome_of([&]() -> Task<> { co_await any(closes_itself(), gives(1, 1s)); });

  CHECK(outcome.check<AbandonedError>());
  CHECK(other.has_value());
}

TEST_CASE_FIXTURE(Loop, "of two tasks that end in one round the first wins") {
  const auto outcome = outcome_of([]() -> Task<std::size_t> {
    const auto won = co_await race(gives(1, 1s), gives(2, 1s));
    co_return won.index();
  });

  CHECK(outcome.value() == 0);
}

TEST_CASE_FIXTURE(Loop, "a race of tasks in a cancelled scope runs none of them") {
  Notes notes;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await race(noted(notes), noted(notes)); });
  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(notes.empty());
}

TEST_CASE_FIXTURE(Loop, "joins with tasks nest, and are decorated") {
  Notes notes;
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto nested = co_await race(all(gives(1, 2s), Pause{1s}), any(unwinds(notes), Pause{1h}));
    CHECK(nested.index() == 0);
    const auto limited = co_await as_outcome(with_timeout(1s, race(unwinds(notes), Pause{1h})));
    CHECK(limited.check<TimeoutError>());
  });

  CHECK(outcome.has_value());
  CHECK(notes.size() == 2);
}

TEST_CASE_FIXTURE(Loop, "what is due in the turn of a time limit, after it, changes nothing") {
  // A Pause whose time had come was taken for one that nobody would answer.
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_timeout(1s, race(gives(1, 1h), Pause{1s}, Pause{}));
    const auto late = co_await as_outcome(with_timeout(1s, all(gives(1, 1h), Pause{1s})));
    CHECK(late.check<TimeoutError>());
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(Loop, "a nursery can be raced by name") {
  const auto outcome = outcome_of([]() -> Task<bool> {
    Nursery nursery;
    nursery.spawn(gives(1, 2s));
    const auto won = co_await race(nursery, Pause{1s});
    co_return won.index() == 1 && nursery.size() == 0;
  });

  CHECK(outcome.value());
}

TEST_CASE_FIXTURE(Two, "a task on another reactor that loses has unwound there") {
  Notes notes;
  auto spawned = spawn(
      reactor,
      [&](RemoteReactor other) -> Task<std::size_t> {
        const auto far = [&] { return unwinds(notes); };
        const auto won = co_await race(on(std::move(other), far), gives(7, 1s));
        co_return won.index();
      },
      there->reactor.remote());
  settle_both();
  time.advance(1s);
  settle_both();
  CHECK_FALSE(spawned.done());
  there->time.advance(1s);
  settle_both();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
  CHECK(notes == Notes{"unwound"});
}

}  // namespace
