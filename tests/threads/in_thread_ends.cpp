// SPDX-License-Identifier: MIT
//
// How a wait for in_thread() ends early - cancelled, closed, with the pool or the reactor - and
// what real threads make of it. Runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/manual.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

int twice(int x) { return 2 * x; }

// ---- Cancelling.

TEST_CASE_FIXTURE(Manual, "a cancel takes back a function that has not begun, at once") {
  const auto held = std::make_shared<int>();
  auto spawned = begin(in_thread(pool, [held] { return 1; }));

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(pool.queued() == 0);
  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(Manual, "a one-shot cancel takes back a function that has not begun") {
  Deferred<int> result = begin(in_thread(pool, twice, 1));

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<Cancelled>());
  CHECK(pool.queued() == 0);
}

TEST_CASE_FIXTURE(Manual,
                  "a function that runs is waited for, and the cancel hits the next await") {
  std::vector<std::string> notes;
  TaskRef task;
  const auto busy = meanwhile([&] {
    task.cancel();
    settle();
    notes.push_back("still running");
  });
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await in_thread(pool, busy);
    notes.push_back("value");
    co_await Pause(1s);
    notes.push_back("not reached");
    co_return got;
  });
  task = spawned.task();
  settle();

  run_all();

  CHECK(notes == std::vector<std::string>{"still running", "value"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "a one-shot cancel too hits the next await, and no other") {
  std::vector<std::string> notes;
  std::optional<Deferred<int>> result;
  const auto busy = meanwhile([&] {
    result->cancel();
    settle();
    result->cancel();
    settle();
    notes.push_back("still running");
  });
  result = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await in_thread(pool, busy);
    const Outcome<void> next = co_await as_outcome(Pause(1s));
    if (next.check<Cancelled>()) notes.push_back("cancelled");
    co_await Pause(1s);
    co_return got;
  });
  settle();
  run_all();

  time.advance(1s);

  CHECK(notes == std::vector<std::string>{"still running", "cancelled"});
  CHECK((*std::move(result)).result().value() == 5);
}

TEST_CASE_FIXTURE(Manual, "a one-shot cancel past the limit of with_timeout is not lost either") {
  Outcome<void> next;
  std::optional<Deferred<int>> result;
  const auto busy = meanwhile([&] {
    time.advance(2s);
    result->cancel();
  });
  result = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await with_timeout(1s, in_thread(pool, busy));
    next = co_await as_outcome(Pause(1s));
    co_await Pause(1s);
    co_return got;
  });
  settle();
  run_all();

  time.advance(1s);

  CHECK(next.check<Cancelled>());
  CHECK((*std::move(result)).result().value() == 5);
}

TEST_CASE_FIXTURE(Manual, "nor is one that comes before the limit") {
  Outcome<void> next;
  std::optional<Deferred<int>> result;
  const auto busy = meanwhile([&] {
    result->cancel();
    time.advance(2s);
  });
  result = spawn(reactor, [&]() -> Task<int> {
    const int got = co_await with_timeout(1s, in_thread(pool, busy));
    next = co_await as_outcome(Pause(1s));
    co_await Pause(1s);
    co_return got;
  });
  settle();
  run_all();

  time.advance(1s);

  CHECK(next.check<Cancelled>());
  CHECK((*std::move(result)).result().value() == 5);
}

TEST_CASE_FIXTURE(Manual,
                  "a cancel between the function's end and the await's does not lose the value") {
  auto spawned = begin(in_thread(pool, twice, 3));
  pool.run_one();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 6);
}

