// SPDX-License-Identifier: MIT
//
// Generator: a coroutine that yields values, one at a time, to whoever asks for the next; what is
// sent comes out of its co_yield. It waits for nothing and needs no reactor.
// Next: async_generator.hpp (one that waits); yieldables/channel.hpp (values from other
// microthreads).
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "deferred/results/failure.hpp"
#include "deferred/tasks/detail/generator_frame.hpp"

namespace deferred {

/// Yields `Out`s, takes `In`s by co_yield, returns a `Return`:
///
///     Generator<int, int> running_sum() {
///       int sum = 0;
///       for (;;) sum += co_yield sum;
///     }
///
/// Lazy and move-only, an input range and a view. A step runs the body to its next co_yield, inside
/// the call; a body that throws ends it, and the step throws. A step of one that runs throws
/// std::logic_error. Dropped, it destroys its locals; by its own body, as soon as that yields or
/// ends. (Python: generators. `Out` is no reference: yield a pointer.)
template <class Out, class In = void, class Return = void>
class [[nodiscard]] Generator {
  static_assert(!std::is_reference_v<Out> && !std::is_void_v<Out>,
                "Generator: it yields values; yield a pointer instead of a reference");
  static_assert(std::is_void_v<In> || std::default_initializable<In>,
                "Generator: next() sends In{}: what is sent needs a default");

 public:
  using promise_type = detail::GeneratorPromise<Out, In, Return>;

  Generator() noexcept = default;  // it has ended
  Generator(Generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Generator& operator=(Generator&& other) noexcept {
    Generator old(std::move(other));
    std::swap(frame_, old.frame_);
    return *this;
  }
  ~Generator() { close(); }

  /// Goes on to the next value; nothing at its end, and after that. Sends In{}.
  std::optional<Out> next();
  /// Goes on with what its co_yield gives. Before its first co_yield there is nobody to take it:
  /// std::logic_error, but for In{}; nor is there after its end.
  template <class V = In>
    requires(!std::is_void_v<In> && std::is_convertible_v<V, In>)
  std::optional<Out> send(V&& value);
  /// Goes on with an exception at its co_yield. One that has not begun, or has ended, throws it.
  template <class E>
  std::optional<Out> throw_(E&& error, SourceLocation where = SourceLocation::current());
  /// As if it were dropped: its locals are destroyed, no catch block of its sees anything.
  void close() noexcept;

  /// It has returned, thrown, or was closed.
  bool done() const noexcept {
    return !frame_ || frame_->state == detail::GeneratorFrame::State::ended;
  }
  /// What it returned, once; else std::logic_error.
  Return result()
    requires(!std::is_void_v<Return>)
  {
    if (!frame_) detail::throw_no_generator_result();
    return frame_->take_returned();
  }

  class Iterator;
  /// Takes the first step. REQUIRES: called once; *this outlives the iterator.
  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend promise_type;
  template <class>
  friend class elements_of;
  using State = detail::GeneratorFrame::State;

  explicit Generator(promise_type* frame) noexcept : frame_(frame) {}
  void require_idle() const {
    if (frame_ && frame_->state == State::running) [[unlikely]]
      detail::throw_generator_runs();
  }
  std::optional<Out> step(void* in);

  promise_type* frame_ = nullptr;
};

/// `Return r = co_yield elements_of(std::move(inner));` yields all that `inner` has left, and gives
/// what that returns; what is sent and thrown goes there. A step takes as long at any depth, and
/// the native stack does not grow. (Python: yield from; C++23: std::ranges::elements_of)
template <class G>
class elements_of {
 public:
  explicit elements_of(G&& generator) noexcept : generator_(std::forward<G>(generator)) {}

 private:
  template <class, class, class>
  friend struct detail::GeneratorPromise;
  auto* release() {
    generator_.require_idle();
    return std::exchange(generator_.frame_, nullptr);
  }
  G&& generator_;
};
template <class G>
elements_of(G&&) -> elements_of<G>;

/// Holds the value that its generator has yielded last.
template <class Out, class In, class Return>
class Generator<Out, In, Return>::Iterator {
 public:
  using value_type = Out;
  using difference_type = std::ptrdiff_t;

  Iterator() = default;
  explicit Iterator(Generator& generator) : generator_(&generator), value_(generator.next()) {}
  Iterator(Iterator&&) = default;
  Iterator& operator=(Iterator&&) = default;

  Out& operator*() const noexcept { return *value_; }
  Iterator& operator++() {
    value_ = generator_->next();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {
    return !it.value_;
  }

 private:
  Generator* generator_ = nullptr;
  mutable std::optional<Out> value_;
};

template <class Out, class In, class Return>
std::optional<Out> Generator<Out, In, Return>::next() {
  require_idle();
  if (done()) return {};
  return step(nullptr);
}

template <class Out, class In, class Return>
template <class V>
  requires(!std::is_void_v<In> && std::is_convertible_v<V, In>)
std::optional<Out> Generator<Out, In, Return>::send(V&& value) {
  require_idle();
  if (done()) detail::throw_generator_has_ended();
  In sent(std::forward<V>(value));
  if (frame_->state == State::fresh) {
    bool is_default = false;
    if constexpr (std::equality_comparable<In>) is_default = sent == In{};
    if (!is_default) detail::throw_not_at_a_yield();
    return step(nullptr);
  }
  return step(&sent);
}

template <class Out, class In, class Return>
template <class E>
std::optional<Out> Generator<Out, In, Return>::throw_(E&& error, SourceLocation where) {
  require_idle();
  Failure failure(std::forward<E>(error), where);
  if (!done() && frame_->state != State::fresh) {
    frame_->thrown_in = std::move(failure);
    return step(nullptr);
  }
  if (!done()) close();
  failure.raise();
}

template <class Out, class In, class Return>
void Generator<Out, In, Return>::close() noexcept {
  promise_type* const frame = std::exchange(frame_, nullptr);
  if (!frame) return;
  if (frame->state == State::running) {
    frame->is_dropped = true;
  } else if (frame->state == State::fresh) {
    detail::drop_uncalled(*frame);
  } else {
    detail::destroy_row(*frame);
  }
}

template <class Out, class In, class Return>
std::optional<Out> Generator<Out, In, Return>::step(void* in) {
  promise_type& frame = *frame_;  // *this may be moved, or gone, when it comes back
  std::optional<Out> out;
  frame.out = &out;
  frame.in = in;
  frame.step();
  Failure failure;
  if (frame.failure) [[unlikely]]
    failure = std::move(frame.failure);
  if (frame.is_dropped) [[unlikely]]
    detail::destroy_row(frame);
  if (failure) [[unlikely]]
    failure.raise();
  return out;
}

template <class Out, class In, class Return>
Generator<Out, In, Return> detail::GeneratorPromise<Out, In, Return>::get_return_object() noexcept {
  return Generator<Out, In, Return>(this);
}

}  // namespace deferred

template <class Out, class In, class Return>
inline constexpr bool std::ranges::enable_view<deferred::Generator<Out, In, Return>> = true;
