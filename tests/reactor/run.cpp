// SPDX-License-Identifier: MIT
// run(), run(task), run_until() and stop().
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/timer.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Counting;
using deferred::testing::Driven;
using deferred::testing::Loop;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::Unhandled;

namespace {

Task<int> give(int value) { co_return value; }
Task<int> give_after(Duration time, int value) {
  co_await Pause{time};
  co_return value;
}
Task<> fail_with(std::string text) {
  co_await Pause{};
  throw std::runtime_error(text);
}

/// A backend whose wait fails once.
class Failing final : public Backend {
 public:
  TimePoint now() noexcept override { return inner_->now(); }
  void arm(TimePoint) noexcept override {}
  void wake() noexcept override {}
  void watch(int, Ready, IoHandler&) override {}
  void rewatch(int, Ready) override {}
  void unwatch(int) noexcept override {}
  void run_once(bool) override {
    if (std::exchange(fails, false)) throw std::runtime_error("the loop broke");
    turn();
  }
  bool fails = true;

 private:
  std::unique_ptr<Backend> inner_ = reactors::poll();
};

}  // namespace

TEST_CASE_TEMPLATE("run() takes turns until stop(), and can be called again", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;

  for (const char* text : {"a", "b"}) {
    on.reactor.post([&log, text] { log += text; });
    on.reactor.post([&on] { on.reactor.stop(); });
    on.reactor.run();
  }

  CHECK(log == "ab");
}

TEST_CASE_TEMPLATE("running() tells whether run() is at work", On, OnPoll, OnVirtualTime) {
  On on;
  bool inside = false;

  on.reactor.post([&] {
    inside = on.reactor.running();
    on.reactor.stop();
  });
  const bool before = on.reactor.running();
  on.reactor.run();

  CHECK_FALSE(before);
  CHECK(inside);
  CHECK_FALSE(on.reactor.running());
}

TEST_CASE_TEMPLATE("the turn in which stop() is called is taken to its end", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  const DelayedCall timer = on.reactor.call_later(0s, [&] {
    on.reactor.stop();
    on.reactor.post([&] { log += "later round "; });
  });
  on.reactor.post([&] { log += "same turn "; });

  on.reactor.run();

  CHECK(log == "same turn later round ");
}

TEST_CASE_TEMPLATE("stop() before run() makes the next run() return without a turn, and only that",
                   On, OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  on.reactor.post([&] {
    ++calls;
    on.reactor.stop();
  });

  on.reactor.stop();
  on.reactor.run();
  CHECK(calls == 0);
  on.reactor.run();

  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("run() inside run() throws ReactorStateError, and the outer one goes on", On,
                   OnPoll, OnVirtualTime) {
  On on;
  deferred::testing::SocketPair pair;
  pair.write(1);
  int thrown = 0;
  const auto run_again = [&] {
    try {
      on.reactor.run();
    } catch (const ReactorStateError&) {
      ++thrown;
    }
  };
  on.reactor.post(run_again);
  const DelayedCall timer = on.reactor.call_later(0s, run_again);
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    run_again();
    on.reactor.stop();
  });

  on.reactor.run();

  CHECK(thrown == 3);
}

// It spun for ever: turns inside a turn do nothing.
TEST_CASE_TEMPLATE("run() inside a turn that run() has not begun throws too", On, OnPoll,
                   OnVirtualTime) {
  On on;
  bool thrown = false;
  on.reactor.post([&] {
    try {
      on.reactor.run();
    } catch (const ReactorStateError&) {
      thrown = true;
    }
  });

  on.turn();

  CHECK(thrown);
}

TEST_CASE_TEMPLATE("a reactor runs inside a callback of another one", On, OnPoll, OnVirtualTime) {
  On outer, inner;
  std::string log;
  outer.reactor.post([&] {
    inner.reactor.post([&] {
      log += "inner ";
      inner.reactor.stop();
    });
    inner.reactor.run();
    log += "outer ";
    outer.reactor.stop();
  });

  outer.reactor.run();

  CHECK(log == "inner outer ");
}

