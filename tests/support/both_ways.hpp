// SPDX-License-Identifier: MIT
//
// BothWays: a Loop in which the same wait is begun by a task that awaits it, or by to_deferred().
// What is tested of the one is so of the other: a TEST_CASE_TEMPLATE over Awaited and ToDeferred.
#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldables/to_deferred.hpp"
#include "tests/support/loop.hpp"

namespace deferred::testing {

struct Awaited {
  template <class F>
  static auto begin(Reactor& reactor, F make) {
    using R = Delivered<AwaitedResult<decltype(make())>>;
    return spawn(reactor,
                 [make = std::move(make)]() mutable -> Task<R> {
                   auto wait = make();
                   co_return co_await std::move(wait);
                 })
        .deferred();
  }
};
struct ToDeferred {
  template <class F>
  static auto begin(Reactor& reactor, F make) {
    return to_deferred(reactor, make());
  }
};

template <class Way>
struct BothWays : Loop {
  /// Waits for what `make()` gives.
  template <class F>
  auto begin(F make) {
    auto result = Way::begin(reactor, std::move(make));
    settle();
    return result;
  }
  /// What it has come to by now.
  template <class T>
  static Outcome<T> end_of(Deferred<T>& wait) {
    REQUIRE(wait.has_result());
    return std::move(wait).result();
  }
  /// By the time that nothing is due any more.
  template <class F>
  auto outcome_of(F make) {
    auto wait = begin(std::move(make));
    time.run_until_idle();
    return end_of(wait);
  }
};

/// Something that is given to one of those who wait for it: whose Waiter takes it.
class Offers {
 public:
  class Receive {
   public:
    explicit Receive(Offers& from) noexcept : from_(&from) {}
    void yield_to(Waiter<int> waiter) const { from_->waiting_.push_back(std::move(waiter)); }

   private:
    Offers* from_;
  };
  Receive receive() noexcept { return Receive(*this); }
  /// To the one that has waited longest; false: nobody takes it.
  bool offer(int value) {
    for (const Waiter<int>& waiter : waiting_) {
      if (waiter.resume(value)) return true;
    }
    return false;
  }

 private:
  std::vector<Waiter<int>> waiting_;
};

/// Its handler must not be called.
class NotReached {
 public:
  void yield_to(Waiter<int>) const { FAIL_CHECK("a later handler is called"); }
};

/// A Deferred that answers when the test says so, though it is cancelled.
template <class T>
struct Stubborn {
  explicit Stubborn() {
    auto [made, deferred] = make_deferred<T>([this] {
      ++asked;
      return Cancelling::answer_follows;
    });
    promise = std::move(made);
    result = std::move(deferred);
  }
  Stubborn(const Stubborn&) = delete;
  Stubborn& operator=(const Stubborn&) = delete;

  int asked = 0;
  Promise<T> promise;
  Deferred<T> result;
};

}  // namespace deferred::testing
