// SPDX-License-Identifier: MIT
// How a run begins and ends: call_when_running(), at_shutdown() and crash().
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/hooked.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Hooked;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

namespace {

using Texts = std::vector<std::string>;

[[noreturn]] void oops() { throw std::runtime_error("oops"); }

}  // namespace

TEST_CASE_TEMPLATE("call_when_running() waits for the first turn, behind what was posted", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] { log += "posted "; });
  on.reactor.call_when_running([&] {
    log += on.reactor.running() ? "running " : "not running ";
    on.reactor.stop();
  });

  CHECK(log.empty());
  on.reactor.run();

  CHECK(log == "posted running ");
}

TEST_CASE_TEMPLATE("what a shutdown trigger makes ready goes on before run() returns, errors too",
                   On, OnPoll, OnVirtualTime) {
  On on;
  auto [promise, closed] = make_deferred<void>();
  const ShutdownTrigger trigger = on.reactor.at_shutdown(
      Phase::during, [&promise = promise] { promise.errback(std::runtime_error("oops")); });
  const auto main_task = [](Reactor& reactor, Deferred<void> until) -> Task<> {
    reactor.stop();
    co_await std::move(until);
  };
  const Hooked hooked(on.reactor);

  const int code = on.reactor.run(main_task(on.reactor, std::move(closed)));

  CHECK(code == 1);
  CHECK(hooked.texts == Texts{"the main task: oops"});
}

TEST_CASE_TEMPLATE("call_when_running() in a turn calls at once", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] {
    on.reactor.call_when_running([&] { log += "inner "; });
    log += "outer";
  });

  on.turn();

  CHECK(log == "inner outer");
}

TEST_CASE_TEMPLATE("shutdown triggers are called phase by phase, each in the order they were set",
                   On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  const auto say = [&](const char* text) {
    return [&log, &on, text] { log += on.reactor.running() ? text : "late "; };
  };
  on.reactor.at_shutdown(Phase::after, say("after ")).detach();
  on.reactor.at_shutdown(Phase::during, say("during ")).detach();
  on.reactor.at_shutdown(Phase::before, say("before-1 ")).detach();
  on.reactor.at_shutdown(Phase::before, say("before-2 ")).detach();

  on.reactor.stop();
  on.reactor.run();
  CHECK(log == "before-1 before-2 during after ");

  on.reactor.stop();
  on.reactor.run();
  CHECK(log == "before-1 before-2 during after ");  // once
}

TEST_CASE_TEMPLATE("turns go on until the Deferreds of 'before' triggers have results", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  const auto slow = [&log]() -> Deferred<void> {
    co_await Pause{10ms};
    log += "saved ";
  };
  on.reactor.at_shutdown(Phase::before, slow).detach();
  on.reactor.at_shutdown(Phase::before, [&] { log += "quick "; }).detach();
  on.reactor.at_shutdown(Phase::during, [&] { log += "during"; }).detach();

  on.reactor.stop();
  on.reactor.run();

  CHECK(log == "quick saved during");
}

TEST_CASE_TEMPLATE("a trigger that fails, now or later, is reported, and the others are called", On,
                   OnPoll, OnVirtualTime) {
  On on;
  const Hooked hooked(on.reactor);
  int calls = 0;
  const auto fails_later = []() -> Deferred<void> {
    co_await Pause{1ms};
    oops();
  };
  on.reactor.at_shutdown(Phase::before, [] { oops(); }).detach();
  on.reactor.at_shutdown(Phase::before, fails_later).detach();
  on.reactor.at_shutdown(Phase::during, [] { oops(); }).detach();
  on.reactor.at_shutdown(Phase::after, [&] { ++calls; }).detach();

  on.reactor.stop();
  on.reactor.run();

  CHECK(calls == 1);
  CHECK(hooked.texts == Texts(3, "a shutdown trigger: oops"));
}

TEST_CASE_TEMPLATE("a trigger whose handle is dropped is not called, and destroyed at once", On,
                   OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  const auto owned = std::make_shared<int>(0);
  {
    const ShutdownTrigger trigger =
        on.reactor.at_shutdown(Phase::before, [&calls, owned] { ++calls; });
    CHECK(trigger.active());
    CHECK(owned.use_count() == 2);
  }
  CHECK(owned.use_count() == 1);

  on.reactor.stop();
  on.reactor.run();

  CHECK(calls == 0);
}

TEST_CASE_TEMPLATE("a trigger set by a trigger is called too", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor
      .at_shutdown(Phase::during,
                   [&] {
                     on.reactor.at_shutdown(Phase::during, [&] { log += "second "; }).detach();
                     log += "first ";
                   })
      .detach();

  on.reactor.stop();
  on.reactor.run();

  CHECK(log == "first second ");
}

TEST_CASE("a trigger may outlive its reactor, and is then inactive") {
  ShutdownTrigger trigger;
  {
    OnPoll on;
    trigger = on.reactor.at_shutdown(Phase::before, [] {});
  }
  CHECK_FALSE(trigger.active());
}

