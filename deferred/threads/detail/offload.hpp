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

#include "deferred/tasks/task.hpp"
#include "deferred/threads/detail/remote_ending.hpp"
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

class Offload : public RemoteEnding, public Pool::Job {
 public:
  // At home.

  /// Gives it to the pool. Throws what the pool throws; it can then be submitted again.
  void submit(Pool& pool);
  bool submitted() const noexcept { return pool_ != nullptr; }
  /// True if it does not run and will not: not submitted, or taken back now.
  bool withdraw() noexcept;
  /// Nobody waits for it any more: withdrawn, or left to end by itself.
  void abandon() noexcept;

  void run() noexcept final;
  void drop() noexcept final;

 protected:
  /// Calls the function and keeps what it returns.
  virtual void call() = 0;
  /// Destroys the function and its arguments.
  virtual void discard() noexcept = 0;

 private:
  enum class State : std::uint8_t { idle, queued, begun };

  Pool* pool_ = nullptr;       // home's; may be gone once the job has begun
  State state_ = State::idle;  // under mutex_, which is taken before the pool's own
};

template <class R, class F, class... A>
class OffloadOf final : public EndingWith<R, Offload> {
 public:
  explicit OffloadOf(std::tuple<F, A...>&& function) : function_(std::move(function)) {}

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
using OffloadHandle = EndingHandle<EndingWith<R, Offload>>;

/// Submits the job, unless it was, and waits until it has ended. A failure: it did not, and the
/// wait is over. If the wait is interrupted, a job that has not begun is withdrawn; one that runs
/// is waited for, unless it may be abandoned. A cancel that came meanwhile is left for the next
/// await; an error that was thrown into the wait is given then, the last one if there are more.
Task<Outcome<void>> wait_for_end(Offload& job, Pool& pool, bool abandon);

template <class R>
Task<R> result_of(OffloadHandle<R> job, Pool& pool, bool abandon) {
  Task<Outcome<void>> waiting = wait_for_end(*job, pool, abandon);
  Outcome<void> ended = co_await Unlisted(std::move(waiting));
  ended.value();
  co_return job->take_outcome().value();
}

}  // namespace deferred::detail