TEST_CASE_FIXTURE(Manual, "a task that is cancelled already does not begin the call") {
  auto spawned = spawn(reactor, [&]() -> Task<> {
    [[maybe_unused]] const auto outcome = co_await as_outcome(Pause(1s));
    co_await in_thread(pool, twice, 1);
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(pool.queued() == 0);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual,
                  "abandon_on_cancel does not wait, and the late result is destroyed once") {
  Counted::reset();
  std::optional<Spawned<Counted>> spawned;
  const auto busy = [&] {
    spawned->task().cancel();
    settle();
    CHECK(spawned->done());
    return Counted(1);
  };
  spawned = begin(in_thread(pool, busy).abandon_on_cancel());

  run_all();

  CHECK(Counted::live == 0);
  CHECK(Counted::copies == 0);
  CHECK(outcome_of(*std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "abandon_on_cancel drops a late error without a report") {
  std::optional<Spawned<void>> spawned;
  const auto busy = [&] {
    spawned->task().cancel();
    settle();
    throw Oops("late");
  };
  spawned = begin(in_thread(pool, busy).abandon_on_cancel());

  run_all();

  CHECK(outcome_of(*std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Manual, "abandon_on_cancel gives an error that is thrown into the wait, once") {
  std::optional<Spawned<void>> spawned;
  spawned = begin(in_thread(pool, [&] {
                    spawned->task().throw_(Oops("now"));
                    settle();
                  }).abandon_on_cancel());

  run_all();

  CHECK(outcome_of(*std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Manual,
                  "an error thrown into the wait takes back a function that has not begun") {
  auto spawned = begin(in_thread(pool, twice, 1));

  spawned.task().throw_(Oops("now"));
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
  CHECK(pool.queued() == 0);
}

TEST_CASE_FIXTURE(Manual, "an error thrown into the wait for a running function comes at its end") {
  std::optional<Spawned<int>> spawned;
  spawned = begin(in_thread(pool, meanwhile([&] {
                              spawned->task().throw_(Oops("now"));
                              settle();
                              CHECK_FALSE(spawned->done());
                            })));

  run_all();

  CHECK(outcome_of(*std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Manual,
                  "of two errors thrown into such a wait the last has the first suppressed") {
  std::optional<Spawned<int>> spawned;
  spawned = begin(in_thread(pool, meanwhile([&] {
                              spawned->task().throw_(Oops("first"));
                              settle();
                              spawned->task().throw_(Oops("second"));
                              settle();
                            })));

  run_all();

  const Failure failure = outcome_of(*std::move(spawned)).failure();
  CHECK(failure.check<Oops>()->text == "second");
  REQUIRE(failure.suppressed().size() == 1);
  CHECK(failure.suppressed().front().check<Oops>()->text == "first");
}

TEST_CASE_FIXTURE(Manual,
                  "errors that were thrown into such a wait are reported if the task is closed") {
  std::optional<Spawned<int>> spawned;
  spawned = begin(in_thread(pool, meanwhile([&] {
                              spawned->task().throw_(Oops("first"));
                              settle();
                              spawned->task().throw_(Oops("second"));
                              settle();
                              spawned->task().close();
                            })));

  run_all();

  CHECK(unhandled.take() == std::vector<std::string>{"first", "second"});
}

TEST_CASE_FIXTURE(Manual, "an error and a level cancel in one turn: the function is waited for") {
  for (const bool error_first : {true, false}) {
    CAPTURE(error_first);
    bool went_on = false;
    std::optional<Spawned<int>> spawned;
    const auto meddles = meanwhile([&] {
      if (error_first) spawned->task().throw_(Oops("thrown"));
      spawned->task().cancel();
      if (!error_first) spawned->task().throw_(Oops("thrown"));
      settle();
      went_on = spawned->done();
    });
    spawned = begin(in_thread(pool, meddles));

    run_all();

    CHECK_FALSE(went_on);
    CHECK(outcome_of(*std::move(spawned)).check<Oops>());
  }
}

TEST_CASE_FIXTURE(Manual, "close() does not wait for the function") {
  const auto held = std::make_shared<int>();
  std::optional<Spawned<std::shared_ptr<int>>> spawned;
  const auto busy = [&, held] {
    spawned->task().close();
    CHECK(spawned->done());
    return held;
  };
  spawned = begin(in_thread(pool, busy));

  run_all();

  CHECK(held.use_count() == 2);
}

TEST_CASE_FIXTURE(Manual, "close() takes back a function that has not begun") {
  auto spawned = begin(in_thread(pool, twice, 1));

  spawned.task().close();

  CHECK(pool.queued() == 0);
}

// ---- The end of the pool and of the reactor.

TEST_CASE_FIXTURE(Loop, "a pool's end fails the wait for a function that has not begun") {
  const auto held = std::make_shared<int>();
  std::optional<ManualPool> pool{std::in_place};
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const auto call = in_thread(*pool, [held] {});
    co_await call;
  });
  settle();

  pool.reset();
  settle();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<AbandonedError>());
  CHECK(outcome.failure().what().find("pool was destroyed") != std::string::npos);
  CHECK(held.use_count() == 1);
}

TEST_CASE("a reactor may end while a function is queued, runs, or has ended") {
  const auto held = std::make_shared<int>();
  const auto give = [held] { return held; };
  for (int begun = 0; begun < 3; ++begun) {
    CAPTURE(begun);
    ManualPool pool;
    std::optional<Loop> loop{std::in_place};
    const auto end = [&] { loop.reset(); };
    const auto body = [&]() -> Task<> {
      const auto ends_loop = [end, give] {
        end();
        return give();
      };
      if (begun == 1) co_await in_thread(pool, ends_loop);
      if (begun != 1) co_await in_thread(pool, give);
    };
    spawn(loop->reactor, body).detach();
    loop->settle();

    if (begun > 0) pool.run_one();
    loop.reset();

    CHECK(pool.queued() == 0);
    CHECK(held.use_count() == 2);  // and `give`
  }
}

TEST_CASE("pool and reactor may end in either order, while a function is queued") {
  const auto held = std::make_shared<int>();
  for (const bool pool_first : {true, false}) {
    std::optional<ManualPool> pool{std::in_place};
    std::optional<Loop> loop{std::in_place};
    spawn(loop->reactor, [&, held]() -> Task<> {
      const auto call = in_thread(*pool, [held] {});
      co_await call;
    }).detach();
    loop->settle();

    if (pool_first) pool.reset();
    loop.reset();
    pool.reset();

    CHECK(held.use_count() == 1);
  }
}

// ---- Real threads.

TEST_CASE_TEMPLATE("a function runs in another thread, and the task goes on in its own", On, OnPoll,
                   OnVirtualTime) {
  On on;
  ThreadPool pool(2);
  const auto home = std::this_thread::get_id();
  on.reactor.run([](Pool& p, std::thread::id main) -> Task<> {
    const auto there = co_await in_thread(p, [] { return std::this_thread::get_id(); });
    CHECK(there != main);
    CHECK(std::this_thread::get_id() == main);
  }(pool, home));
}

TEST_CASE_FIXTURE(OnPoll, "the default pool serves who names none") {
  CHECK(reactor.run([]() -> Task<int> { co_return co_await in_thread(twice, 4); }()) == 8);
}

TEST_CASE_FIXTURE(OnPoll, "a reactor that waits for a thread does not say that it is stuck") {
  std::vector<std::string> reports;
  reactor.set_error_hook(
      [&](const Failure& failure, std::string_view) { reports.push_back(failure.what()); });
  for (int i = 0; i < 50; ++i) {
    const auto body = []() -> Task<> {
      const auto nothing = [] { std::this_thread::yield(); };
      co_await in_thread(nothing);
    };
    reactor.run(body());
  }

  CHECK(reports.empty());
}

TEST_CASE("a pool's thread does not keep an error that it has given") {
  struct Holding {
    std::shared_ptr<int> held;
  };
  const auto held = std::make_shared<int>();
  ThreadPool pool(1);
  const auto throws = [&held] {
    const auto task = [&]() -> Task<> {
      co_await Pause{};
      throw Holding{held};
    };
    Reactor own(make_virtual_time());
    own.run_until(spawn(own, task).deferred());
  };
  {
    OnPoll on;
    const auto body = [&]() -> Task<> {
      const auto outcome = co_await as_outcome(in_thread(pool, throws));
      CHECK(outcome.check<Holding>());
    };
    on.reactor.run(body());
  }

  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(OnPoll, "several calls run at the same time") {
  ThreadPool pool(3);
  std::atomic<int> met{0};
  const auto meet = [&] {  // returns only when all three are here
    ++met;
    while (met < 3) std::this_thread::yield();
  };
  for (int i = 0; i < 3; ++i) {
    spawn(reactor, [&]() -> Task<> {
      co_await in_thread(pool, meet);
      if (reactor.task_count() == 1) reactor.stop();
    });
  }

  reactor.run();

  CHECK(met == 3);
}

TEST_CASE_FIXTURE(OnPoll, "a task that is closed while its function runs leaves it to the pool") {
  const auto held = std::make_shared<int>();
  {
    ThreadPool pool(1);
    std::atomic<bool> runs{false}, go{false};
    const auto busy = [&, held] {
      runs = true;
      while (!go) std::this_thread::yield();
      return held;
    };
    auto spawned = spawn(reactor, [&]() -> Task<> { co_await in_thread(pool, busy); });
    while (!runs) turn();

    spawned.task().close();
    go = true;
  }

  CHECK(held.use_count() == 1);
}

TEST_CASE("reactor, task and pool end at any time while functions begin, run and end") {
  const auto held = std::make_shared<int>();
  for (int round = 0; round < 200; ++round) {
    std::optional<ThreadPool> pool{2U};
    std::optional<OnPoll> on{std::in_place};
    std::vector<Spawned<void>> tasks;
    const auto give = [held] { return held; };
    for (int i = 0; i < 6; ++i) {
      tasks.push_back(spawn(on->reactor, [&]() -> Task<> {
        [[maybe_unused]] const auto outcome = co_await as_outcome(in_thread(*pool, give));
      }));
    }
    on->turn();
    if (round & 1) on->turn();
    if (round & 2) {
      for (auto& task : tasks) task.task().cancel();
    }
    if (round & 4) on->turn();
    if (round & 8) pool.reset();
    on.reset();
    pool.reset();
    tasks.clear();
  }

  CHECK(held.use_count() == 1);
}

}  // namespace