TEST_CASE("what the backend throws comes out of run(); a stop() and calls are kept for the next") {
  Unhandled unhandled;
  Failing backend;
  Reactor reactor{backend};
  int calls = 0, triggers = 0;
  reactor.at_shutdown(Phase::before, [&] { ++triggers; }).detach();

  CHECK_THROWS_WITH(reactor.run(), "the loop broke");
  CHECK_FALSE(reactor.running());
  CHECK(triggers == 0);
  CHECK(reactor.call_from_thread([&] {
    ++calls;
    reactor.stop();
  }));
  reactor.run();

  CHECK(calls == 1);
  CHECK(triggers == 1);
}

TEST_CASE_TEMPLATE("run(task) gives a Task<int>'s value as the exit code, and 0 for others", On,
                   OnPoll, OnVirtualTime) {
  On on;

  CHECK(on.reactor.run(give(7)) == 7);
  CHECK(on.reactor.run(give_after(1ms, 8)) == 8);
  CHECK(on.reactor.run([]() -> Task<> { co_return; }()) == 0);
}

TEST_CASE_TEMPLATE("run(task) reports what the task throws and gives 1", On, OnPoll,
                   OnVirtualTime) {
  On on;

  const int code = on.reactor.run(fail_with("no main"));

  CHECK(code == 1);
  CHECK(on.unhandled.take() == std::vector<std::string>{"no main"});
}

TEST_CASE_FIXTURE(Loop, "run(task) reports the failure as the main task's") {
  CHECK(reactor.run(fail_with("no main")) == 1);

  const auto reports = unhandled.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("the main task") == 0);
}

TEST_CASE_FIXTURE(Loop, "run(task) ends with the task, and leaves the others for the next run") {
  auto longer = spawn(reactor, []() -> Task<int> {
    co_await Pause(10s);
    co_return 1;
  });

  CHECK(reactor.run(give_after(1s, 0)) == 0);
  CHECK_FALSE(longer.done());
  CHECK(reactor.run_until(std::move(longer).deferred()) == 1);

  CHECK(now() == 10s);
}

TEST_CASE_TEMPLATE("a run(task) that stop() ends gives 0, and the task goes on with the next run",
                   On, OnPoll, OnVirtualTime) {
  On on;
  bool went_on = false;
  const auto main_task = [&]() -> Task<int> {
    on.reactor.stop();
    co_await Pause{};
    went_on = true;
    co_await Pause{1ms};
    co_return 5;
  };

  const int code = on.reactor.run(main_task());
  CHECK(code == 0);
  CHECK_FALSE(went_on);
  on.run_for(10ms);

  CHECK(went_on);
}

TEST_CASE_FIXTURE(Loop, "a main task that outlives its run ends in the next") {
  const auto late = [this]() -> Task<int> {
    reactor.stop();
    co_await Pause(1s);
    co_return 7;
  };

  CHECK(reactor.run(late()) == 0);
  time.advance(1s);

  CHECK(reactor.task_count() == 0);
}

TEST_CASE_TEMPLATE("run(task) inside run() throws, and its task has not run", On, OnPoll,
                   OnVirtualTime) {
  On on;
  bool thrown = false;
  bool ran = false;
  const auto inner = [&]() -> Task<> {
    ran = true;
    co_return;
  };
  on.reactor.post([&] {
    try {
      on.reactor.run(inner());
    } catch (const ReactorStateError&) {
      thrown = true;
    }
  });

  on.run_for(1ms);

  CHECK(thrown);
  CHECK_FALSE(ran);
  CHECK(on.reactor.task_count() == 0);
}

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

// It waited for ever.
TEST_CASE("run() and run_until() end where the result's move throws, at whichever move") {
  const deferred::testing::Unhandled unhandled;
  static int left = 0;
  struct Moved {
    Moved() = default;
    Moved(Moved&&) {
      if (--left == 0) throw std::runtime_error("the move threw");
    }
  };
  const auto makes = []() -> Task<Moved> {
    co_await Pause{};
    co_return Moved();
  };
  for (int at = 1; at < 8; ++at) {
    Reactor reactor;
    reactor.set_error_hook([](const Failure&, std::string_view) {});
    left = at;
    const int code = reactor.run(makes());
    CHECK(code == (left > 0 ? 0 : 1));
    left = at;
    try {
      reactor.run_until(makes());
      CHECK(left > 0);
    } catch (const std::runtime_error&) {
      CHECK(left <= 0);
    }
  }
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
