// SPDX-License-Identifier: MIT
//
// Reply<T>: an answer that a callback brings, from any thread, before or after the await: the
// ready-made way to wait for somebody else's callback API. (resumeback's `this.send`)
#pragma once

#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
template <class T>
struct ReplyState;
}

/// The answering end of a Reply: copyable, for any thread. The first answer is taken and returns
/// true, later ones return false. Taken is not received: a wait that was cut off, by a time limit
/// or a cancel, is known on its own thread only. When all copies are gone without an answer, the
/// await throws AbandonedError. One that was moved from throws std::logic_error.
template <class T>
class ReplySender {
 public:
  /// Answers with a value; also as a plain callback: `on_done(reply.send())`.
  template <class... A>
    requires MakesResult<T, A...>
  bool operator()(A&&... value) const {
    return answer([&](auto& state) { state.value.emplace(std::forward<A>(value)...); });
  }
  /// Answers with an error, which is thrown at the await. Of a reference to a base class see
  /// Failure's constructor.
  template <class E>
  bool throw_(E&& error) const {
    return answer([&](auto& state) {
      if constexpr (std::is_same_v<std::decay_t<E>, std::exception_ptr>) {
        state.error = std::forward<E>(error);
      } else {
        state.error = make_whole_exception_ptr(std::forward<E>(error));
      }
    });
  }

 private:
  template <class>
  friend class Reply;
  using State = detail::ReplyState<T>;
  /// One for all copies: its end is the end of the last sender.
  struct Hold {
    explicit Hold(std::shared_ptr<State> of) noexcept : state(std::move(of)) {}
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() {
      std::optional<RemoteWaiter<T>> dropped;
      const std::lock_guard lock(state->mutex);
      state->answered = true;
      dropped.swap(state->waiter);
    }
    std::shared_ptr<State> state;
  };
  explicit ReplySender(std::shared_ptr<Hold> hold) noexcept : hold_(std::move(hold)) {}

  template <class Put>
  bool answer(Put put) const {
    if (!hold_) throw std::logic_error("ReplySender: it was moved from, and answers nobody");
    State& state = *hold_->state;
    std::optional<RemoteWaiter<T>> waiter;
    {
      const std::lock_guard lock(state.mutex);
      if (state.answered) return false;
      put(state);
      state.answered = true;
      waiter.swap(state.waiter);
    }
    if (!waiter) return true;  // the await will find it
    if (state.value) {
      std::move(*waiter).resume(*std::move(state.value));
    } else {
      std::move(*waiter).throw_(std::move(state.error));
    }
    return true;
  }

  std::shared_ptr<Hold> hold_;
};

/// `Reply<int> reply; ask("How many?", reply.send()); const int n = co_await reply;`
/// One-shot. Awaited with no sender left, or none ever made: AbandonedError.
template <class T>
class [[nodiscard]] Reply {
 public:
  static_assert(
      std::is_same_v<T, Delivered<T>> && !std::is_same_v<T, Failure>,
      "Reply: a Failure stays on its thread; wait for the plain value, and answer an error "
      "with throw_()");
  [[nodiscard]] Reply() : state_(std::make_shared<detail::ReplyState<T>>()) {}
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;

  /// A sender; any number, also before the await. Throws std::logic_error once all its senders
  /// are gone.
  ReplySender<T> send() {
    auto hold = hold_.lock();
    if (!hold) {
      if (made_) throw std::logic_error("Reply: all its senders are gone, it is over");
      hold = std::make_shared<typename ReplySender<T>::Hold>(state_);
      hold_ = hold;
      made_ = true;
    }
    return ReplySender<T>(std::move(hold));
  }

  void yield_to(Waiter<T> waiter) & {
    const std::lock_guard lock(state_->mutex);
    if (state_->awaited) {
      throw std::logic_error("Reply: it was awaited before; an answer comes only once");
    }
    state_->awaited = true;
    if (state_->value) {
      waiter.resume(*std::move(state_->value));
    } else if (state_->error) {
      waiter.throw_(Failure::from(std::move(state_->error), SourceLocation()));
    } else if (made_ && !state_->answered) {
      state_->waiter.emplace(std::move(waiter));
    }  // else nobody is left to answer: the dropped Waiter says so
  }

 private:
  std::shared_ptr<detail::ReplyState<T>> state_;
  std::weak_ptr<typename ReplySender<T>::Hold> hold_;
  bool made_ = false;
};

namespace detail {

/// What a Reply and its senders share.
template <class T>
struct ReplyState {
  std::mutex mutex;
  // Under the mutex; what was put in is read without it, by the one who answered or by the await.
  bool answered = false;
  std::optional<Stored<T>> value;
  std::exception_ptr error;
  std::optional<RemoteWaiter<T>> waiter;
  bool awaited = false;
};

}  // namespace detail

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
