// SPDX-License-Identifier: MIT
//
// AsyncGenerator: a generator that may wait. Each step is a Task, which runs in the microthread
// that awaits it: its waits, cancels and scopes are the consumer's.
// Next: yieldables/channel.hpp (values from other microthreads).
#pragma once

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/detail/async_generator_promise.hpp"
#include "deferred/tasks/generator.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

/// A coroutine that yields `Out`s, takes `In`s by co_yield, and awaits like a Task:
///
///     AsyncGenerator<Poem> poems(std::vector<Address> servers) {
///       for (const Address& server : servers) co_yield co_await get_poem(server);
///     }
///
///     for (auto poem = co_await all.next(); poem; poem = co_await all.next()) print(*poem);
///
/// Lazy and move-only. A step - next, send, throw_ - gives the next value, or nothing at the end;
/// it composes as any Task: `with_timeout(1s, g.next())`, `race(g.next(), stop)`. One step at a
/// time: another, or one by its own body, is std::logic_error at the call. What ends a step with an
/// error, a cancel too, ends the generator: later steps give nothing.
/// A step that is dropped without being awaited takes nothing of it. Dropped between steps the
/// generator destroys its locals at once, and during a step when that ends; it is closed with a
/// consumer that is closed in a step. Of more than a thousand that own each other the innermost go
/// last: what their locals refer to has to live. A scope or a nursery cannot span a co_yield: both
/// are calls, which end before. (Python: async generators)
template <class Out, class In = void>
class [[nodiscard]] AsyncGenerator {
  static_assert(!std::is_reference_v<Out> && !std::is_void_v<Out>,
                "AsyncGenerator: it yields values; yield a pointer instead of a reference");
  static_assert(std::is_void_v<In> || std::default_initializable<In>,
                "AsyncGenerator: next() sends In{}: what is sent needs a default");
  static_assert(detail::ordinary_alignment<Stored<In>>,
                "AsyncGenerator: what is sent is over-aligned, and frames are not aligned for it: "
                "send a std::unique_ptr to it");

 public:
  using promise_type = detail::AsyncGeneratorPromise<Out, In>;
  using Step = Task<std::optional<Out>>;

  AsyncGenerator() noexcept = default;  // it has ended
  AsyncGenerator(AsyncGenerator&& other) noexcept { take(other); }
  AsyncGenerator& operator=(AsyncGenerator&& other) noexcept {
    AsyncGenerator taken(std::move(other));
    const AsyncGenerator old(std::move(*this));  // dropped last: it may own `other`
    take(taken);
    return *this;
  }
  ~AsyncGenerator() { drop(); }

  /// Goes on to the next value. Sends In{}.
  Step next();
  /// Goes on with what its co_yield gives. Before its first co_yield there is nobody to take it:
  /// std::logic_error, but for In{}; nor is there after its end.
  template <class V = In>
    requires(!std::is_void_v<In> && std::is_convertible_v<V, In>)
  Step send(V&& value);
  /// Goes on with an exception at its co_yield. Of one that has not begun, or has ended, the step
  /// throws it.
  template <class E>
  Step throw_(E&& error, SourceLocation where = SourceLocation::current());
  /// Ends it: throws Cancelled at its co_yield and waits until it has unwound, for which it may
  /// wait. Throws what that ends with, if not Cancelled; std::logic_error, if it yields again. A
  /// one-shot cancel of who waits for that is its own Cancelled; shield(g.close()) keeps it for
  /// later.
  Task<void> close();

  /// It has returned or thrown, or was closed.
  bool done() const noexcept { return !frame_; }

 private:
  friend promise_type;
  using Kept = detail::ResultFrame::Kept;

  explicit AsyncGenerator(promise_type* frame) noexcept : frame_(frame) { frame_->owner = this; }
  void require_idle() const {
    if (frame_ && frame_->kept == Kept::lent) [[unlikely]]
      detail::throw_step_lent();
  }
  Step step();
  void take(AsyncGenerator& other) noexcept {
    frame_ = std::exchange(other.frame_, nullptr);
    if (frame_) frame_->owner = this;
  }
  void drop() noexcept;

  promise_type* frame_ = nullptr;
};

namespace detail {

template <class Out>
Task<std::optional<Out>> no_step(Failure failure) {
  if (failure) co_return failure;
  co_return std::nullopt;
}

/// Awaits the step that ends a generator.
template <class Out>
Task<Outcome<void>> last_step(Task<Outcome<std::optional<Out>>> step) {
  Outcome<std::optional<Out>> outcome = co_await unlisted(std::move(step));
  if (outcome.has_value()) {
    if (*outcome) co_return Outcome<void>(yielded_while_closed());
    co_return Outcome<void>();
  }
  if (outcome.template check<Cancelled>()) co_return Outcome<void>();
  co_return Outcome<void>(outcome.failure());
}

}  // namespace detail

template <class Out, class In>
auto AsyncGenerator<Out, In>::next() -> Step {
  require_idle();
  return step();
}

template <class Out, class In>
template <class V>
  requires(!std::is_void_v<In> && std::is_convertible_v<V, In>)
auto AsyncGenerator<Out, In>::send(V&& value) -> Step {
  require_idle();
  if (done()) detail::throw_generator_has_ended();
  In sent(std::forward<V>(value));
  if (!frame_->has_begun) {
    bool is_default = false;
    if constexpr (std::equality_comparable<In>) is_default = sent == In{};
    if (!is_default) detail::throw_not_at_a_yield();
    return step();
  }
  Step made = step();
  frame_->sent.emplace(std::move(sent));
  return made;
}

template <class Out, class In>
template <class E>
auto AsyncGenerator<Out, In>::throw_(E&& error, SourceLocation where) -> Step {
  require_idle();
  Failure failure(std::forward<E>(error), where);
  if (done() || !frame_->has_begun) {
    Step made = detail::no_step<Out>(std::move(failure));
    drop();
    return made;
  }
  Step made = step();
  frame_->thrown_in = std::move(failure);
  return made;
}

template <class Out, class In>
Task<void> AsyncGenerator<Out, In>::close() {
  require_idle();
  if (!done() && !frame_->has_begun) drop();
  Step last = step();
  if (frame_) frame_->thrown_in = Failure(Cancelled{}, SourceLocation());
  Task<Outcome<void>> closing = detail::last_step<Out>(std::move(last).as_outcome());
  drop();  // the frame is the step's now
  return detail::TaskAccess::throwing<void>(std::move(closing));
}

template <class Out, class In>
auto AsyncGenerator<Out, In>::step() -> Step {
  if (done()) return detail::no_step<Out>(Failure());
  frame_->kept = Kept::lent;
  frame_->called_by = nullptr;
  frame_->sent.reset();  // by a step that was dropped
  frame_->thrown_in = Failure();
  return detail::TaskAccess::make<std::optional<Out>>(*frame_);
}

template <class Out, class In>
void AsyncGenerator<Out, In>::drop() noexcept {
  promise_type* const frame = std::exchange(frame_, nullptr);
  if (!frame) return;
  frame->owner = nullptr;
  if (frame->kept == Kept::lent) {
    frame->kept = Kept::no;
  } else {
    detail::drop_uncalled(*frame);
  }
}

template <class Out, class In>
AsyncGenerator<Out, In> detail::AsyncGeneratorPromise<Out, In>::generator() noexcept {
  return AsyncGenerator<Out, In>(this);
}

}  // namespace deferred
