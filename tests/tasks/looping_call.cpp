// SPDX-License-Identifier: MIT
//
// When a LoopingCall calls. ("row" is the number of the behaviour in Twisted's checklist.)
#include "deferred/tasks/looping_call.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tests/support/loop.hpp"
#include "tests/support/set_clock.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

using Times = std::vector<Duration>;

struct Called {
  std::uint64_t ticks;
  Duration at;
  friend bool operator==(const Called&, const Called&) = default;
};
using Calls = std::vector<Called>;

TEST_CASE_FIXTURE(Loop, "row 153: start() calls at once, and then on the grid from there") {
  Times seen;
  time.advance(7s);
  LoopingCall loop(2s, [&] { seen.push_back(now()); });

  const Deferred<void> ended = loop.start();
  CHECK(seen == Times{7s});
  time.advance(5s);

  CHECK(seen == Times{7s, 9s, 11s});
  CHECK_FALSE(ended.fired());
}

TEST_CASE_FIXTURE(Loop,
                  "row 153: start_later() calls one interval from now, and then on the grid") {
  Times seen;
  LoopingCall loop(2s, [&] { seen.push_back(now()); });

  const Deferred<void> ended = loop.start_later();
  CHECK(seen.empty());
  time.advance(5s);

  CHECK(seen == Times{2s, 4s});
}

TEST_CASE_FIXTURE(Loop, "row 153: stop() ends it with a success, inside the call that stops") {
  int calls = 0;
  LoopingCall loop(reactor, 1s, [&] { ++calls; });
  Deferred<void> ended = loop.start();
  time.advance(3s);

  loop.stop();

  CHECK(std::move(ended).result().has_value());
  CHECK_FALSE(loop.running());
  CHECK(reactor.timer_count() == 0);
  time.advance(3s);
  CHECK(calls == 4);
}

TEST_CASE_FIXTURE(LateLoop, "row 154: a late reactor calls at once, and the grid stays") {
  Times seen;
  LoopingCall loop(reactor, 1s, [&] { seen.push_back(now()); });

  const Deferred<void> ended = loop.start();
  for (const Duration time : {1000ms, 3500ms, 3900ms, 4000ms, 5000ms}) at(time);

  CHECK(seen == Times{0s, 1s, 3500ms, 4s, 5s});
}

TEST_CASE_FIXTURE(LateLoop,
                  "row 154: a callable that blocks for long misses ticks, and the next "
                  "call is at the next one") {
  Calls seen;
  LoopingCall loop(reactor, 1s, [&](std::uint64_t ticks) {
    seen.push_back({ticks, now()});
    if (seen.size() == 2) clock.time += 2500ms;
  });

  const Deferred<void> ended = loop.start();
  at(1s);
  CHECK(now() == 3500ms);
  for (const Duration time : {3600ms, 4000ms, 5000ms}) at(time);

  CHECK(seen == Calls{{1, 0s}, {1, 1s}, {3, 4s}, {1, 5s}});
}

TEST_CASE_FIXTURE(Loop, "row 156: what the callable gives is waited for, without a timer") {
  Times seen;
  std::optional<Promise<int>> promise;
  LoopingCall loop(1s, [&] {
    seen.push_back(now());
    auto [p, deferred] = make_deferred<int>();
    promise.emplace(std::move(p));
    return std::move(deferred);
  });

  const Deferred<void> ended = loop.start();
  time.advance(2500ms);
  CHECK(reactor.timer_count() == 0);
  CHECK(seen == Times{0s});
  promise->callback(1);
  time.advance(2s);

  CHECK(seen == Times{0s, 3s});
  loop.stop();
  promise->callback(2);
}

TEST_CASE_FIXTURE(Loop,
                  "a Task that the callable gives is spawned, and ticks meanwhile are missed") {
  Calls seen;
  LoopingCall loop(1s, [&](std::uint64_t ticks) -> Task<int> {
    seen.push_back({ticks, now()});
    auto [promise, later] = make_deferred<void>();
    const DelayedCall fires = reactor.call_later(1500ms, [&promise] { promise.callback(); });
    co_await std::move(later);
    co_return 1;
  });

  const Deferred<void> ended = loop.start();
  time.advance(5s);

  CHECK(seen == Calls{{1, 0s}, {2, 2s}, {2, 4s}});
  loop.stop();
  time.advance(1s);
}

TEST_CASE_FIXTURE(Loop, "a callable gives whatever can be awaited") {
  int waits = 0;
  struct Once {
    explicit Once(int& count) : waits(&count) {}
    void yield_to(Waiter<int> waiter) const { waiter.resume(++*waits); }
    int* waits;
  };
  const Once once(waits);
  struct Runs {
    explicit Runs(int& count) : waits(&count) {}
    Task<int> yield_to() const { co_return ++*waits; }
    int* waits;
  };
  const Runs runs(waits);
  LoopingCall by_value(1s, [&] { return once; });
  LoopingCall by_reference(1s, [&]() -> const Once& { return once; });
  LoopingCall subtask(1s, [&]() -> const Runs& { return runs; });
  LoopingCall spawned(1s, [&] { return spawn(runs); });
  LoopingCall shared(1s, [one = succeed(1).share()] { return one; });

  for (LoopingCall* loop : {&by_value, &by_reference, &subtask, &spawned, &shared}) {
    loop->start().detach();
  }
  time.advance(1s);

  CHECK(waits == 8);
}

TEST_CASE_FIXTURE(Loop, "row 155: with an interval of 0 there is a call a turn, with 1") {
  Calls seen;
  int turns = 0;
  LoopingCall loop(0s, [&](std::uint64_t ticks) {
    seen.push_back({ticks, now()});
    if (seen.size() == 3) loop.stop();
  });

  const Deferred<void> ended = loop.start();
  for (; !ended.fired(); ++turns) reactor.backend().run_once(false);

  CHECK(turns == 2);
  CHECK(seen == Calls{{1, 0s}, {1, 0s}, {1, 0s}});
}

