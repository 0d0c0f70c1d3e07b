// SPDX-License-Identifier: MIT
#include "deferred/yieldables/lock.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// Twisted: DeferredLock's testLock.
TEST_CASE_FIXTURE(Loop, "a Lock is locked between the one who gives it back and the next") {
  Lock lock;
  CHECK_FALSE(lock.locked());
  std::optional<Permit> held = lock.try_acquire();
  CHECK(lock.locked());
  auto next = spawn(reactor, [&]() -> Task<bool> {
    const Permit permit = co_await lock.acquire();
    co_return lock.locked();
  });
  settle();
  CHECK(lock.waiting() == 1);

  held.reset();
  CHECK(lock.locked());
  CHECK_FALSE(lock.try_acquire());
  settle();

  CHECK(outcome_of(std::move(next)).value());
  CHECK_FALSE(lock.locked());
}

TEST_CASE_FIXTURE(Loop, "with_lock() gives what its function gives, and holds the lock meanwhile") {
  Lock lock;
  const auto outcome = outcome_of([&]() -> Task<std::unique_ptr<int>> {
    const auto body = [&]() -> Task<std::unique_ptr<int>> {
      CHECK(lock.locked());
      co_await Pause{1s};
      CHECK(lock.locked());
      co_return std::make_unique<int>(3);
    };
    auto got = co_await with_lock(lock, body);
    CHECK_FALSE(lock.locked());
    co_return got;
  });
  CHECK(*outcome.value() == 3);
}

TEST_CASE_FIXTURE(Loop, "with_lock() awaits what its function returns, and takes a Semaphore too") {
  Semaphore semaphore(2);
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, [&semaphore, d = std::move(deferred)]() mutable -> Task<int> {
    const auto give = [&d] { return std::move(d); };
    co_return co_await with_lock(semaphore, give);
  });
  settle();
  CHECK(semaphore.available() == 1);

  promise.callback(4);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 4);
  CHECK(semaphore.available() == 2);
}

// Twisted: testRun of DeferredLock and DeferredSemaphore: an error gives it back.
TEST_CASE_FIXTURE(Loop, "with_lock() gives the lock back however its function ends") {
  Lock lock;
  const auto fails_late = []() -> Task<> {
    co_await Pause{};
    throw std::runtime_error("late");
  };
  const auto throws = []() -> Deferred<void> { throw std::runtime_error("at once"); };
  const auto waits = []() -> Task<> { co_await Pause{1h}; };

  CHECK(outcome_of([&]() -> Task<> {
          co_await with_lock(lock, fails_late);
        }).check<std::runtime_error>());
  CHECK_FALSE(lock.locked());
  CHECK(outcome_of([&]() -> Task<> {
          co_await with_lock(lock, throws);
        }).check<std::runtime_error>());
  CHECK_FALSE(lock.locked());
  // Twisted: a run() that is cancelled cancels the function, and gives back then.
  auto cancelled = spawn(reactor, with_lock(lock, waits));
  auto closed = spawn(reactor, with_lock(lock, waits));
  auto last = spawn(reactor, with_lock(lock, [] { return Pause{}; }));
  settle();
  cancelled.task().cancel();
  settle();
  CHECK(lock.locked());
  closed.task().close();
  settle();
  CHECK(last.done());
  CHECK_FALSE(lock.locked());
  CHECK(outcome_of(std::move(cancelled)).check<Cancelled>());
}

// Twisted: test_cancelLock..BeforeAcquired of a run(): the function is not called.
TEST_CASE_FIXTURE(Loop, "with_lock() that is cancelled before it has the lock calls nothing") {
  Lock lock;
  std::optional<Permit> held = lock.try_acquire();
  bool called = false;
  auto waits = spawn(reactor, with_lock(lock, [&called]() -> Task<> {
                       called = true;
                       co_return;
                     }));
  settle();

  waits.task().cancel();
  held.reset();
  settle();

  CHECK(outcome_of(std::move(waits)).check<Cancelled>());
  CHECK_FALSE(called);
  CHECK_FALSE(lock.locked());
}

// Twisted: the asyncWith tests: at the end of the block the next has it.
TEST_CASE_FIXTURE(Loop, "the next has the lock before the one that gave it back goes on") {
  Lock lock;
  std::string order;
  const auto use = [&](char who) -> Task<> {
    const auto body = [&, who]() -> Task<> {
      order += who;
      co_await Pause{};
    };
    co_await with_lock(lock, body);
    CHECK((lock.locked() || who == 'c'));
    order += static_cast<char>(who - 'a' + 'A');
  };
  for (const char who : {'a', 'b', 'c'}) spawn(reactor, use, who);

  time.run_until_idle();

  CHECK(order == "aAbBcC");
}

TEST_CASE_FIXTURE(Loop, "with_lock() keeps its function for as long") {
  Lock lock;
  const auto outcome = outcome_of([&]() -> Task<std::string> {
    std::string text = "a text that is longer than what a string holds in place";
    const auto body = [text]() -> Task<std::string> {
      co_await Pause{1s};
      co_return text;
    };
    auto waits = with_lock(lock, body);
    text.assign(text.size(), 'x');
    co_return co_await std::move(waits);
  });
  CHECK(outcome.value() == "a text that is longer than what a string holds in place");
}

}  // namespace
