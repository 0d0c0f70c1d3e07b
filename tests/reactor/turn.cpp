// SPDX-License-Identifier: MIT
// What one turn does, and in which order; who can starve whom.
#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

TEST_CASE_TEMPLATE("a turn takes the posts of threads, then timers, then the ready queue", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] { log += "ready "; });
  const DelayedCall timer = on.reactor.call_later(0s, [&] { log += "timer "; });
  on.reactor.call_from_thread([&] { log += "thread "; });

  on.turn();

  CHECK(log == "thread timer ready ");
}

TEST_CASE_TEMPLATE("what the ready queue held is run before what was put there meanwhile", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  for (const char letter : {'a', 'b'}) {
    on.reactor.post([&log, &on, letter] {
      log += letter;
      on.reactor.post([&log, letter] { log += static_cast<char>(letter - 'a' + 'A'); });
    });
  }

  on.turn();

  CHECK(log == "abAB");
}

TEST_CASE_TEMPLATE("a turn runs what was ready, and 256 of what became ready meanwhile", On, OnPoll,
                   OnVirtualTime) {
  On on;
  int calls = 0;
  std::function<void()> again = [&] {
    ++calls;
    on.reactor.post([&] { again(); });
  };
  for (int i = 0; i < 3; ++i) on.reactor.post([&] { again(); });

  on.turn();
  CHECK(calls == 3 + 256);
  on.turn();

  CHECK(calls == 2 * (3 + 256));
}

TEST_CASE_TEMPLATE("what a turn has left over is run first by the next, in its order", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] {
    for (int i = 0; i < 256; ++i) on.reactor.post([] {});
    for (const char letter : {'a', 'b'}) on.reactor.post([&log, letter] { log += letter; });
  });

  on.turn();
  CHECK(log.empty());
  on.reactor.post([&] { log += "c"; });
  on.turn();

  CHECK(log == "abc");
}

TEST_CASE_TEMPLATE("a turn takes 1,024 calls of threads, and asks for another for the rest", On,
                   OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  for (int i = 0; i < 1025; ++i) on.reactor.call_from_thread([&] { ++calls; });

  on.turn();
  CHECK(calls == 1024);
  CHECK(on.reactor.busy());
  on.reactor.backend().run_once(true);

  CHECK(calls == 1025);
}

TEST_CASE_TEMPLATE("a timer that a call of a thread sets waits for the next turn", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  const DelayedCall before = on.reactor.call_later(0s, [&] { log += "before "; });
  DelayedCall set;
  on.reactor.call_from_thread(
      [&] { set = on.reactor.call_at(TimePoint::min(), [&] { log += "set "; }); });

  on.turn();
  CHECK(log == "before ");
  on.turn();

  CHECK(log == "before set ");
}

TEST_CASE("a microthread that waits now and then is not made to wait") {
  OnVirtualTime on;
  int awaits = 0;
  const auto waits = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      for (int j = 0; j < 1023; ++j, ++awaits) co_await cancel_point;
      co_await Pause{};
    }
  };
  spawn(on.reactor, waits()).detach();

  on.turn();
  CHECK(awaits == 1023);
  on.turn();
  CHECK(awaits == 2 * 1023);
  on.turn();

  CHECK(awaits == 3 * 1023);
}

TEST_CASE("the first run of a Deferred coroutine is its caller's, and has no bound") {
  OnVirtualTime on;
  const auto reads = [](Reactor&) -> Deferred<int> {
    int awaits = 0;
    for (; awaits < 5000; ++awaits) co_await cancel_point;
    co_return awaits;
  };

  Deferred<int> done = reads(on.reactor);

  CHECK(done.fired());
  std::move(done).detach();
}

TEST_CASE("a microthread that rests between two calls is ready to go on, and can be cancelled") {
  OnVirtualTime on;
  int calls = 0;
  bool cancelled = false;
  const auto nothing = []() -> Task<> { co_await cancel_point; };
  const auto busy = [&]() -> Task<> {
    try {
      for (;; ++calls) co_await nothing();
    } catch (const Cancelled&) {
      cancelled = true;
    }
  };
  TaskRef task = spawn(on.reactor, busy).task();
  on.turn();
  CHECK(calls == 511);  // each is a call and an await, and the first call is of the lambda

  CHECK(task.where().find("is ready to go on") != std::string::npos);
  task.cancel();
  on.turn();
  on.turn();

  CHECK(cancelled);
  CHECK(task.done());
}

TEST_CASE("a microthread that rests is closed as any other") {
  for (const bool in_a_call : {true, false}) {
    OnVirtualTime on;
    const auto held = std::make_shared<int>();
    const auto nothing = []() -> Task<> { co_return; };
    const auto busy = [nothing, in_a_call, held]() -> Task<> {
      for (;;) {
        if (in_a_call) {
          co_await nothing();
        } else {
          co_await cancel_point;
        }
      }
    };
    TaskRef task = spawn(on.reactor, busy).task();
    on.turn();

    task.close();
    on.turn();

    CHECK(task.done());
    CHECK(held.use_count() == 2);  // the lambda's, and this one
  }
}

