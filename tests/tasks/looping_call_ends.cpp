// SPDX-License-Identifier: MIT
//
// How a LoopingCall ends, and what outlives what. ("row" as in looping_call.cpp.)
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/tasks/looping_call.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// A loop whose callable gives a Deferred that the test fires.
struct Asking : Loop {
  Asking() {
    loop.emplace(1s, [this] {
      ++calls;
      auto [p, deferred] = make_deferred<int>([this] {
        ++cancels;
        return follows ? Cancelling::answer_follows : Cancelling::now;
      });
      promise.emplace(std::move(p));
      return std::move(deferred);
    });
  }
  ~Asking() {
    loop.reset();
    if (promise && !promise->fired()) promise->callback(0);
  }
  std::optional<LoopingCall> loop;
  std::optional<Promise<int>> promise;
  bool follows = false;
  int calls = 0;
  int cancels = 0;
};

TEST_CASE_FIXTURE(Loop, "row 156: what the callable throws ends the loop with that") {
  int calls = 0;
  LoopingCall loop(1s, [&] {
    if (++calls == 2) throw std::runtime_error("the second");
  });
  Deferred<void> ended = loop.start();

  time.advance(5s);

  CHECK(std::move(ended).result().failure().what() == "the second");
  CHECK(calls == 2);
  CHECK_FALSE(loop.running());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "row 156: what the first call throws is in the Deferred of the start") {
  LoopingCall loop(1s, [] { throw Oops(); });

  Deferred<void> ended = loop.start();

  CHECK(std::move(ended).result().check<Oops>());
}

TEST_CASE_FIXTURE(Asking, "row 156: a Deferred that fails ends the loop with its failure") {
  Deferred<void> ended = loop->start();

  promise->errback(Oops());

  CHECK(std::move(ended).result().check<Oops>());
  CHECK_FALSE(loop->running());
}

TEST_CASE_FIXTURE(Loop, "an Outcome that the callable gives ends the loop if it is a failure") {
  int calls = 0;
  LoopingCall loop(1s, [&]() -> Outcome<int> {
    if (++calls == 3) return Failure(Oops());
    return calls;
  });
  Deferred<void> ended = loop.start();

  time.advance(5s);

  CHECK(std::move(ended).result().check<Oops>());
  CHECK(calls == 3);
}

TEST_CASE_FIXTURE(Loop, "an end that nobody waits for is reported if it is an error") {
  LoopingCall loop(1s, [] { throw std::runtime_error("alone"); });

  loop.start().detach();

  CHECK(unhandled.take() == std::vector<std::string>{"alone"});
}

