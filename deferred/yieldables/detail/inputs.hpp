// SPDX-License-Identifier: MIT
//
// The inputs of all(), race() and the like: plain ones are branches of one wait, tasks are children
// of a nursery. Part of joined.hpp: include that.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/branch.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/detail/join.hpp"

namespace deferred::detail {

/// How an input begins: for what wait, as which, and where its task goes, if it is one.
template <class W>
struct InputPlace {
  Join& join;
  const Waiter<W>& whole;
  Failure::Passed how;
  std::uint32_t number;  // from 1
  Nursery* nursery;
};

/// What is common to both kinds: an end that was none, for want of memory to begin.
template <class Y>
class InputOf : public Input {
 public:
  using R = AwaitedResult<Y>;
  static constexpr bool may_fail = std::is_same_v<R, Delivered<R>>;

  /// What a settled input gives: an Outcome that it gives by itself, or one of what it gives.
  Outcome<Delivered<R>> outcome() {
    if (const Failure* const failure = this->failure()) return *failure;
    return Outcome<Delivered<R>>(value());
  }
  virtual Stored<R> value() = 0;

 protected:
  using Input::Input;
  ~InputOf() = default;
};

/// One that takes a Waiter: a branch.
template <class Y>
class PlainInput final : public InputOf<Y>, private Branch<Y> {
  using typename InputOf<Y>::R;

 public:
  PlainInput() noexcept : InputOf<Y>(Branch<Y>::can_be_asked) {}

  template <class W>
  void begin(Y&& x, const InputPlace<W>& place) {
    join_ = &place.join;
    try {
      Branch<Y>::begin(std::forward<Y>(x), place.whole, place.how, place.number);
    } catch (...) {
      not_begun_ = Failure::current();
      deferred::abandon(std::forward<Y>(x));
      join_->ended(*this);
    }
  }

  bool waits() const noexcept override { return Branch<Y>::waits(); }
  bool ask_to_end(bool) override { return Branch<Y>::ask_to_end(); }
  void end_cancelled() noexcept override { Branch<Y>::end_cancelled(); }
  void expire() noexcept override {
    if (Branch<Y>::waits()) Branch<Y>::expire();
  }
  void end_undo_soon() noexcept override { Branch<Y>::end_undo_soon(); }
  const Failure* failure() const noexcept override {
    if (not_begun_) return &not_begun_;
    return Branch<Y>::failed() ? &Branch<Y>::failure() : nullptr;
  }
  Stored<R> value() override { return Branch<Y>::value(); }

 private:
  void ended() noexcept override { join_->ended(*this); }

  Join* join_ = nullptr;
  Failure not_begun_;
};

/// One that is awaited as a subtask: a child of the nursery.
template <class Y>
class TaskInput final : public InputOf<Y> {
  using typename InputOf<Y>::R;
  using Q = Delivered<R>;

 public:
  TaskInput() noexcept : InputOf<Y>(true) {}

  template <class W>
  void begin(Y&& x, const InputPlace<W>& place) {
    join_ = &place.join;
    how_ = place.how;
    number_ = place.number;
    try {
      task_ = place.nursery->spawn(run(Kept(std::forward<Y>(x), *this))).task();
      waits_ = true;
    } catch (...) {
      end(Failure::current());
    }
  }

  bool waits() const noexcept override { return waits_; }
  bool ask_to_end(bool has_lost) override {
    if (has_lost) {
      task_.cancel();
    } else {
      task_.cancel_once();
    }
    return false;
  }
  void end_cancelled() noexcept override {}
  void expire() noexcept override {}
  void end_undo_soon() noexcept override {}
  const Failure* failure() const noexcept override { return failure_ ? &failure_ : nullptr; }
  Stored<R> value() override {
    if constexpr (InputOf<Y>::may_fail) {
      return *std::move(*outcome_);
    } else {
      return std::move(*outcome_);
    }
  }

 private:
  /// What the task keeps of it. One that is closed ends, too, whether it has run or not.
  class Kept {
   public:
    Kept(Y&& x, TaskInput& input) : x_(std::forward<Y>(x)), input_(&input) {}
    Kept(Kept&& other)
        : x_(std::forward<Y>(other.x_)), input_(std::exchange(other.input_, nullptr)) {}
    Kept& operator=(Kept&&) = delete;
    ~Kept() {
      if (!input_) return;
      if (!given_) deferred::abandon(std::forward<Y>(x_));
      if (input_->waits_) input_->end(closed());
    }
    Y&& give() noexcept {
      given_ = true;
      return std::forward<Y>(x_);
    }
    TaskInput& input() noexcept { return *input_; }

   private:
    static Failure closed() noexcept try {
      return Failure(AbandonedError("a task that was waited for beside others was closed", true));
    } catch (...) {
      return Failure::current();
    }

    Y x_;
    TaskInput* input_;
    bool given_ = false;
  };
  static Task<void> run(Kept kept) {
    AsOutcome<Y> quiet(kept.give());
    Outcome<Q> outcome = co_await unlisted(std::move(quiet));
    kept.input().end(std::move(outcome));
  }
  void end(Outcome<Q> outcome) noexcept {
    waits_ = false;
    try {
      outcome_.emplace(std::move(outcome));
    } catch (...) {  // the move of the value threw
      outcome_.emplace(Failure::current());
    }
    if (InputOf<Y>::may_fail && !outcome_->has_value()) {
      failure_ = std::move(*outcome_).failure();
      failure_.passed(how_, SourceLocation(), number_);
    }
    join_->ended(*this);
  }

  Join* join_ = nullptr;
  std::optional<Outcome<Q>> outcome_;
  Failure failure_;  // in place of a value
  TaskRef task_;
  Failure::Passed how_ = Failure::Passed::all;
  std::uint32_t number_ = 0;
  bool waits_ = false;
};

template <class Y>
struct InputType {
  using type = PlainInput<Y>;
};
template <AwaitedAsSubtask Y>
struct InputType<Y> {
  using type = TaskInput<Y>;
};
template <class Y>
using InputFor = typename InputType<Y>::type;

}  // namespace deferred::detail