TEST_CASE_FIXTURE(Loop, "row 155: a negative interval is refused") {
  CHECK_THROWS_AS(static_cast<void>(LoopingCall(-1ns, [] {})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(LoopingCall(reactor, -1h, [] {})), std::invalid_argument);
}

TEST_CASE_FIXTURE(Loop,
                  "row 155: a loop that runs is not started, one that does not is neither "
                  "stopped nor reset") {
  LoopingCall loop(1s, [] {});
  CHECK_THROWS_AS(loop.stop(), std::logic_error);
  CHECK_THROWS_AS(loop.reset(), std::logic_error);

  const Deferred<void> ended = loop.start();

  CHECK_THROWS_AS(loop.start().detach(), std::logic_error);
  CHECK_THROWS_AS(loop.start_later().detach(), std::logic_error);
  CHECK(loop.running());
  CHECK(reactor.timer_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "row 157: reset() begins the grid anew") {
  Calls seen;
  LoopingCall loop(1s, [&](std::uint64_t ticks) { seen.push_back({ticks, now()}); });
  const Deferred<void> ended = loop.start();
  time.advance(1300ms);

  loop.reset();
  time.advance(2s);

  CHECK(seen == Calls{{1, 0s}, {1, 1s}, {1, 2300ms}, {1, 3300ms}});
  CHECK(reactor.timer_count() == 1);
}

TEST_CASE_FIXTURE(Loop, "row 157: reset() while the callable is waited for is for the next call") {
  Calls seen;
  std::optional<Promise<void>> promise;
  LoopingCall loop(1s, [&](std::uint64_t ticks) {
    seen.push_back({ticks, now()});
    if (seen.size() > 1) return succeed();
    auto [p, deferred] = make_deferred<void>();
    promise.emplace(std::move(p));
    return std::move(deferred);
  });
  const Deferred<void> ended = loop.start();
  time.advance(2300ms);

  loop.reset();
  time.advance(500ms);
  promise->callback();
  time.advance(1600ms);

  CHECK(seen == Calls{{1, 0s}, {1, 3300ms}, {1, 4300ms}});
}

TEST_CASE_FIXTURE(LateLoop, "row 157: reset() in the callable is for the next call") {
  Calls seen;
  LoopingCall loop(reactor, 1s, [&](std::uint64_t ticks) {
    seen.push_back({ticks, now()});
    if (seen.size() == 2) loop.reset();
  });

  const Deferred<void> ended = loop.start();
  for (const Duration time : {1400ms, 2000ms, 2400ms, 3400ms}) at(time);

  CHECK(seen == Calls{{1, 0s}, {1, 1400ms}, {1, 2400ms}, {1, 3400ms}});
}

TEST_CASE_FIXTURE(LateLoop,
                  "row 158: the callable is told how many ticks have come since its last "
                  "call, one at least") {
  Calls seen;
  LoopingCall loop(reactor, 1s, [&](std::uint64_t ticks) { seen.push_back({ticks, now()}); });

  const Deferred<void> ended = loop.start_later();
  for (const Duration time : {999ms, 1000ms, 1001ms, 5999ms, 6000ms}) at(time);

  CHECK(seen == Calls{{1, 1s}, {4, 5999ms}, {1, 6s}});
}

// In floating point 0.1 s are not ten to the second.
TEST_CASE_FIXTURE(Loop, "row 158: no tick is counted twice or left out at the grid's points") {
  std::uint64_t ticks = 0;
  int calls = 0;
  LoopingCall loop(100ms, [&](std::uint64_t come) {
    ticks += come;
    ++calls;
    CHECK(come == 1);
  });

  const Deferred<void> ended = loop.start();
  time.advance(100s);

  CHECK(calls == 1001);
  CHECK(ticks == 1001);
}

TEST_CASE_FIXTURE(Loop, "an interval for ever is one call, or none") {
  int calls = 0;
  LoopingCall loop(std::chrono::hours::max(), [&](std::uint64_t) { ++calls; });
  LoopingCall later(Duration::max() - 1ns, [&] { calls += 10; });
  time.advance(1h);

  const Deferred<void> ended = loop.start();
  const Deferred<void> never = later.start_later();
  time.advance(24h * 365);
  loop.reset();
  later.reset();
  time.advance(24h * 365);

  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(Loop, "many calls that have their result at once use no stack") {
  int calls = 0;
  LoopingCall loop(0s, [&] {
    if (++calls == 50'000) loop.stop();
    return succeed();
  });

  const Deferred<void> ended = loop.start();
  while (!ended.fired()) reactor.backend().run_once(false);

  CHECK(calls == 50'000);
}

TEST_CASE_FIXTURE(Loop, "the pause of what the callable gives ends with its Promise") {
  auto [promise, deferred] = make_deferred<void>();
  deferred.pause();
  int calls = 0;
  LoopingCall loop(
      1s, [&]() -> Deferred<void> { return ++calls == 1 ? std::move(deferred) : succeed(); });
  const Deferred<void> ended = loop.start();
  promise.callback();
  promise = {};

  time.advance(1s);

  CHECK(calls == 2);
}

TEST_CASE_FIXTURE(Loop, "a callable may be move-only") {
  int got = 0;
  LoopingCall loop(1s, [&got, one = std::make_unique<int>(1)] { got += *one; });

  const Deferred<void> ended = loop.start();
  time.advance(1s);

  CHECK(got == 2);
}

}  // namespace