TEST_CASE_FIXTURE(Loop, "row 157: stop() in the callable ends the loop when that returns") {
  int calls = 0;
  bool stopped = false;
  std::optional<Deferred<void>> ended;
  LoopingCall loop(1s, [&] {
    if (++calls == 1) return;
    loop.stop();
    CHECK(loop.running());
    CHECK_FALSE(ended->fired());
    stopped = true;
  });
  ended = loop.start();

  time.advance(5s);

  CHECK(stopped);
  CHECK(calls == 2);
  CHECK((*std::move(ended)).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "row 157: stop() in the first call ends the loop in the start") {
  LoopingCall loop(1s, [&] { loop.stop(); });

  Deferred<void> ended = loop.start();

  CHECK(std::move(ended).result().has_value());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "row 157: stop() before a first call that was put off: there is none") {
  int calls = 0;
  LoopingCall loop(1s, [&] { ++calls; });
  Deferred<void> ended = loop.start_later();

  loop.stop();
  time.advance(5s);

  CHECK(std::move(ended).result().has_value());
  CHECK(calls == 0);
}

TEST_CASE_FIXTURE(Loop, "an error of the callable wins over its stop()") {
  LoopingCall loop(1s, [&] {
    loop.stop();
    throw Oops();
  });

  Deferred<void> ended = loop.start();

  CHECK(std::move(ended).result().check<Oops>());
}

TEST_CASE_FIXTURE(Asking, "stop() waits for what the callable has begun") {
  Deferred<void> ended = loop->start();

  loop->stop();
  loop->stop();
  loop->reset();
  CHECK_FALSE(ended.fired());
  CHECK(cancels == 0);
  CHECK_THROWS_AS(loop->start().detach(), std::logic_error);
  promise->callback(1);

  CHECK(std::move(ended).result().has_value());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a loop that has ended is started again, also by who is told of the end") {
  int calls = 0;
  int ends = 0;
  LoopingCall loop(1s, [&] { ++calls; });
  std::optional<Deferred<void>> second;
  Deferred<void> first = loop.start().add_callback([&] {
    ++ends;
    second = loop.start_later();
  });

  time.advance(1s);
  loop.stop();
  CHECK(ends == 1);
  CHECK(loop.running());
  time.advance(2s);
  loop.stop();

  CHECK(calls == 4);
  CHECK((*std::move(second)).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "cancel() of the start's Deferred ends a wait for the next tick") {
  LoopingCall loop(1s, [] {});
  bool running = true;
  Deferred<void> ended = loop.start().add_both([&](Outcome<void> outcome) {
    running = loop.running();
    return outcome;
  });

  ended.cancel();

  CHECK(std::move(ended).result().check<Cancelled>());
  CHECK_FALSE(running);
  CHECK(reactor.timer_count() == 0);
  loop.start().detach();
  time.advance(1s);
}

TEST_CASE_FIXTURE(Asking,
                  "cancel() is for what the callable has begun, and the loop ends with what "
                  "comes of it") {
  Deferred<void> cancelled = loop->start();
  cancelled.cancel();
  CHECK(cancels == 1);
  CHECK(std::move(cancelled).result().check<Cancelled>());

  follows = true;
  Deferred<void> answered = loop->start();
  answered.cancel();
  answered.cancel();
  CHECK(cancels == 3);
  CHECK_FALSE(answered.fired());
  promise->callback(7);
  CHECK(std::move(answered).result().has_value());

  Deferred<void> failed = loop->start();
  failed.cancel();
  promise->errback(Oops());
  CHECK(std::move(failed).result().check<Oops>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Asking, "a task that awaits the loop cancels it with itself") {
  const auto body = [&]() -> Task<> { co_await loop->start(); };
  Spawned<void> waits = spawn(reactor, body);
  settle();

  waits.task().cancel();
  settle();

  CHECK(cancels == 1);
  CHECK(outcome_of(std::move(waits)).check<Cancelled>());
  CHECK_FALSE(loop->running());
}

TEST_CASE_FIXTURE(Loop, "cancel() inside the callable is for what it gives, or ends the loop") {
  std::optional<Deferred<void>> ended;
  std::optional<Promise<void>> promise;
  int calls = 0;
  bool waits = false;
  LoopingCall loop(1s, [&]() -> Deferred<void> {
    if (++calls % 2 == 1) return succeed();
    ended->cancel();
    loop.stop();
    CHECK_FALSE(ended->fired());
    if (!waits) return succeed();
    auto [p, deferred] = make_deferred<void>([&] { promise->callback(); });
    promise.emplace(std::move(p));
    return std::move(deferred);
  });

  ended = loop.start();
  time.advance(1s);
  CHECK((*std::move(ended)).result().check<Cancelled>());
  waits = true;
  ended = loop.start();
  time.advance(1s);

  CHECK((*std::move(ended)).result().has_value());
  CHECK(calls == 4);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a loop that is dropped is stopped") {
  const auto held = std::make_shared<int>();
  int calls = 0;
  std::optional<LoopingCall> loop;
  loop.emplace(1s, [held, &calls] { ++calls; });
  Deferred<void> ended = loop->start();

  loop.reset();

  CHECK(std::move(ended).result().has_value());
  CHECK(held.use_count() == 1);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Asking, "what the callable has begun is waited for when the loop is dropped") {
  Deferred<void> ended = loop->start();

  loop.reset();
  CHECK_FALSE(ended.fired());
  promise->callback(1);

  CHECK(std::move(ended).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "the callable may drop the loop inside its own call") {
  for (const int last : {1, 2}) {
    const auto held = std::make_shared<int>();
    int calls = 0;
    std::optional<LoopingCall> loop;
    loop.emplace(1s, [held, last, &calls, &loop] {
      if (++calls != last) return;
      loop.reset();
      CHECK(held.use_count() == 2);
    });
    Deferred<void> ended = loop->start();

    time.advance(5s);

    CHECK(calls == last);
    CHECK(std::move(ended).result().has_value());
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE_FIXTURE(Loop, "who is told of the end may drop the loop") {
  for (const bool cancels : {false, true}) {
    std::optional<LoopingCall> loop;
    loop.emplace(1s, [] {});
    Deferred<void> ended = loop->start().add_both([&](Outcome<void> outcome) {
      loop.reset();
      return outcome;
    });
    if (cancels) {
      ended.cancel();
    } else {
      loop->stop();
    }

    CHECK_FALSE(loop);
    CHECK(std::move(ended).result().has_value() == !cancels);
  }
}

TEST_CASE_FIXTURE(Loop, "a loop goes where it is moved, and one that is replaced is stopped") {
  int calls = 0;
  LoopingCall loop(1s, [&] { ++calls; });
  LoopingCall other(1s, [] {});
  Deferred<void> ended = loop.start();
  Deferred<void> replaced = other.start();

  other = std::move(loop);

  CHECK(std::move(replaced).result().has_value());
  CHECK_FALSE(loop.running());
  CHECK_THROWS_AS(loop.stop(), std::logic_error);
  CHECK_THROWS_AS(loop.start().detach(), std::logic_error);
  time.advance(1s);
  CHECK(calls == 2);
  CHECK_FALSE(ended.fired());
}

TEST_CASE("without a reactor a loop does not begin") {
  LoopingCall loop(1s, [] {});

  CHECK_THROWS_AS(loop.start().detach(), NoReactorError);
  CHECK_FALSE(loop.running());
}

TEST_CASE("a reactor that ends first ends the loop, and what it waits for") {
  const Unhandled unhandled;
  int cancels = 0;
  std::optional<Loop> on(std::in_place);
  LoopingCall waits(on->reactor, 1s, [] {});
  LoopingCall asks(on->reactor, 1s, [&] {
    auto [promise, deferred] = make_deferred<int>([&cancels] { ++cancels; });
    on->reactor.call_later(1h, [p = std::move(promise)] {}).detach();
    return std::move(deferred);
  });
  LoopingCall spawns(on->reactor, 1s, [&]() -> Task<> {
    auto [promise, never] = make_deferred<void>();
    co_await std::move(never);
  });
  Deferred<void> of_waits = waits.start();
  Deferred<void> of_asks = asks.start();
  Deferred<void> of_spawns = spawns.start();
  on->settle();

  on.reset();

  for (Deferred<void>* ended : {&of_waits, &of_asks, &of_spawns}) {
    REQUIRE(ended->has_result());
    const Outcome<void> outcome = std::move(*ended).result();
    REQUIRE(outcome.check<AbandonedError>());
    CHECK(outcome.check<AbandonedError>()->by_closing());
  }
  CHECK(cancels == 1);
  CHECK_FALSE(waits.running());
  CHECK_FALSE(asks.running());
}

TEST_CASE_FIXTURE(Asking, "a dump names the loop's wait by the place of its start") {
  const Deferred<void> ended = loop->start();

  CHECK(reactor.dump_tasks().find("looping_call_ends.cpp:") != std::string::npos);
}

}  // namespace
