// SPDX-License-Identifier: MIT
//
// Threads that ask a reactor for something and wait. Runs under ThreadSanitizer too.
#include "deferred/threads/blocking_call_from_thread.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Runs `body` in a thread while the reactor runs, which then stops.
template <class On, class F>
void beside(On& on, F body) {
  std::thread thread([&body, remote = on.reactor.remote()] {
    body(remote);
    remote.stop();
  });
  on.reactor.run();
  thread.join();
}

TEST_CASE_TEMPLATE("a function is called on the reactor's thread, and its value is returned", On,
                   OnPoll, OnVirtualTime) {
  On on;
  const auto home = std::this_thread::get_id();
  beside(on, [&](const RemoteReactor& remote) {
    CHECK(blocking_call_from_thread(remote, [] { return std::this_thread::get_id(); }) == home);
    CHECK(*blocking_call_from_thread(remote, [] { return std::make_unique<int>(4); }) == 4);
    bool called = false;
    blocking_call_from_thread(on.reactor, [&] { called = true; });
    CHECK(called);
  });
}

// Its caller waited for ever.
TEST_CASE("a value whose move throws is that error at the caller, at whichever move") {
  struct Moved {
    explicit Moved(std::atomic<int>& of) : left(&of) {}
    Moved(Moved&& other) : left(other.left) {
      if (--*left == 0) throw std::runtime_error("the move threw");
    }
    std::atomic<int>* left;
  };
  for (int at = 1; at < 8; ++at) {
    OnPoll on;
    std::atomic<int> left{at};
    beside(on, [&](const RemoteReactor& remote) {
      try {
        blocking_call_from_thread(remote, [&left] { return Moved(left); });
        CHECK(left > 0);
      } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()) == "the move threw");
      }
    });
  }
}

TEST_CASE_TEMPLATE("an error is thrown in the calling thread as what it is", On, OnPoll,
                   OnVirtualTime) {
  On on;
  beside(on, [](const RemoteReactor& remote) {
    CHECK_THROWS_AS(
        blocking_call_from_thread(remote, []() -> int { throw std::out_of_range("far"); }),
        std::out_of_range);
    CHECK_THROWS_AS(blocking_call_from_thread(remote, [] { return fail<int>(Oops()); }), Oops);
    CHECK_THROWS_AS(blocking_call_from_thread(remote, [] { return fail<int>(Cancelled()); }),
                    Cancelled);
  });
}

TEST_CASE_TEMPLATE("Deferreds and Tasks are waited for on the reactor", On, OnPoll, OnVirtualTime) {
  On on;
  beside(on, [&](const RemoteReactor& remote) {
    const int later = blocking_call_from_thread(remote, [&] {
      auto [promise, deferred] = make_deferred<int>();
      on.reactor
          .call_later(1ms,
                      [p = std::make_shared<Promise<int>>(std::move(promise))] { p->callback(1); })
          .detach();
      return std::move(deferred);
    });
    CHECK(later == 1);
    const int task = blocking_call_from_thread(remote, []() -> Task<int> {
      co_await Pause(1ms);
      co_return 2;
    });
    CHECK(task == 2);
    blocking_call_from_thread(remote, [] { return Pause(1ms); });
  });
}

TEST_CASE_FIXTURE(OnPoll, "on the reactor's own thread it is refused") {
  bool called = false;
  CHECK_THROWS_AS(blocking_call_from_thread(reactor, [&] { called = true; }), ReactorStateError);
  reactor.post([&] {
    CHECK_THROWS_AS(blocking_call_from_thread(reactor.remote(), [&] { called = true; }),
                    ReactorStateError);
  });
  turn();
  turn();

  CHECK_FALSE(called);
}

