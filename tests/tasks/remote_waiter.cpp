// SPDX-License-Identifier: MIT
//
// Answers from other threads. Runs under ThreadSanitizer too.
#include "deferred/tasks/remote_waiter.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// Hands its RemoteWaiter out.
template <class R>
struct Remote {
  explicit Remote(std::optional<RemoteWaiter<R>>& out) : out(&out) {}
  std::optional<RemoteWaiter<R>>* out;
  void yield_to(Waiter<R> waiter) const { out->emplace(std::move(waiter).remote()); }
};
template <class R>
Task<R> await_remote(std::optional<RemoteWaiter<R>>& out) {
  co_return co_await Remote<R>(out);
}

TEST_CASE_FIXTURE(Loop,
                  "a RemoteWaiter's answer arrives on the reactor's thread in its next turn") {
  std::optional<RemoteWaiter<std::string>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();

  std::thread([&] { std::move(*remote).resume("from a thread"); }).join();
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == "from a thread");
}

TEST_CASE_FIXTURE(Loop, "an answer from a thread wakes a reactor that waits") {
  std::optional<RemoteWaiter<void>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();
  std::thread thread([&] { std::move(*remote).resume(); });

  reactor.run_until(std::move(spawned).deferred());

  thread.join();
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "an error from a thread is thrown at the co_await as what it is") {
  std::optional<RemoteWaiter<int>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();

  std::thread([&] { std::move(*remote).throw_(std::out_of_range("far")); }).join();
  settle();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<std::out_of_range>());
  CHECK(outcome.failure().what() == "far");
  CHECK(outcome.failure().report().find("far\n  awaited at remote_waiter.cpp:") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "an exception_ptr from a thread is thrown at the co_await") {
  std::optional<RemoteWaiter<int>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();

  std::thread([&] {
    try {
      throw Oops{"caught there"};
    } catch (...) {
      std::move(*remote).throw_(std::current_exception());
    }
  }).join();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a RemoteWaiter that is dropped on a thread: AbandonedError") {
  std::optional<RemoteWaiter<int>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();

  std::thread([&] { remote.reset(); }).join();
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a RemoteWaiter that is assigned over is dropped") {
  std::optional<RemoteWaiter<int>> first;
  std::optional<RemoteWaiter<int>> second;
  auto one = spawn(reactor, await_remote(first));
  auto two = spawn(reactor, await_remote(second));
  settle();

  *first = std::move(*second);
  std::move(*first).resume(2);
  settle();

  CHECK(outcome_of(std::move(one)).check<AbandonedError>());
  CHECK(outcome_of(std::move(two)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "an answer from a thread is ignored once the wait has ended") {
  std::optional<RemoteWaiter<int>> remote;
  auto spawned = spawn(reactor, await_remote(remote));
  settle();
  spawned.task().cancel();
  settle();

  std::thread([&] { std::move(*remote).resume(1); }).join();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "an answer from a thread is ignored in a later wait") {
  std::optional<RemoteWaiter<int>> remote;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const Outcome<int> late = co_await as_outcome(with_timeout(1s, Remote<int>(remote)));
    CHECK(late.check<TimeoutError>());
    co_await Pause(1s);
    co_return 5;
  });
  time.advance(1s);

  std::thread([&] { std::move(*remote).resume(1); }).join();
  settle();
  CHECK_FALSE(spawned.done());
  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "a local copy of the Waiter may answer before the RemoteWaiter") {
  struct Both {
    std::optional<RemoteWaiter<int>>* remote;
    std::optional<Waiter<int>>* local;
    void yield_to(Waiter<int> waiter) const {
      *local = waiter;
      remote->emplace(std::move(waiter).remote());
    }
  };
  std::optional<RemoteWaiter<int>> remote;
  std::optional<Waiter<int>> local;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const Both both{&remote, &local};
    co_return co_await both;
  });
  settle();

  CHECK(local->resume(1));
  std::thread([&] { std::move(*remote).resume(2); }).join();
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

TEST_CASE("a RemoteWaiter may be answered after its reactor's end") {
  std::optional<RemoteWaiter<std::string>> remote;
  {
    Loop loop;
    spawn(loop.reactor, await_remote(remote));
    loop.settle();
  }

  std::thread([&] { std::move(*remote).resume("too late"); }).join();
}

TEST_CASE("a RemoteWaiter may be dropped after its reactor's end") {
  std::optional<RemoteWaiter<std::string>> remote;
  {
    Loop loop;
    spawn(loop.reactor, await_remote(remote));
    loop.settle();
  }

  std::thread([&] { remote.reset(); }).join();
}

TEST_CASE("an answer that is on its way when the reactor ends is destroyed") {
  std::optional<RemoteWaiter<std::shared_ptr<int>>> remote;
  auto value = std::make_shared<int>(1);
  {
    Loop loop;
    spawn(loop.reactor, await_remote(remote));
    loop.settle();
    std::thread([&] { std::move(*remote).resume(value); }).join();
  }

  CHECK(value.use_count() == 1);
}

TEST_CASE("a RemoteWaiter may be answered while its reactor ends") {
  for (int round = 0; round < 100; ++round) {
    std::optional<RemoteWaiter<std::string>> remote;
    std::thread thread;
    {
      Loop loop;
      spawn(loop.reactor, await_remote(remote));
      loop.settle();
      thread = std::thread([&] { std::move(*remote).resume("at the same time"); });
    }
    thread.join();
  }
}

TEST_CASE_FIXTURE(Loop, "many threads answer at once, and each answer arrives") {
  constexpr int count = 200;
  std::vector<std::optional<RemoteWaiter<int>>> remotes(count);
  int sum = 0;
  for (int i = 0; i < count; ++i) {
    const auto add = [&](std::optional<RemoteWaiter<int>>& remote) -> Task<> {
      const int got = co_await Remote<int>(remote);
      sum += got;
    };
    spawn(reactor, add, std::ref(remotes[static_cast<std::size_t>(i)]));
  }
  settle();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < count; i += 4) {
        std::move(*remotes[static_cast<std::size_t>(i)]).resume(1);
      }
    });
  }

  while (reactor.task_count() > 0) time.run_once(true);

  for (std::thread& each : threads) each.join();
  CHECK(sum == count);
}

}  // namespace
