// SPDX-License-Identifier: MIT
// Durations as users write them: in any unit, for ever, and negative.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <ratio>

#include "deferred/deferred.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/set_clock.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;
using deferred::testing::SetClock;

namespace {

constexpr Duration ns(AnyDuration any) { return any; }

}  // namespace

TEST_CASE("a duration of any unit is taken in nanoseconds") {
  CHECK(ns(5ms) == 5'000'000ns);
  CHECK(ns(-2h) == -7'200'000'000'000ns);
  CHECK(ns(std::chrono::duration<unsigned char>(200)) == 200s);
  CHECK(ns(std::chrono::duration<double>(0.25)) == 250ms);
  CHECK(ns(std::chrono::duration<float, std::milli>(-1.5F)) == -1'500'000ns);
  CHECK(ns(std::chrono::duration<int, std::ratio<1, 60>>(90)) == 1500ms);
  CHECK(ns(std::chrono::duration<std::int64_t, std::pico>(-2'500)) == -2ns);
}

TEST_CASE("a duration that does not fit is as long as can be") {
  CHECK(ns(std::chrono::hours::max()) == Duration::max());
  CHECK(ns(std::chrono::hours::min()) == Duration::min());
  CHECK(ns(std::chrono::seconds(9'223'372'036)) == 9'223'372'036'000'000'000ns);
  CHECK(ns(std::chrono::seconds(9'223'372'037)) == Duration::max());
  CHECK(ns(std::chrono::years(300)) == Duration::max());
  CHECK(ns(std::chrono::duration<char>(2)) == 2s);
  CHECK(ns(std::chrono::duration<std::uint64_t, std::nano>(~std::uint64_t{0})) == Duration::max());
  CHECK(ns(std::chrono::duration<double>(1e300)) == Duration::max());
  CHECK(ns(std::chrono::duration<double>(-std::numeric_limits<double>::infinity())) ==
        Duration::min());
  CHECK(ns(std::chrono::duration<double, std::nano>(9'223'372'036'854'775'808.0)) ==
        Duration::max());
  CHECK(ns(Duration::max()) == Duration::max());
  CHECK(ns(Duration::min()) == Duration::min());
}

TEST_CASE("a duration that is not a number is none") {
  CHECK(ns(std::chrono::duration<double>(std::nan(""))) == 0ns);
}

TEST_CASE_FIXTURE(Loop, "what is set for ever does not come") {
  int calls = 0;
  time.advance(1h);
  const DelayedCall hours = reactor.call_later(std::chrono::hours::max(), [&] { ++calls; });
  const DelayedCall years = reactor.call_later(std::chrono::years(300), [&] { ++calls; });
  DelayedCall moved = reactor.call_later(1s, [&] { ++calls; });
  moved.reset(std::chrono::minutes::max());
  DelayedCall delayed = reactor.call_later(1s, [&] { ++calls; });
  delayed.delay(std::chrono::days::max());
  auto [promise, pending] = make_deferred<int>();
  Deferred<int> limited = add_timeout(std::move(pending), std::chrono::seconds::max(), reactor);
  const auto sleeper = []() -> Task<> { co_await Pause{std::chrono::milliseconds::max()}; };
  const auto limiter = []() -> Task<> {
    co_await with_timeout(std::chrono::hours::max(), Pause{std::chrono::days::max()});
  };
  const auto ticker = []() -> Task<> {
    Timer timer{std::chrono::hours::max()};
    co_await timer;
  };
  const auto limited_task = [](auto limit, auto body) -> Task<> {
    co_await with_timeout(limit, body());
  };
  TaskRef tasks[] = {spawn(reactor, sleeper).task(), spawn(reactor, limiter).task(),
                     spawn(reactor, ticker).task(),
                     spawn(reactor, limited_task, std::chrono::hours::max(), sleeper).task()};

  time.advance(std::chrono::years(100));

  CHECK(calls == 0);
  CHECK_FALSE(limited.fired());
  for (const TaskRef& task : tasks) CHECK_FALSE(task.done());
  for (TaskRef& task : tasks) task.close();
  promise.callback(1);
  std::move(limited).detach();
}

TEST_CASE_FIXTURE(Loop, "a negative duration is now, and not before what was set for now") {
  std::string log;
  const DelayedCall zero = reactor.call_later(0s, [&] { log += "zero "; });
  const DelayedCall negative = reactor.call_later(-1h, [&] { log += "negative "; });
  const DelayedCall least = reactor.call_later(std::chrono::hours::min(), [&] { log += "least "; });
  DelayedCall reset = reactor.call_later(1h, [&] { log += "reset "; });
  reset.reset(-5min);
  spawn(reactor, [&]() -> Task<> {
    co_await Pause{-1h};
    log += "pause ";
    co_await Pause{Duration::min()};
    log += "pause ";
  });

  settle();

  CHECK(log == "zero negative least reset pause pause ");
  CHECK(now() == 0ns);
}

TEST_CASE_FIXTURE(Loop, "a negative limit ends a wait that is not answered at once") {
  const Outcome<void> outcome =
      outcome_of([]() -> Task<> { co_await with_timeout(-1h, Pause{1s}); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(now() == 0ns);
}

TEST_CASE("a clock that goes back makes the reactor's time stand still") {
  testing::Unhandled unhandled;
  SetClock clock;
  Reactor reactor(clock);
  clock.time = TimePoint(10s);
  CHECK(reactor.now() == TimePoint(10s));
  int calls = 0;
  const DelayedCall call = reactor.call_later(2s, [&] { ++calls; });

  clock.time = TimePoint(5s);
  CHECK(reactor.now() == TimePoint(10s));
  clock.run_once(false);
  CHECK(calls == 0);

  clock.time = TimePoint(12s);
  clock.run_once(false);
  CHECK(calls == 1);
}
