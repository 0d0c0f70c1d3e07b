// SPDX-License-Identifier: MIT
// run(), run(task) and stop().
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
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

// Twisted: "Can't stop reactor that isn't running." Who stops cannot know who else did.
TEST_CASE_TEMPLATE("stop() twice ends one run, and not the next", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] {
    log += "a";
    on.reactor.stop();
    on.reactor.stop();
  });
  on.reactor.run();
  on.reactor.post([&] {
    log += "b";
    on.reactor.stop();
  });

  on.reactor.run();

  CHECK(log == "ab");
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