TEST_CASE_TEMPLATE("run_until() that gets its result calls no triggers; stopped, it does", On,
                   OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  on.reactor.at_shutdown(Phase::before, [&] { ++calls; }).detach();
  const auto seven = []() -> Task<int> {
    co_await Pause{};
    co_return 7;
  };

  CHECK(on.reactor.run_until(spawn(on.reactor, seven).deferred()) == 7);
  CHECK(calls == 0);

  auto [promise, never] = make_deferred<int>();
  on.reactor.stop();
  CHECK_THROWS_AS(on.reactor.run_until(std::move(never)), ReactorStateError);
  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("run(task) calls the triggers when its task has ended", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.at_shutdown(Phase::before, [&] { log += "before"; }).detach();
  const auto main = [](std::string& to) -> Task<int> {
    co_await Pause{1ms};
    to += "main ";
    co_return 3;
  };

  CHECK(on.reactor.run(main(log)) == 3);
  CHECK(log == "main before");
}

TEST_CASE_TEMPLATE("crash() leaves run() without triggers, and it can run again", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.at_shutdown(Phase::before, [&] { log += "trigger "; }).detach();
  on.reactor.post([&] { on.reactor.crash(); });

  on.reactor.run();
  CHECK(log.empty());

  on.reactor.stop();
  on.reactor.run();
  CHECK(log == "trigger ");
}

TEST_CASE_TEMPLATE("crash() when it is not running does nothing", On, OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  on.reactor.crash();
  on.reactor.post([&] {
    ++calls;
    on.reactor.stop();
  });

  on.reactor.run();

  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("crash() ends a shutdown that waits", On, OnPoll, OnVirtualTime) {
  On on;
  auto [promise, never] = make_deferred<void>();
  on.reactor.at_shutdown(Phase::before, [d = std::move(never)]() mutable { return std::move(d); })
      .detach();
  const DelayedCall rescue = on.reactor.call_later(5ms, [&] { on.reactor.crash(); });

  on.reactor.stop();
  on.reactor.run();

  CHECK_FALSE(on.reactor.running());
  promise.callback();  // too late to be waited for
}

TEST_CASE_TEMPLATE("crash() in a trigger is the end of the triggers", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor
      .at_shutdown(Phase::before,
                   [&] {
                     log += "first ";
                     on.reactor.crash();
                   })
      .detach();
  on.reactor.at_shutdown(Phase::before, [&] { log += "second "; }).detach();
  on.reactor.at_shutdown(Phase::after, [&] { log += "after "; }).detach();

  on.reactor.stop();
  on.reactor.run();

  CHECK(log == "first ");
}

TEST_CASE_TEMPLATE("a 'before' trigger set while the shutdown waits is called in it", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  const auto slow = [&]() -> Deferred<void> {
    co_await Pause{1ms};
    on.reactor.at_shutdown(Phase::before, [&] { log += "set later, "; }).detach();
  };
  on.reactor.at_shutdown(Phase::before, slow).detach();
  on.reactor.at_shutdown(Phase::during, [&] { log += "during"; }).detach();

  on.reactor.stop();
  on.reactor.run();

  CHECK(log == "set later, during");
}

TEST_CASE_TEMPLATE(
    "a failed Deferred of any phase goes to the error hook; after the reactor's end "
    "it is an unhandled failure",
    On, OnPoll, OnVirtualTime) {
  deferred::testing::Unhandled unhandled;
  auto [promise, late] = make_deferred<void>();
  {
    On on;
    const Hooked hooked(on.reactor);
    on.reactor.at_shutdown(Phase::during, [] { return fail<void>(std::runtime_error("now")); })
        .detach();
    on.reactor.at_shutdown(Phase::after, [d = std::move(late)]() mutable { return std::move(d); })
        .detach();
    on.reactor.stop();
    on.reactor.run();
    CHECK(hooked.texts == Texts{"a shutdown trigger: now"});
  }
  promise.errback(std::runtime_error("late"));

  CHECK(unhandled.take() == Texts{"late"});
}

TEST_CASE_TEMPLATE(
    "a trigger's callable is destroyed after its call, also one that owns its handle", On, OnPoll,
    OnVirtualTime) {
  On on;
  struct Service {
    ShutdownTrigger trigger;
  };
  std::weak_ptr<Service> watched;
  {
    const auto service = std::make_shared<Service>();
    watched = service;
    service->trigger = on.reactor.at_shutdown(Phase::before, [service] {});
  }
  CHECK_FALSE(watched.expired());

  on.reactor.stop();
  on.reactor.run();

  CHECK(watched.expired());
}

TEST_CASE_TEMPLATE("the callback of a watch is in the reactor, whoever drives it", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    watch = Watch();
    on.reactor.call_when_running([&] { log += "at once "; });
    try {
      on.reactor.run();
    } catch (const ReactorStateError&) {
      log += "refused";
    }
  });

  on.turn();

  CHECK(log == "at once refused");
}