TEST_CASE("an answer that comes where a microthread rests is not lost to a cancel") {
  OnVirtualTime on;
  int last = 0;
  struct Number {
    int value;
    void yield_to(Waiter<int> waiter) const { waiter.resume(value); }
  };
  const auto busy = [&]() -> Task<> {
    for (int i = 1;; ++i) last = co_await Number{i};
  };
  TaskRef task = spawn(on.reactor, busy()).task();
  on.turn();
  CHECK(last == 1023);

  task.cancel();
  on.turn();

  CHECK(last == 1024);
  on.turn();
  CHECK(task.done());
}

TEST_CASE_TEMPLATE("an endless chain of posts starves neither I/O nor timers nor threads", On,
                   OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  std::string log;
  std::function<void()> again = [&] { on.reactor.post([&] { again(); }); };
  again();
  Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    log += "io ";
    watch = Watch();
  });
  const DelayedCall timer = on.reactor.call_later(0s, [&] { log += "timer "; });
  on.reactor.call_from_thread([&] {
    log += "thread ";
    on.reactor.call_from_thread([&] { on.reactor.stop(); });
  });

  on.reactor.run();

  CHECK(log == "io thread timer ");
}

TEST_CASE_TEMPLATE("a microthread that only pauses starves nothing", On, OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  int pauses = 0;
  const auto busy = [&]() -> Task<> {
    for (;;) {
      if (++pauses == 10) pair.write(1);
      co_await Pause{};
    }
  };
  spawn(on.reactor, busy).detach();
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] { on.reactor.stop(); });

  on.reactor.run();

  CHECK(pauses == 11);  // it was ready to go on when the readiness was reported
}

TEST_CASE_TEMPLATE("Pause{} goes on in the next turn, in the order of the pauses", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  for (const char letter : {'a', 'b'}) {
    spawn(on.reactor, [&log, letter]() -> Task<> {
      log += letter;
      co_await Pause{};
      log += letter;
    }).detach();
  }
  on.reactor.post([&] { log += "-"; });

  on.turn();
  CHECK(log == "ab-");
  on.turn();

  CHECK(log == "ab-ab");
}

TEST_CASE_TEMPLATE("a spawned microthread starts in the next turn, not in the present one", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.post([&] {
    spawn(on.reactor, [&log]() -> Task<> {
      log += "task ";
      co_return;
    }).detach();
    on.reactor.post([&] { log += "post "; });
  });

  on.turn();
  CHECK(log == "post ");
  on.turn();

  CHECK(log == "post task ");
}

TEST_CASE_TEMPLATE("call_from_thread inside such a call runs in the next turn", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  on.reactor.call_from_thread([&] {
    log += "1 ";
    on.reactor.call_from_thread([&] { log += "2 "; });
  });
  const DelayedCall timer = on.reactor.call_later(0s, [&] { log += "timer "; });

  on.turn();
  CHECK(log == "1 timer ");
  on.turn();

  CHECK(log == "1 timer 2 ");
}

TEST_CASE_TEMPLATE("what a callback throws is reported, and the rest of the turn is taken", On,
                   OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  int after = 0;
  Watch bad_watch = on.reactor.watch(pair[0], Ready::read, [&] {
    bad_watch = Watch();
    throw std::runtime_error("watch");
  });
  Watch good_watch = on.reactor.watch(pair[0], Ready::read, [&] {
    good_watch = Watch();
    ++after;
  });
  on.reactor.call_from_thread([] { throw std::runtime_error("thread"); });
  on.reactor.call_from_thread([&] { ++after; });
  const DelayedCall bad_timer =
      on.reactor.call_later(0s, [] { throw std::runtime_error("timer"); });
  const DelayedCall good_timer = on.reactor.call_later(0s, [&] { ++after; });
  on.reactor.post([] { throw 5; });
  on.reactor.post([&] { ++after; });

  on.turn();

  CHECK(after == 4);
  const std::vector<std::string> reports = on.unhandled.take_reports();
  REQUIRE(reports.size() == 4);
  CHECK(reports[0].find("a callback of watch: ") == 0);
  CHECK(reports[1].find("a callback posted from a thread: ") == 0);
  CHECK(reports[2].find("a callback of call_later: ") == 0);
  CHECK(reports[3].find("a posted callback: ") == 0);
}

TEST_CASE_TEMPLATE("a post is called once and its callable destroyed right after", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  int calls = 0;
  on.reactor.post([&calls, held] { ++calls; });
  on.reactor.post([&] { CHECK(held.use_count() == 1); });

  on.turn();
  on.turn();

  CHECK(calls == 1);
}

TEST_CASE_TEMPLATE("callables may be move-only", On, OnPoll, OnVirtualTime) {
  On on;
  SocketPair pair;
  pair.write(1);
  int sum = 0;
  on.reactor.post([&sum, n = std::make_unique<int>(1)] { sum += *n; });
  on.reactor.call_from_thread([&sum, n = std::make_unique<int>(10)] { sum += *n; });
  const DelayedCall timer =
      on.reactor.call_later(0s, [&sum, n = std::make_unique<int>(100)] { sum += *n; });
  const Watch watch = on.reactor.watch(pair[0], Ready::read,
                                       [&sum, n = std::make_unique<int>(1000)] { sum += *n; });

  on.turn();

  CHECK(sum == 1111);
}

TEST_CASE_TEMPLATE("the clock is read once a turn", On, OnPoll, OnVirtualTime) {
  On on;
  bool same = false;
  on.reactor.post([&] {
    const TimePoint before = on.reactor.now();
    const auto began = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() == began) {
    }
    same = on.reactor.now() == before;
  });

  on.turn();

  CHECK(same);
}
