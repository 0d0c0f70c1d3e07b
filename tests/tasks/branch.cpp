// SPDX-License-Identifier: MIT
//
// Branch, as who writes a yieldable of several waits uses it.
#include "deferred/tasks/branch.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>

#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// What x gives inside its handler; another value if it would have to be waited for.
template <class Y>
class NowOr {
 public:
  NowOr(Y x, int other) : x_(std::move(x)), other_(other) {}

  class Undo : private Branch<Y> {
   public:
    Undo(Y&& x, int other, const Waiter<int>& waiter) {
      this->begin(std::move(x), waiter, Failure::Passed::await, 0);
      if (this->waits()) {
        waiter.resume(other);
      } else if (this->failed()) {
        waiter.fire(this->failure());
      } else {
        waiter.resume(this->value());
      }
    }

   private:
    void ended() noexcept override {}
  };
  Undo yield_to(Waiter<int> waiter) && { return Undo(std::move(x_), other_, waiter); }

 private:
  Y x_;
  int other_;
};

TEST_CASE_FIXTURE(Loop, "a yieldable of one's own waits for another by a Branch") {
  const auto at_once = outcome_of([]() -> Task<int> { co_return co_await NowOr(AtOnce(3), 7); });
  CHECK(at_once.value() == 3);
  const auto failed =
      outcome_of([]() -> Task<int> { co_return co_await NowOr(fail<int>(Oops()), 7); });
  CHECK(failed.check<Oops>());
  Later<int> later;
  const auto other = outcome_of([&]() -> Task<int> { co_return co_await NowOr(later, 7); });
  CHECK(other.value() == 7);
}

// The answer inside the handler ends the wait; its undo, and with it the branch, may go later.

TEST_CASE_FIXTURE(Loop, "a branch is stale where the whole was answered and rests until its turn") {
  int rested = 0;
  for (int before = 1015; before != 1030; ++before) {  // one of these is its turn's last await
    Later<int> later;
    auto first = spawn(reactor, [&]() -> Task<int> {
      for (int i = 0; i != before; ++i) co_await AtOnce(0);
      co_return co_await NowOr(later, 7);
    });
    auto second = spawn(reactor, [&]() -> Task<> {
      if (later.started() == 1 && later.undone() == 0) {
        ++rested;
        CHECK_FALSE(later.waiter().resume(5));
      }
      co_return;
    });
    settle();
    CHECK(outcome_of(std::move(first)).value() == 7);
  }
  CHECK(rested == 1);
}

TEST_CASE_FIXTURE(Loop, "a branch of a branch is stale as soon as that has its answer") {
  Later<int> inner;
  Later<int> beside;
  auto both = spawn(reactor, [&]() -> Task<> { co_await all(NowOr(inner, 7), beside); });
  bool taken = true;
  auto other = spawn(reactor, [&]() -> Task<> {
    taken = inner.waiter().resume(5);
    beside.waiter().resume(1);
    co_return;
  });
  settle();

  CHECK_FALSE(taken);
  CHECK(both.done());
  CHECK(other.done());
}

TEST_CASE_FIXTURE(Loop, "dump_tasks() has a line for each branch below what waits for it") {
  Later<int> one;
  Later<int> two;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await all(one, all(Pause{1h}, two)); });
  settle();

  const std::string dump = reactor.dump_tasks();
  CAPTURE(dump);
  const auto first = dump.find("\n  branch waiting on deferred::testing::Later<int>\n");
  const auto second = dump.find("\n  branch waiting on deferred::All<");
  const auto third = dump.find("\n    branch waiting on Pause 3600 s\n");
  CHECK(dump.starts_with("task #1 waiting on deferred::All<"));
  CHECK(first < second);
  CHECK(second < third);
  CHECK(third != std::string::npos);

  one.waiter().resume(1);
  CHECK(reactor.dump_tasks().find("\n  branch waiting on deferred::testing") == std::string::npos);
}

}  // namespace
