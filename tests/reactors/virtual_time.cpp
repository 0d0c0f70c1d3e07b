// SPDX-License-Identifier: MIT
// VirtualTime: a clock that goes on when it is told or has to.
#include "reactors/virtual_time.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::SocketPair;
using deferred::testing::Unhandled;

namespace {

struct Virtual {
  Unhandled unhandled;
  reactors::VirtualTime time;
  Reactor reactor{time};
  std::vector<Duration> seen;

  Duration now() { return reactor.now().time_since_epoch(); }
  auto note() {
    return [this] { seen.push_back(now()); };
  }
};

Task<> pausing_for_ever() {
  for (;;) co_await Pause{};
}

}  // namespace

TEST_CASE_FIXTURE(Virtual, "the clock begins at zero and stands still by itself") {
  CHECK(now() == 0s);
  time.advance();
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Virtual,
                  "advance() stops at each deadline on the way, and ends where it was told") {
  for (const auto delay : {3s, 1s, 2s}) reactor.call_later(delay, note()).detach();

  time.advance(2500ms);

  CHECK(seen == std::vector<Duration>{1s, 2s});
  CHECK(now() == 2500ms);
}

TEST_CASE_FIXTURE(Virtual, "a deadline at the end of advance() is met, one behind it is not") {
  reactor.call_later(1s, note()).detach();
  reactor.call_later(1s + 1ns, note()).detach();

  time.advance(1s);

  CHECK(seen == std::vector<Duration>{1s});
}

// Twisted #9819: there, nested timers see the final time.
TEST_CASE_FIXTURE(
    Virtual, "timers set on the way see their own deadline, and are met in the same advance()") {
  reactor.call_later(1s, [&] { reactor.call_later(1s, note()).detach(); }).detach();

  time.advance(5s);

  CHECK(seen == std::vector<Duration>{2s});
}

TEST_CASE_FIXTURE(Virtual, "a microthread's pauses add up exactly") {
  spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      co_await Pause{100ms};
      seen.push_back(now());
    }
  }).detach();

  time.advance(1s);

  CHECK(seen == std::vector<Duration>{100ms, 200ms, 300ms});
}

TEST_CASE_FIXTURE(Virtual,
                  "advance() without time takes the turns that are due now, however many") {
  int rounds = 0;
  spawn(reactor, [&]() -> Task<> {
    for (; rounds < 10; ++rounds) co_await Pause{};
  }).detach();
  reactor.call_later(1ns, note()).detach();

  time.advance();

  CHECK(rounds == 10);
  CHECK(seen.empty());
}

TEST_CASE_FIXTURE(Virtual, "advance() takes no negative time: the clock never goes back") {
  time.advance(1s);

  CHECK_THROWS_AS(time.advance(-1ns), std::invalid_argument);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Virtual, "advance() to the end of time overflows nothing") {
  reactor.call_later(1h, note()).detach();
  time.advance(1s);

  time.advance(Duration::max());

  CHECK(seen == std::vector<Duration>{1h});
  CHECK(time.now() == TimePoint::max());
}

// The deadline of the first stayed armed, and the clock never got past it.
TEST_CASE("a clock can be put forward after the end of its reactor") {
  reactors::VirtualTime time;
  {
    Reactor reactor{time};
    reactor.call_later(5s, [] {}).detach();
    time.advance(1s);
  }

  time.advance(10s);

  CHECK(time.now() == TimePoint(11s));
}

TEST_CASE_FIXTURE(Virtual, "run_until_idle() jumps from deadline to deadline until none is left") {
  reactor.call_later(1h, [&] { reactor.call_later(1h, note()).detach(); }).detach();

  CHECK(time.run_until_idle());

  CHECK(seen == std::vector<Duration>{2h});
  CHECK(now() == 2h);
}

TEST_CASE_FIXTURE(Virtual, "run_until_idle() stops at its limit and says that something is left") {
  reactor.call_later(1h, note()).detach();
  reactor.call_later(3h, note()).detach();

  CHECK_FALSE(time.run_until_idle(2h));

  CHECK(seen == std::vector<Duration>{1h});
  CHECK(now() == 1h);
  CHECK(time.run_until_idle(Duration::max()));
  CHECK(now() == 3h);
}

TEST_CASE_FIXTURE(Virtual, "what never waits is found out, and said so") {
  spawn(reactor, pausing_for_ever()).detach();

  CHECK_THROWS_WITH_AS(time.advance(),
                       "VirtualTime: 100000 turns at one moment: something reschedules itself "
                       "without waiting",
                       std::logic_error);
  CHECK_THROWS_AS(time.run_until_idle(), std::logic_error);
}

// Turns inside a turn do nothing: it took 100000 of them and blamed the code under test.
TEST_CASE_FIXTURE(Virtual, "advance() inside a callback throws") {
  SocketPair pair;
  pair.write(1);
  int thrown = 0;
  const auto nest = [&] {
    try {
      time.advance(1s);
    } catch (const std::logic_error&) {
      ++thrown;
    }
    try {
      time.run_until_idle();
    } catch (const std::logic_error&) {
      ++thrown;
    }
  };
  reactor.post(nest);
  Watch watch = reactor.watch(pair[0], Ready::read, [&] {
    watch = Watch();
    nest();
  });

  time.advance();

  CHECK(thrown == 4);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Virtual, "run() jumps to the next deadline when nothing is left to do") {
  reactor.call_later(1h, note()).detach();
  reactor.call_later(2h, [&] { reactor.stop(); }).detach();

  reactor.run();

  CHECK(seen == std::vector<Duration>{1h});
  CHECK(now() == 2h);
}

TEST_CASE_FIXTURE(Virtual, "descriptors are real: they are looked at before each jump") {
  SocketPair pair;
  std::string log;
  Watch watch = reactor.watch(pair[0], Ready::read, [&] {
    pair.read(0);
    log += "io at " + std::to_string(now() / 1s) + " ";
  });
  reactor.call_later(1s, [&] { pair.write(1); }).detach();
  reactor.call_later(2s, [&] { log += "timer "; }).detach();

  time.advance(3s);

  CHECK(log == "io at 1 timer ");
}

TEST_CASE_FIXTURE(Virtual, "run() waits in real time for a descriptor when no deadline is left") {
  SocketPair pair;
  pair.write(1);
  bool told = false;
  const Watch watch = reactor.watch(pair[0], Ready::read, [&] {
    told = true;
    reactor.stop();
  });

  reactor.run();

  CHECK(told);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Virtual, "advance() takes in what threads have posted") {
  bool called = false;
  reactor.call_from_thread([&] {
    called = true;
    reactor.call_from_thread(note());
  });

  time.advance();

  CHECK(called);
  CHECK(seen == std::vector<Duration>{0s});
}
