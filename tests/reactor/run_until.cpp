// SPDX-License-Identifier: MIT
// run_until(): the result of a Deferred, a task, or whatever else can be awaited.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/timer.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::Unhandled;

namespace {

Task<int> give_after(Duration time, int value) {
  co_await Pause{time};
  co_return value;
}
Task<> fail_with(std::string text) {
  co_await Pause{};
  throw std::runtime_error(text);
}

}  // namespace

TEST_CASE_TEMPLATE("run_until() gives the Deferred's result or throws its failure", On, OnPoll,
                   OnVirtualTime) {
  On on;

  CHECK(on.reactor.run_until(Deferred<int>(spawn(on.reactor, give_after(1ms, 3)))) == 3);
  CHECK_THROWS_WITH_AS(on.reactor.run_until(Deferred<void>(spawn(on.reactor, fail_with("bad")))),
                       "bad", std::runtime_error);
}

// It called stop() with no run() to stop, which ended the next one.
TEST_CASE_TEMPLATE("run_until() of a fired Deferred takes no turn, and leaves the next run() alone",
                   On, OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  on.reactor.post([&] {
    ++calls;
    on.reactor.stop();
  });

  CHECK(on.reactor.run_until(succeed(4)) == 4);
  CHECK(calls == 0);
  on.reactor.run();

  CHECK(calls == 1);
}

// It was lost, and the next run() did not return.
TEST_CASE_TEMPLATE("a stop() that comes with the result of run_until() is for the next run", On,
                   OnPoll, OnVirtualTime) {
  On on;
  auto [promise, result] = make_deferred<int>();
  Promise<int>& fire = promise;
  on.reactor.post([&] {
    on.reactor.stop();
    fire.callback(7);
  });

  CHECK(on.reactor.run_until(std::move(result)) == 7);
  bool called = false;
  on.reactor.post([&] { called = true; });
  on.reactor.run();

  CHECK_FALSE(called);
}

TEST_CASE_TEMPLATE("run_until() that stop() ends throws ReactorStateError and cancels the Deferred",
                   On, OnPoll, OnVirtualTime) {
  On on;
  bool cancelled = false;
  auto [promise, pending] = make_deferred<int>([&] { cancelled = true; });
  on.reactor.post([&on] { on.reactor.stop(); });

  CHECK_THROWS_AS(on.reactor.run_until(std::move(pending)), ReactorStateError);

  CHECK(cancelled);
}

// Its callback wrote into the frame of a run_until() that had returned.
TEST_CASE_TEMPLATE("a result that comes after its run_until() has ended goes nowhere", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const auto unwilling = []() -> Task<int> {
    Outcome<void> outcome = co_await as_outcome(Pause{1ms});
    if (!outcome) co_await Pause{2ms};
    co_return 1;
  };
  on.reactor.post([&on] { on.reactor.stop(); });

  CHECK_THROWS_AS(on.reactor.run_until(Deferred<int>(spawn(on.reactor, unwilling()))),
                  ReactorStateError);
  on.run_for(10ms);

  CHECK(on.reactor.task_count() == 0);
}

TEST_CASE_TEMPLATE("run_until() inside run() throws, and the Deferred does no harm later", On,
                   OnPoll, OnVirtualTime) {
  On on;
  auto [promise, pending] = make_deferred<int>();
  bool thrown = false;
  on.reactor.post([&, &waited = pending] {
    try {
      on.reactor.run_until(std::move(waited));
    } catch (const ReactorStateError&) {
      thrown = true;
    }
  });

  on.run_for(1ms);
  if (!promise.fired()) promise.callback(1);

  CHECK(thrown);
}

TEST_CASE("run_until() takes a task, a Spawned, and any other yieldable") {
  const Unhandled unhandled;
  Reactor reactor;
  const auto three = []() -> Task<int> {
    co_await Pause{};
    co_return 3;
  };
  Timer timer{1ms};
  const SharedDeferred<int> shared = succeed(3).share();

  CHECK(reactor.run_until(three()) == 3);
  CHECK(reactor.run_until(spawn(reactor, three())) == 3);
  CHECK(reactor.run_until(as_outcome(three())).value() == 3);
  CHECK(reactor.run_until(timer) >= 1);
  CHECK(reactor.run_until(timer) >= 1);
  CHECK(reactor.run_until(shared).get() == 3);
  reactor.run_until(Pause{1ms});
  CHECK(reactor.task_count() == 0);
}

// What the inner run waited for was left to the callback's caller.
TEST_CASE("run_until() in the callback of a long row ends") {
  Reactor reactor;
  constexpr int length = 200;
  std::vector<Promise<int>> promises(length);
  int got = 0;
  for (int i = 0; i < length; ++i) {
    auto [promise, deferred] = make_deferred<int>();
    promises[static_cast<std::size_t>(i)] = std::move(promise);
    std::move(deferred)
        .add_callback([&, i](int) {
          if (i + 1 < length) return promises[static_cast<std::size_t>(i) + 1].callback(1);
          auto [inner, result] = make_deferred<int>();
          reactor.post([&inner = inner] { inner.callback(7); });
          got = reactor.run_until(std::move(result));
        })
        .detach();
  }

  promises[0].callback(1);

  CHECK(got == 7);
}

TEST_CASE("run_until() throws what a task throws, and closes one that stop() leaves behind") {
  const Unhandled unhandled;
  Reactor reactor;
  const auto fails = []() -> Task<> {
    co_await Pause{};
    throw std::out_of_range("too far");
  };
  const auto sleeps = [](std::shared_ptr<int>) -> Task<> { co_await Pause{1h}; };
  const auto held = std::make_shared<int>();
  reactor.post([&] { reactor.stop(); });

  CHECK_THROWS_AS(reactor.run_until(sleeps(held)), ReactorStateError);
  CHECK(held.use_count() == 1);
  CHECK(reactor.task_count() == 0);
  CHECK_THROWS_AS(reactor.run_until(fails()), std::out_of_range);
}

// The microthread went on waiting for an object that was gone.
TEST_CASE_TEMPLATE("what run_until() refers to is let go of when stop() ends it", T, OnPoll,
                   OnVirtualTime) {
  T on;
  Reactor& reactor = on.reactor;
  reactor.stop();
  {
    Timer timer{1h};
    CHECK_THROWS_AS(reactor.run_until(timer), ReactorStateError);
    CHECK(reactor.task_count() == 0);
    const DelayedCall stop = reactor.call_later(1ms, [&] { reactor.stop(); });
    CHECK_THROWS_AS(static_cast<void>(reactor.run_until(as_outcome(timer))), ReactorStateError);
  }
  CHECK(reactor.task_count() == 0);
  CHECK(reactor.timer_count() == 0);
}
