// SPDX-License-Identifier: MIT
// What waiting costs: a turn for each deadline, one arm() of the backend for each turn.
#include <doctest/doctest.h>

#include <memory>
#include <utility>

#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Counting;
using deferred::testing::Unhandled;

namespace {

Task<int> give(int value) { co_return value; }

}  // namespace

TEST_CASE("an idle reactor blocks: it takes a turn for each deadline and no other") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};
  const DelayedCall first = reactor.call_later(5ms, [] {});
  const DelayedCall last = reactor.call_later(20ms, [&] { reactor.stop(); });

  reactor.run();

  CHECK(backend.turns == 2);
}

TEST_CASE("a cancelled or postponed deadline costs no turn") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};
  DelayedCall cancelled = reactor.call_later(1ms, [] {});
  DelayedCall postponed = reactor.call_later(2ms, [] {});
  const DelayedCall last = reactor.call_later(20ms, [&] { reactor.stop(); });
  cancelled.cancel();
  postponed.reset(1h);

  reactor.run();

  CHECK(backend.turns == 1);
}

TEST_CASE("posts and microthreads of one turn cost one arm() of the backend") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};
  backend.run_once(false);
  const int before = backend.arms;

  for (int i = 0; i < 100; ++i) {
    reactor.post([] {});
    spawn(reactor, give(i)).detach();
  }
  backend.run_once(false);

  CHECK(backend.arms == before + 2);  // one to ask for the turn, one at its end
  CHECK(reactor.task_count() == 0);
}

TEST_CASE("a timer set or moved to the front outside of a turn is armed at once") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};

  DelayedCall first = reactor.call_later(2h, [] {});
  CHECK(backend.armed == first.time());
  DelayedCall second = reactor.call_later(1h, [] {});
  CHECK(backend.armed == second.time());
  first.reset(1min);
  CHECK(backend.armed == first.time());
  reactor.post([] {});

  CHECK(backend.armed == TimePoint::min());
}

TEST_CASE("a reactor without work blocks until it is woken") {
  Unhandled unhandled;
  Counting backend;
  Reactor reactor{backend};
  const int before = backend.turns;

  reactor.call_from_thread([&reactor] { reactor.stop(); });
  reactor.run();

  CHECK(backend.turns == before + 1);
  CHECK(backend.wakes == 2);  // the post, and stop()
}

TEST_CASE("ten thousand tasks that sleep cost no turn") {
  Unhandled unhandled;
  auto owned = std::make_unique<Counting>();
  Counting& backend = *owned;
  Reactor reactor{std::move(owned)};
  const auto sleep = []() -> Task<> { co_await Pause{1h}; };
  for (int i = 0; i < 10'000; ++i) spawn(reactor, sleep()).detach();
  backend.run_once(false);
  backend.turns = 0;

  const DelayedCall end = reactor.call_later(200ms, [&] { reactor.stop(); });
  reactor.run();

  CHECK(reactor.task_count() == 10'000);
  CHECK(backend.turns == 1);
}
