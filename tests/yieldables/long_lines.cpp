// SPDX-License-Identifier: MIT
//
// A hundred thousand who wait: handed over, cut, closed and destroyed without a stack that grows,
// and without looking at those that are gone again and again.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/channel.hpp"
#include "deferred/yieldables/event.hpp"
#include "deferred/yieldables/lock.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

constexpr int many = 100'000;

struct Lines : Loop {
  std::optional<Lock> lock{std::in_place};
  std::optional<Channel<int>> full{std::in_place, 0};
  std::optional<Channel<int>> empty{std::in_place, 0};
  std::optional<Event> event{std::in_place};
  std::optional<Permit> held = lock->try_acquire();
  std::vector<int> items = std::vector<int>(many);
  std::vector<Spawned<void>> waits;
  int passed = 0;

  Task<> wait_for_lock() {
    const Permit permit = co_await lock->acquire();
    ++passed;
  }
  Task<> wait_to_send(int& item) {
    co_await full->send(std::move(item));
    ++passed;
  }
  Task<> wait_to_receive() {
    static_cast<void>(co_await empty->receive());
    ++passed;
  }
  Task<> wait_for_event() {
    co_await *event;
    ++passed;
  }
  /// A quarter of them waits for each.
  void begin() {
    for (int i = 0; i < many; i += 4) {
      waits.push_back(spawn(reactor, wait_for_lock()));
      waits.push_back(spawn(reactor, wait_to_send(items[static_cast<std::size_t>(i)])));
      waits.push_back(spawn(reactor, wait_to_receive()));
      waits.push_back(spawn(reactor, wait_for_event()));
    }
    settle();
    REQUIRE(passed == 0);
  }
};

TEST_CASE_FIXTURE(Lines, "a long line is handed over") {
  begin();

  held.reset();
  event->set();
  for (int i = 0; i < many / 4; ++i) {
    REQUIRE(full->try_receive());
    REQUIRE(empty->try_send(1));
  }
  CHECK_FALSE(full->try_receive());
  CHECK_FALSE(empty->try_send(1));
  time.run_until_idle();

  CHECK(passed == many);
  CHECK_FALSE(lock->locked());
}

TEST_CASE_FIXTURE(Lines, "a lock that a hundred thousand wait for is handed over") {
  for (int i = 0; i < many; ++i) spawn(reactor, wait_for_lock());
  settle();
  CHECK(lock->waiting() == many);

  held.reset();
  time.run_until_idle();

  CHECK(passed == many);
}

TEST_CASE_FIXTURE(Lines, "a long line is cancelled, the last first, and nobody is left in it") {
  begin();

  while (!waits.empty()) {
    waits.back().task().cancel();
    waits.pop_back();
  }
  time.run_until_idle();

  CHECK(passed == 0);
  CHECK(reactor.task_count() == 0);
  CHECK(lock->waiting() == 0);
  CHECK_FALSE(full->try_receive());
  CHECK_FALSE(empty->try_send(1));
}

TEST_CASE_FIXTURE(Lines, "a long line that has its turn is closed, and gives it back") {
  begin();
  held.reset();
  event->set();
  for (Spawned<void>& each : waits) each.task().close();

  CHECK(passed == 0);
  CHECK_FALSE(lock->locked());
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Lines, "what a long line waits for is closed") {
  begin();
  full->close();
  empty->close();
  time.run_until_idle();

  int refused = 0;
  for (Spawned<void>& each : waits) {
    if (!each.done()) continue;
    const Outcome<void> outcome = std::move(each).deferred().result();
    if (outcome.check<ChannelClosedError>()) ++refused;
  }
  CHECK(refused == many / 4);
  CHECK(passed == many / 4);
}

TEST_CASE_FIXTURE(Lines, "what a long line waits for is destroyed") {
  begin();
  lock.reset();
  full.reset();
  empty.reset();
  event.reset();
  time.run_until_idle();

  int abandoned = 0;
  for (Spawned<void>& each : waits) {
    const Outcome<void> outcome = outcome_of(std::move(each));
    if (outcome.check<AbandonedError>()) ++abandoned;
  }
  CHECK(abandoned == many);
}

}  // namespace