TEST_CASE("a reactor that is gone or has stopped is a NoReactorError") {
  bool called = false;
  std::optional<OnPoll> on{std::in_place};
  const RemoteReactor remote = on->reactor.remote();
  const auto call = [&] {
    std::thread([&] {
      CHECK_THROWS_AS(blocking_call_from_thread(remote, [&] { called = true; }), NoReactorError);
    }).join();
  };
  on->reactor.stop();
  on->reactor.run();

  call();
  on.reset();
  call();

  CHECK_FALSE(called);
}

TEST_CASE("a reactor that ends before it took the call ends the wait") {
  std::optional<OnPoll> on{std::in_place};
  std::thread thread([&, remote = on->reactor.remote()] {
    CHECK_THROWS_AS(blocking_call_from_thread(remote, [] {}), AbandonedError);
  });
  while (detail::ReactorAccess::inbox(on->reactor).empty()) std::this_thread::yield();

  on.reset();
  thread.join();
}

TEST_CASE("a reactor that ends while what the function returned is waited for ends the wait") {
  std::optional<OnPoll> on{std::in_place};
  std::optional<Promise<int>> kept;
  std::thread thread([&, remote = on->reactor.remote()] {
    CHECK_THROWS_AS(blocking_call_from_thread(remote,
                                              [&] {
                                                auto [promise, deferred] = make_deferred<int>();
                                                kept.emplace(std::move(promise));
                                                return std::move(deferred);
                                              }),
                    AbandonedError);
  });
  while (!kept) on->turn();

  on.reset();
  thread.join();
}

TEST_CASE("a reactor that stops while what the function returned is waited for ends the wait") {
  OnPoll on;
  std::thread thread([&, remote = on.reactor.remote()] {
    CHECK_THROWS_AS(blocking_call_from_thread(remote, [] { return Pause(1h); }), AbandonedError);
  });
  while (on.reactor.timer_count() == 0) on.turn();

  on.reactor.stop();
  on.reactor.run();
  thread.join();

  CHECK(on.reactor.task_count() == 0);
}

TEST_CASE("many threads call at once, and each gets its own answer") {
  OnPoll on;
  std::atomic<int> running{4};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t, remote = on.reactor.remote()] {
      for (int i = 0; i < 500; ++i) {
        const int asked = t * 1000 + i;
        const int got = blocking_call_from_thread(remote, [asked] { return asked; });
        if (got != asked) FAIL("another one's answer");
      }
      if (--running == 0) remote.stop();
    });
  }

  on.reactor.run();
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("calls that come while a reactor stops are answered or refused") {
  for (int round = 0; round < 100; ++round) {
    std::optional<OnPoll> on{std::in_place};
    std::atomic<int> answered{0}, refused{0}, abandoned{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&, remote = on->reactor.remote()] {
        for (int i = 0; i < 20; ++i) {
          try {
            if (i % 2) {
              blocking_call_from_thread(remote, [] {});
            } else {
              blocking_call_from_thread(remote, [] { return Pause{}; });
            }
            ++answered;
          } catch (const NoReactorError&) {
            ++refused;
          } catch (const AbandonedError&) {
            ++abandoned;
          }
        }
      });
    }
    while (answered < round % 30) on->turn();
    on->reactor.stop();
    on->reactor.run();
    if (round & 1) on.reset();
    for (std::thread& thread : threads) thread.join();

    CHECK(answered + refused + abandoned == 60);
  }
}

// The two waited for each other: the destructor closed the task first, whose pool joined the job.
TEST_CASE("a reactor's end lets go of a job that waits for it, before the job's pool joins") {
  std::atomic<bool> asks{false}, told{false};
  {
    OnPoll on;
    const auto main = [&]() -> Task<> {
      ThreadPool pool(1);
      const auto ask = [&, remote = on.reactor.remote()] {
        asks = true;
        try {
          blocking_call_from_thread(remote, [] {});
        } catch (const std::exception&) {
          told = true;
        }
      };
      co_await in_thread(pool, ask);
    };
    spawn(on.reactor, main).detach();
    on.turn();
    while (!asks) std::this_thread::yield();
  }
  CHECK(told);
}

}  // namespace
