// SPDX-License-Identifier: MIT
//
// check_yieldable: does a yieldable of one's own keep the law of yield_to (deferred/yieldable.hpp)?
// It is awaited, cut off, left alone and run out of memory in all ways, and what breaks is named.
// For tests, in the library deferred-testing. Next: explore_cancel.hpp. (trio: check_one_way_stream
// and its like)
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/testing/explore_cancel.hpp"
#include "deferred/yieldable.hpp"

namespace deferred::testing {

struct CheckYieldableOptions {
  /// It may be awaited again, as a variable, also after a wait that was cut off. It is not tried
  /// where it does not compile.
  bool again = true;
  /// Each allocation fails as well: see with_allocation_failures(), and what it requires.
  bool allocations = true;
  /// Of each program, with two cuts: see ExploreCancelOptions.
  std::size_t most_runs = 500;
};

struct CheckYieldableReport {
  std::size_t runs = 0;  ///< That were made.
  /// What breaks, each once: "it leaves behind a timer (awaited, cancel at 1; 12 runs)".
  std::vector<std::string> faults;
  /// "612 runs, 0 faults", and the faults, a line each.
  DEFERRED_API std::string summary() const;
};

}  // namespace deferred::testing

namespace deferred::detail {

/// A yieldable under test, as programs. An empty one is not to be tried.
struct CheckedYieldable {
  class Held;
  std::function<Task<>(testing::CutRun&)> await;
  std::function<Task<>(testing::CutRun&)> await_again;
  std::function<Task<>(testing::CutRun&, Held&)> await_held;
  std::function<Task<>(testing::CutRun&)> abandon;
  bool has_undo = false;
};

/// A wait that somebody else has in his hands.
class CheckedYieldable::Held {
 public:
  std::function<void()> undo;    // ends the undo; the wait stays open. Empty when nobody waits
  std::function<bool()> open;    // it has not been answered
  std::function<void()> answer;  // with a CutError
};

/// At the end of a run there are no more timers and watches than when its wait began.
class DEFERRED_API LeftOver {
 public:
  [[gnu::visibility("hidden")]] explicit LeftOver(testing::CutRun& run);
  /// From now on. What the factory has set is its own.
  void begin() noexcept;

 private:
  Reactor& reactor_;
  bool begun_ = false;
  std::size_t timers_ = 0, watches_ = 0;
};
DEFERRED_API LeftOver& left_over_of(testing::CutRun& run);

/// A decorator that puts the wait for x into somebody's hands.
template <class Y>
class [[nodiscard]] HeldYieldable {
  using R = AwaitedResult<Y>;
  using Held = CheckedYieldable::Held;

 public:
  HeldYieldable(Held& held, Y&& x) : held_(held), x_(std::forward<Y>(x)) {}

  class Wait {
   public:
    Wait(Held& held, Y&& x, Waiter<R>&& waiter) : held_(held), waiter_(std::move(waiter)) {
      undo_.emplace(x, Waiter<R>(waiter_));
      held_.undo = [this] { undo_.reset(); };
      held_.open = [this] { return waiter_.pending(); };
      held_.answer = [this] { waiter_.throw_(testing::CutError()); };
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;
    ~Wait() { held_ = {}; }

   private:
    Held& held_;
    Waiter<R> waiter_;
    std::optional<Undo<Y>> undo_;
  };

  Wait yield_to(Waiter<R> waiter) && { return Wait(held_, std::forward<Y>(x_), std::move(waiter)); }
  void abandon() && { deferred::abandon(std::forward<Y>(x_)); }

 private:
  Held& held_;
  Y x_;
};

/// What has to be told that it is not reached is awaited once: its lvalue is not even looked at,
/// for its text may refuse that.
template <class Made>
constexpr bool awaited_again() {
  if constexpr (std::is_reference_v<Made> || !requires(Made& x) { std::move(x).abandon(); }) {
    return Awaitable<std::remove_reference_t<Made>&>;
  } else {
    return false;
  }
}

template <class F>
CheckedYieldable checked_yieldable(F& make) {
  using Made = std::invoke_result_t<F&, testing::CutRun&>;
  using Variable = std::remove_reference_t<Made>&;
  constexpr bool given_away = !std::is_reference_v<Made> && Awaitable<Made>;
  // A temporary if that can be awaited, else a variable.
  using Y = std::conditional_t<given_away, Made, Variable>;
  require_yieldable<Y>();

  CheckedYieldable checked;
  checked.await = [&make](testing::CutRun& run) -> Task<> {
    LeftOver& left = left_over_of(run);
    Made x = make(run);
    left.begin();
    static_cast<void>(co_await std::forward<Y>(x));
  };
  if constexpr (awaited_again<Made>()) {
    checked.await_again = [&make](testing::CutRun& run) -> Task<> {
      LeftOver& left = left_over_of(run);
      Made x = make(run);
      left.begin();
      try {
        static_cast<void>(co_await x);
      } catch (...) {  // what that may be, `await` shows
      }
      static_cast<void>(co_await x);
    };
  }
  if constexpr (!AwaitedAsSubtask<Y>) {
    checked.has_undo = !std::is_void_v<UndoOf<Y>>;
    checked.await_held = [&make](testing::CutRun& run, CheckedYieldable::Held& held) -> Task<> {
      LeftOver& left = left_over_of(run);
      Made x = make(run);
      left.begin();
      HeldYieldable<Y> in_hand(held, std::forward<Y>(x));
      static_cast<void>(co_await std::move(in_hand));
    };
  }
  if constexpr (given_away) {
    checked.abandon = [&make](testing::CutRun& run) -> Task<> {
      LeftOver& left = left_over_of(run);
      Made x = make(run);
      left.begin();
      deferred::abandon(std::move(x));
      co_return;
    };
  }
  return checked;
}

DEFERRED_API testing::CheckYieldableReport check(const CheckedYieldable& yieldable,
                                                 const testing::CheckYieldableOptions& options);

}  // namespace deferred::detail

namespace deferred::testing {

/// Tries what `make(run)` gives, a yieldable or a reference to one, that is answered in virtual
/// time: `check_yieldable([](CutRun&) { return Pause{1ms}; })`. A fresh one is made for each run;
/// what it needs besides, such as who answers it, `make` keeps in the run. These are faults, beside
/// those of explore_cancel() and with_allocation_failures():
/// - awaited, and cut off at each place once and twice: something is left as soon as the wait has
///   ended (a timer, a watched descriptor, a task), or the answer is an error;
/// - awaited again, after an answer and after each cut: it is not answered;
/// - another answers just before it does, as a time limit may: something breaks;
/// - its undo is destroyed at each place, while the wait is open: it answers all the same;
/// - abandoned without an await: something is left;
/// - each of its allocations fails: it waits for ever, or something is left.
///
/// With a DestroyedOnce in the yieldable or its undo it is seen that they are destroyed once. What
/// is to be answered with an error is made as `as_outcome(x)`.
///
/// REQUIRES: as explore_cancel().
template <class F>
  requires std::is_invocable_v<F&, CutRun&>
CheckYieldableReport check_yieldable(F make, const CheckYieldableOptions& options = {}) {
  return deferred::detail::check(deferred::detail::checked_yieldable(make), options);
}

}  // namespace deferred::testing
