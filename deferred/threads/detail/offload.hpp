// SPDX-License-Identifier: MIT
//
// Offload: a function that a Pool runs for a reactor's task. One object, held by the task and by
// the pool; whichever lets go last destroys it with its result. The callable goes as soon as it has
// run, or when it is known that it will not. Used by in_thread() and defer_to_thread().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/threads/detail/thread_work.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred::detail {

/// What f(arguments...) gives, called with copies of its own; says what is wrong with it.
template <class F, class... A>
constexpr auto result_of_call() {
  constexpr bool callable = std::is_invocable_v<F, A...>;
  static_assert(callable,
                "in_thread: the function cannot be called with copies of these arguments; give an "
                "object that is to be referred to as std::ref(object)");
  if constexpr (callable) {
    using R = std::invoke_result_t<F, A...>;
    static_assert(!std::is_reference_v<R>,
                  "in_thread: the function returns a reference; return a value, or a pointer to "
                  "what outlives the call");
    static_assert(!bound_to_thread<std::remove_cv_t<R>>,
                  "in_thread: a Failure, an Outcome, a Deferred or a Task stays on its thread, and "
                  "so does a handle to one; return the plain value, and throw the error");
    return std::type_identity<std::remove_cvref_t<R>>();
  } else {
    return std::type_identity<void>();
  }
}

class DEFERRED_API Offload : public ThreadWork, public Pool::Job {
 public:
  /// Gives it to the pool. Throws what the pool throws; it can then be started again.
  void start() final;
  bool started() const noexcept final { return started_; }
  bool withdraw() noexcept final;
  bool can_be_told() const noexcept final { return false; }
  void abandon() noexcept final;

  void run() noexcept final;
  void drop() noexcept final;

 protected:
  /// With `may_be_left`, nobody waits for a function that runs once the wait is interrupted.
  Offload(Pool& pool, bool may_be_left) noexcept : pool_(&pool), may_be_left_(may_be_left) {}

  /// Calls the function and keeps what it returns.
  virtual void call() = 0;
  /// Destroys the function and its arguments.
  virtual void discard() noexcept = 0;

 private:
  enum class State : std::uint8_t { idle, queued, begun };

  // A function cannot be interrupted: nothing is taken there.
  bool hand_on(Ask, std::exception_ptr) noexcept final { return !may_be_left_; }

  Pool* const pool_;  // may be gone once the job has begun
  const bool may_be_left_;
  bool started_ = false;       // home's
  State state_ = State::idle;  // under mutex_, which is taken before the pool's own
};

template <class R, class F, class... A>
class OffloadOf final : public WorkWith<R, Offload> {
 public:
  OffloadOf(Pool& pool, bool may_be_left, std::tuple<F, A...>&& function)
      : WorkWith<R, Offload>(pool, may_be_left), function_(std::move(function)) {}

 private:
  void call() override {
    const auto invoke = [](F& f, A&... arguments) -> decltype(auto) {
      return std::invoke(std::move(f), std::move(arguments)...);
    };
    if constexpr (std::is_void_v<R>) {
      std::apply(invoke, *function_);
    } else {
      this->value_.emplace(std::apply(invoke, *function_));
    }
  }
  void discard() noexcept override { function_.reset(); }

  std::optional<std::tuple<F, A...>> function_;
};
template <class R>
using OffloadHandle = WorkHandle<WorkWith<R, Offload>>;

}  // namespace deferred::detail
