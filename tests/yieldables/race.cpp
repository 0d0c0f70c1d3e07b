// SPDX-License-Identifier: MIT
#include "deferred/yieldables/race.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/all_settled.hpp"
#include "deferred/yieldables/any.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/reply.hpp"
#include "deferred/yieldables/timer.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/both_ways.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_TEMPLATE("race gives the first value, and tells whose it is", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> later;

  const auto outcome = loop.outcome_of([&] { return race(Pause{2s}, Pause{1s}, later); });

  REQUIRE(outcome.has_value());
  CHECK(outcome->index() == 1);
  CHECK(loop.now() == 1s);
  CHECK(later.undone() == 1);
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("race throws the error that comes first", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> first;
  auto wait = loop.begin([&] { return race(Pause{1h}, first); });

  first.waiter().throw_(Oops("first"));
  loop.settle();

  const auto outcome = loop.end_of(wait);
  REQUIRE(outcome.template check<Oops>());
  CHECK(outcome.failure().report().find("input #2 of race at") != std::string::npos);
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("race of a vector gives the winner's index and value", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;

  auto [promise, pending] = make_deferred<std::unique_ptr<int>>();

  auto outcome = loop.outcome_of([&, &never = pending] {
    std::vector<Deferred<std::unique_ptr<int>>> each;
    each.push_back(std::move(never));
    each.push_back(succeed(std::make_unique<int>(7)));
    return race(std::move(each));
  });

  REQUIRE(outcome.has_value());
  CHECK(outcome->index == 1);
  CHECK(*outcome->value == 7);
}

TEST_CASE_TEMPLATE("what decides makes the others stale in that very call, so that nothing is lost",
                   Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Offers offers;
  auto first = loop.begin([&] { return race(offers.receive(), offers.receive()); });
  auto second = loop.begin([&] { return with_timeout(1h, race(Pause{1h}, offers.receive())); });

  CHECK(offers.offer(1));
  CHECK(offers.offer(2));
  CHECK_FALSE(offers.offer(3));
  loop.settle();

  CHECK(std::get<0>(*loop.end_of(first)) == 1);
  CHECK(std::get<1>(*loop.end_of(second)) == 2);
}

TEST_CASE_TEMPLATE("what ends the whole makes its inputs stale in that very call", Way, Awaited,
                   ToDeferred) {
  // An item that came in the same turn as a time limit, but after it, was taken and lost.
  BothWays<Way> loop;
  Offers offers;
  Later<int> decides;
  auto limited = loop.begin([&] { return with_timeout(1s, race(offers.receive(), Pause{1h})); });
  auto nested = loop.begin([&] { return race(any(offers.receive(), Pause{1h}), decides); });
  bool taken = false;
  const DelayedCall late = loop.reactor.call_later(1s, [&] {
    decides.waiter().resume(1);
    taken = offers.offer(1);
  });

  loop.time.advance(1s);

  CHECK_FALSE(taken);
  CHECK(loop.end_of(limited).template check<TimeoutError>());
  CHECK(loop.end_of(nested)->index() == 1);
}

TEST_CASE_FIXTURE(Loop, "a race that is cancelled or closed takes nothing any more") {
  Offers offers;
  const auto body = [&]() -> Task<> { co_await race(Pause{1h}, offers.receive()); };
  auto cut = spawn(reactor, body);
  auto thrown = spawn(reactor, body);
  auto closed = spawn(reactor, body);
  settle();

  cut.task().cancel();
  thrown.task().throw_(Oops());
  closed.task().close();
  CHECK_FALSE(offers.offer(1));
  settle();

  CHECK(outcome_of(std::move(cut)).check<Cancelled>());
  CHECK(outcome_of(std::move(thrown)).check<Oops>());
}

TEST_CASE_TEMPLATE("what a loser's canceller offers is not taken by the race that it has lost", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Offers offers;
  bool taken = true;
  auto [promise, loser] = make_deferred<int>([&] { taken = offers.offer(1); });
  Later<int> winner;
  auto wait = loop.begin([&] { return race(std::move(loser), offers.receive(), winner); });

  winner.waiter().resume(7);
  loop.settle();

  CHECK_FALSE(taken);
  CHECK(std::get<2>(*loop.end_of(wait)) == 7);
}

TEST_CASE_TEMPLATE("an input that answers at once ends the race, and later ones are not begun", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Later<int> begun;
  int cancels = 0;
  auto [promise, behind] = make_deferred<int>([&] { ++cancels; });

  const auto outcome =
      loop.outcome_of([&] { return race(begun, succeed(7), NotReached(), std::move(behind)); });

  CHECK(std::get<1>(*outcome) == 7);
  CHECK(begun.undone() == 1);
  CHECK(cancels == 1);
}

TEST_CASE_TEMPLATE("a race waits for a loser that will answer though it is cancelled", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> loser;
  auto wait = loop.begin([&] { return race(std::move(loser.result), Pause{1s}); });

  loop.time.advance(1s);
  CHECK(loser.asked == 1);
  CHECK_FALSE(wait.has_result());
  loser.promise.callback(1);
  loop.settle();

  CHECK(loop.end_of(wait)->index() == 1);
}

TEST_CASE_TEMPLATE("a one-shot cancel of a race is answered by the Deferred that answers it", Way,
                   Awaited, ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> stubborn;
  auto wait = loop.begin([&] { return race(Pause{1h}, std::move(stubborn.result)); });
  auto none = loop.begin([&] { return race(Pause{1h}, Pause{1h}); });
  auto [promise, ends] = make_deferred<int>();
  auto two = loop.begin([&, &e = ends] { return race(std::move(e), Pause{1h}); });

  wait.cancel();
  none.cancel();
  two.cancel();
  loop.settle();
  CHECK(stubborn.asked == 1);
  CHECK_FALSE(wait.has_result());
  CHECK(loop.reactor.timer_count() == 0);
  stubborn.promise.callback(2);
  loop.settle();

  CHECK(std::get<1>(*loop.end_of(wait)) == 2);
  CHECK(loop.end_of(none).template check<Cancelled>());
  CHECK(loop.end_of(two).template check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel asks each input once, whatever the others make of it") {
  int cancels = 0;
  const auto work = [&]() -> Task<int> {
    for (int wait = 0; wait < 2; ++wait) {  // the second one is a clean-up
      const Outcome<void> paused = co_await as_outcome(Pause{1s});
      if (paused.check<Cancelled>()) ++cancels;
    }
    co_return 5;
  };
  // A Deferred that has no canceller fails inside of the call that asks it.
  std::vector<Promise<int>> promises;
  for (const bool worker_first : {true, false}) {
    CAPTURE(worker_first);
    const auto inputs = [&] {
      Deferred<int> worker = spawn(reactor, work);
      auto [promise, silent] = make_deferred<int>();
      promises.push_back(std::move(promise));
      std::vector<Deferred<int>> both;
      both.push_back(std::move(worker_first ? worker : silent));
      both.push_back(std::move(worker_first ? silent : worker));
      return both;
    };
    cancels = 0;
    Deferred<std::vector<int>> all_of = to_deferred(reactor, all(inputs()));
    settle();
    all_of.cancel();
    settle();
    CHECK(cancels == 1);
    time.run_until_idle();
    CHECK(std::move(all_of).result().check<Cancelled>());

    cancels = 0;
    Deferred<Winner<int>> race_of = to_deferred(reactor, race(inputs()));
    settle();
    race_of.cancel();
    settle();
    CHECK(cancels == 1);
    time.run_until_idle();
    CHECK(std::move(race_of).result()->value == 5);
  }
}

TEST_CASE_TEMPLATE("a one-shot cancel while losers are waited for asks them again", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  Stubborn<int> loser;
  auto wait = loop.begin([&] { return race(std::move(loser.result), Pause{}); });
  loop.settle();
  REQUIRE(loser.asked == 1);

  wait.cancel();
  CHECK(loser.asked == 2);
  loser.promise.errback(Oops());
  loop.settle();

  CHECK(loop.end_of(wait)->index() == 1);
}

TEST_CASE_TEMPLATE("handlers that throw, drop, or answer at once end a race as they end an await",
                   Way, Awaited, ToDeferred) {
  struct HandlerThrows {
    void yield_to(Waiter<int>) const { throw Oops("from the handler"); }
  };
  BothWays<Way> loop;
  Dropped dropped;
  Later<int> waits;

  const auto thrown = loop.outcome_of([&] { return race(HandlerThrows(), NotReached()); });
  const auto abandoned = loop.outcome_of([&] { return race(dropped, NotReached()); });
  const auto first_value = loop.outcome_of([&] { return any(HandlerThrows(), succeed(3)); });
  const auto late = loop.outcome_of([&] { return race(waits, HandlerThrows()); });

  CHECK(thrown.template check<Oops>());
  CHECK(abandoned.template check<AbandonedError>());
  CHECK(std::get<1>(*first_value) == 3);
  CHECK(late.template check<Oops>());
  CHECK(waits.undone() == 1);
}

TEST_CASE_TEMPLATE("races nest, and decorate and are decorated", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;

  const auto inner = loop.outcome_of([] { return race(race(Pause{2s}, Pause{1s}), Pause{3s}); });
  const auto limited = loop.outcome_of([] { return race(with_timeout(1s, Pause{1h}), Pause{2s}); });
  const auto around = loop.outcome_of([] { return with_timeout(1s, race(Pause{1h}, Pause{2h})); });
  auto quiet = loop.outcome_of(
      [] { return race(as_outcome(with_timeout(1s, Pause{1h})), all(Pause{2s}, Pause{1s})); });

  CHECK(std::get<0>(*inner).index() == 1);
  CHECK(limited.template check<TimeoutError>());
  CHECK(around.template check<TimeoutError>());
  CHECK(std::get<0>(*quiet).template check<TimeoutError>());
  CHECK(loop.now() == 4s);
  CHECK(loop.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("what is named can be raced again", Way, Awaited, ToDeferred) {
  BothWays<Way> loop;
  Timer timer(1s);

  for (int i = 0; i < 3; ++i) {
    const auto outcome = loop.outcome_of([&] { return race(timer, Pause{1h}); });
    CHECK(outcome->index() == 0);
  }

  CHECK(loop.now() == 3s);
}

TEST_CASE_TEMPLATE("answers for the next turn lose, win and are cancelled as others", Way, Awaited,
                   ToDeferred) {
  BothWays<Way> loop;
  Later<int> later;
  auto lost = loop.begin([&] { return race(later, Pause{1h}); });
  auto cut = loop.begin([&] { return race(Pause{1h}, Pause{1h}, Pause{1h}); });

  auto won = loop.begin([] { return race(Pause{}, Pause{}); });
  auto at_once = loop.begin([] { return race(Pause{}, succeed(1)); });
  {
    auto ahead = Way::begin(loop.reactor, [] { return race(Pause{}, Pause{}); });
    ahead.cancel();
    loop.settle();
    CHECK(loop.end_of(ahead).template check<Cancelled>());
  }
  cut.cancel();
  later.waiter().resume(1);
  loop.settle();

  CHECK(loop.end_of(won)->index() == 0);
  CHECK(loop.end_of(at_once)->index() == 1);
  CHECK(std::get<0>(*loop.end_of(lost)) == 1);
  CHECK(loop.end_of(cut).template check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "answers for the next turn go with a race that is closed") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await race(Pause{}, Pause{1h}, Pause{}); });
  spawn(reactor, [task = spawned.task()]() mutable -> Task<> {
    CHECK(task.where().find("ready to go on") == std::string::npos);
    task.close();
    co_return;
  });

  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a level cancel of a race undoes its inputs, and is thrown") {
  Later<int> first;
  Stubborn<int> second;
  auto spawned = spawn(
      reactor, [&]() -> Task<> { co_await race(first, std::move(second.result), Pause{1h}); });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(first.undone() == 1);
  CHECK(second.asked == 1);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "a level cancel while a loser is waited for ends a race without its value") {
  Stubborn<int> loser;
  auto spawned = spawn(reactor, [&]() -> Task<std::size_t> {
    const auto won = co_await race(std::move(loser.result), Pause{1s});
    co_return won.index();
  });
  settle();
  time.advance(1s);
  CHECK_FALSE(spawned.done());

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a join that has lost while its inputs begin takes nothing any more") {
  const auto keeps_its_item = [&](auto join) {
    Channel<int> decides(0);
    Channel<int> keeps(1);
    int sent = 1;
    int kept = 2;
    CHECK(keeps.try_send(std::move(kept)));
    auto spawned = spawn(reactor, [&]() -> Task<std::size_t> {
      auto both = join(decides.send(std::move(sent)), keeps.receive());
      const auto won = co_await race(decides.receive(), std::move(both));
      co_return won.index();
    });
    settle();
    CHECK(outcome_of(std::move(spawned)).value() == 0);
    return keeps.try_receive() == 2;
  };

  CHECK(keeps_its_item([](auto... x) { return all(std::move(x)...); }));
  CHECK(keeps_its_item([](auto... x) { return all_settled(std::move(x)...); }));
  CHECK(keeps_its_item([](auto... x) { return any(std::move(x)...); }));
}

TEST_CASE_FIXTURE(Loop,
                  "what a join waits for that loses inside an input's handler is stale there") {
  struct SendsBoth {
    SendsBoth(Channel<int>& first, Channel<int>& second) : decides(first), keeps(second) {}
    void yield_to(Waiter<void> waiter) const {
      int sent = 1;
      int kept = 2;
      CHECK(decides.try_send(std::move(sent)));
      CHECK(keeps.try_send(std::move(kept)));
      waiter.resume();
    }
    Channel<int>& decides;
    Channel<int>& keeps;
  };
  Channel<int> decides(1);
  Channel<int> keeps(1);
  auto spawned = spawn(reactor, [&]() -> Task<std::size_t> {
    auto both = all(keeps.receive(), SendsBoth(decides, keeps));
    const auto won = co_await race(decides.receive(), std::move(both));
    co_return won.index();
  });
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 0);
  CHECK(keeps.try_receive() == 2);
}

TEST_CASE_FIXTURE(Loop, "an input whose move throws is no part of the wait any more") {
  bool armed = false;
  struct Arms {
    explicit Arms(bool& of) : armed(of) {}
    void yield_to(Waiter<void> waiter) const {
      armed = true;
      waiter.resume();
    }
    bool& armed;
  };
  struct Armed {
    explicit Armed(bool& by) : armed(by) {}
    Armed(Armed&& other) : armed(other.armed) {
      if (armed) throw Oops("moved");
    }
    void yield_to(Waiter<void> waiter) const { waiter.resume(); }
    bool& armed;
  };
  Later<int> later;
  auto waiting = spawn(reactor, [&]() -> Task<> {
    auto each = all_settled(Arms(armed), Armed(armed), later);
    co_await std::move(each);
  });
  auto meddler = spawn(reactor, [&]() -> Task<> {
    CHECK(reactor.dump_tasks().find("about to wait") == std::string::npos);
    waiting.task().cancel();
    co_return;
  });
  settle();

  CHECK(outcome_of(std::move(waiting)).check<Cancelled>());
  CHECK(meddler.done());
}

TEST_CASE_FIXTURE(Loop, "a race in a cancelled scope begins nothing") {
  auto spawned = spawn(reactor, []() -> Task<> {
    try {
      co_await race(NotReached(), succeed(1));
    } catch (const Cancelled&) {
    }
    co_await race(succeed(1), NotReached());
  });
  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop,
                  "the task that an input's Waiter names is the one that waits for the race") {
  struct Asks {
    void yield_to(Waiter<TaskRef> waiter) const {
      CHECK(waiter.task() == current_task());
      CHECK(waiter.weak().task() == waiter.task());
      waiter.resume(waiter.task());
    }
  };
  outcome_of([]() -> Task<> {
    const TaskRef self = current_task();
    const auto [mine] = co_await all(Asks());
    const auto nested = co_await race(Pause{1h}, race(Pause{1h}, Asks()));
    CHECK(mine == self);
    CHECK(std::get<1>(std::get<1>(nested)) == self);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "an input's handler may close, cancel or throw into what waits") {
  struct Acts {
    explicit Acts(void (*what)(TaskRef)) : act(what) {}
    void yield_to(Waiter<int> waiter) const {
      act(waiter.task());
      kept = std::move(waiter);
    }
    void (*act)(TaskRef);
    mutable Waiter<int> kept;
  };
  const auto race_with = [this](void (*act)(TaskRef)) {
    Later<int> first;
    auto spawned = spawn(reactor, [&first, act]() -> Task<> {
      const Acts acts(act);
      co_await race(first, acts, Pause{1h});
    });
    settle();
    CHECK(first.undone() == 1);
    return outcome_of(std::move(spawned));
  };

  CHECK(race_with([](TaskRef task) { task.close(); }).check<AbandonedError>());
  CHECK(race_with([](TaskRef task) { task.cancel(); }).check<Cancelled>());
  CHECK(race_with([](TaskRef task) { task.cancel_once(); }).check<Cancelled>());
  CHECK(race_with([](TaskRef task) { task.throw_(Oops()); }).check<TaskRunningError>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a loser's canceller may close what waits for the race") {
  std::optional<TaskRef> task;
  auto [promise, loser] = make_deferred<int>([&] { task->close(); });
  Later<int> winner;
  Later<int> other;
  auto spawned = spawn(reactor, [&, d = std::move(loser)]() mutable -> Task<> {
    co_await race(winner, std::move(d), other);
  });
  task = spawned.task();
  settle();

  CHECK(winner.waiter().resume(1));
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
  CHECK(winner.undone() == 1);
  CHECK(other.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "where a task waits for a race is where it awaits it") {
  const auto body = []() -> Task<> { co_await race(Pause{1h}, with_timeout(1min, Pause{2h})); };
  auto spawned = spawn(reactor, body);
  settle();

  CHECK(spawned.task().where().find("waiting on deferred::Race<") != std::string::npos);
  time.advance(1min);
  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<TimeoutError>());
  const std::string what = outcome.check<TimeoutError>()->what();
  CAPTURE(what);
  CHECK(what.find("race.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "a handler that was added at run time stands in for an input's own") {
  const auto registration = reactor.registry().when_type<NotReached>(
      [](const NotReached&, Waiter<int> waiter) { waiter.resume(5); });

  const auto outcome = outcome_of(
      []() -> Task<std::variant<Unit, int>> { co_return co_await race(Pause{1h}, NotReached()); });

  CHECK(std::get<1>(outcome.value()) == 5);
}

TEST_CASE_FIXTURE(Loop, "10^5 branches begin, decide, are cancelled and closed in loops") {
  constexpr std::size_t many = 100'000;
  const auto offers = [&](Offers& from) {
    std::vector<Offers::Receive> each(many, from.receive());
    return race(std::move(each));
  };
  Offers decided;
  auto first = spawn(reactor, [&]() -> Task<std::size_t> {
    const auto won = co_await offers(decided);
    co_return won.index;
  });
  auto cut = spawn(reactor, [&]() -> Task<> { co_await all(std::vector<Pause>(many, Pause{1h})); });
  auto closed =
      spawn(reactor, [&]() -> Task<> { co_await any(std::vector<Pause>(many, Pause{1h})); });
  Deferred<std::vector<Unit>> asked =
      to_deferred(reactor, all(std::vector<Pause>(many, Pause{1h})));
  settle();
  CHECK(reactor.timer_count() == 3 * many);

  CHECK(decided.offer(1));
  CHECK_FALSE(decided.offer(2));
  cut.task().cancel();
  closed.task().close();
  asked.cancel();
  settle();

  CHECK(outcome_of(std::move(first)).value() == 0);
  CHECK(outcome_of(std::move(cut)).check<Cancelled>());
  CHECK(outcome_of(std::move(closed)).check<AbandonedError>());
  CHECK(std::move(asked).result().check<Cancelled>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE("race of an empty vector throws std::invalid_argument") {
  CHECK_THROWS_AS(static_cast<void>(race(std::vector<Pause>())), std::invalid_argument);
}

TEST_CASE("an answer from another thread wins a race, or comes too late") {
  Reactor reactor;
  const auto body = []() -> Task<int> {
    Reply<int> winner;
    Reply<int> late;
    const ReplySender<int> sender = late.send();
    std::thread other([won = winner.send()] { won(1); });
    const auto first = co_await race(late, winner, Pause{1h});
    other.join();
    std::thread after([&sender] { sender(2); });
    after.join();
    co_await Pause{};
    co_return std::get<1>(first);
  };

  CHECK(reactor.run_until(body()) == 1);
}

}  // namespace
