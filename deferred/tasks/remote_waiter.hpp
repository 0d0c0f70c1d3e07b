// SPDX-License-Identifier: MIT
//
// RemoteWaiter<R>: a Waiter that another thread may answer. Next: yieldables/reply.hpp, a
// ready-made use of it.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "deferred/tasks/detail/remote_answer.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

/// The end of a wait that another thread holds: `auto remote = std::move(waiter).remote();`. It is
/// allocated up front: answering is lock-free, allocates nothing, and does not throw. The first of
/// RemoteWaiter and the Waiter's copies at home to answer wins. Dropped without an answer:
/// AbandonedError at the `co_await`. Does nothing once the reactor is gone.
template <class R>
class [[nodiscard]] RemoteWaiter {
  static_assert(std::is_nothrow_move_constructible_v<Stored<R>>,
                "RemoteWaiter: the result must be nothrow-movable, for the answer cannot fail");
  static_assert(std::is_same_v<R, Delivered<R>> && !std::is_same_v<R, Failure>,
                "RemoteWaiter: a Failure stays on its thread; wait for the plain value, and answer "
                "an error with throw_()");

 public:
  /// Of a Waiter that is not pending any more: does nothing.
  explicit RemoteWaiter(Waiter<R> waiter) {
    if (!waiter.pending()) return;
    Reactor& reactor = waiter.reactor();
    answer_ = new detail::RemoteAnswer<R>(reactor, std::move(waiter));
  }
  RemoteWaiter(RemoteWaiter&& other) noexcept : answer_(std::exchange(other.answer_, nullptr)) {}
  RemoteWaiter& operator=(RemoteWaiter&& other) noexcept {
    RemoteWaiter old(std::move(other));
    std::swap(answer_, old.answer_);
    return *this;
  }
  ~RemoteWaiter() {
    if (answer_) answer_->send();
  }

  /// Answers with a value, from any thread, once. REQUIRES: not answered or moved from.
  void resume(Stored<R> value) && noexcept {
    if (!answer_) return;
    answer_->value.emplace(std::move(value));
    std::exchange(answer_, nullptr)->send();
  }
  void resume() && noexcept
    requires std::is_void_v<R>
  {
    std::move(*this).resume(Unit{});
  }
  /// Answers with an exception; it becomes a Failure on the reactor's thread.
  void throw_(std::exception_ptr error) && noexcept {
    if (!answer_) return;
    answer_->error = std::move(error);
    std::exchange(answer_, nullptr)->send();
  }
  /// Of a reference to a base class see Failure's constructor; where it would throw, that is the
  /// answer.
  template <class E>
    requires(!std::is_same_v<std::decay_t<E>, std::exception_ptr>)
  void throw_(E&& error) && noexcept {
    static_assert(!std::is_same_v<std::decay_t<E>, Failure>,
                  "RemoteWaiter: a Failure stays on its thread; give the error itself");
    std::exception_ptr whole;
    try {
      whole = make_whole_exception_ptr(std::forward<E>(error));
    } catch (...) {
      whole = std::current_exception();
    }
    std::move(*this).throw_(std::move(whole));
  }

 private:
  detail::RemoteAnswer<R>* answer_ = nullptr;
};

template <class R>
RemoteWaiter<R> Waiter<R>::remote() && {
  return RemoteWaiter<R>(std::move(*this));
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
