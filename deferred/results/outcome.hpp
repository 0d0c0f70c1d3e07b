// SPDX-License-Identifier: MIT
//
// Outcome<T>: a value or a Failure. What a finished operation left, where nothing is thrown.
// Next: deferred.hpp.
#pragma once

#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "deferred/results/failure.hpp"
#include "deferred/results/unit.hpp"

namespace deferred {

namespace detail {
template <class T>
struct IsOutcome;
}

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a union has a side.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// A T or a Failure; never neither (a moved-from one keeps its side).
template <class T>
class [[nodiscard]] Outcome {
  static_assert(!std::is_reference_v<T>, "Outcome: hold a pointer instead of a reference");
  static_assert(!std::is_same_v<T, Failure>, "Outcome: a Failure is already one of its two sides");
  using Value = Stored<T>;

 public:
  using value_type = T;

  Outcome()
    requires std::is_void_v<T>
      : value_(), has_value_(true) {}
  /// The value side, built from anything that makes a T.
  template <class U = Value>
    requires(std::is_constructible_v<Value, U &&> && !std::is_same_v<std::decay_t<U>, Failure> &&
             !detail::IsOutcome<std::decay_t<U>>::value)
  explicit(!std::is_convertible_v<U&&, Value>)
      Outcome(U&& value) noexcept(std::is_nothrow_constructible_v<Value, U&&>)
      : value_(std::forward<U>(value)), has_value_(true) {}
  Outcome(Failure failure) noexcept : failure_(std::move(failure)), has_value_(false) {}

  Outcome(const Outcome& other)
    requires std::is_copy_constructible_v<Value>
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), other.value_);
    } else {
      std::construct_at(&failure_, other.failure_);
    }
  }
  Outcome(Outcome&& other) noexcept(std::is_nothrow_move_constructible_v<Value>)
      : has_value_(other.has_value_) {
    if (has_value_) {
      std::construct_at(std::addressof(value_), std::move(other.value_));
    } else {
      std::construct_at(&failure_, std::move(other.failure_));
    }
  }
  /// If moving the value throws, the exception becomes the failure side, and is thrown on.
  Outcome& operator=(Outcome other) noexcept(std::is_nothrow_move_constructible_v<Value>) {
    destroy();
    has_value_ = false;
    std::construct_at(&failure_);
    if (!other.has_value_) {
      failure_ = std::move(other.failure_);
      return *this;
    }
    std::destroy_at(&failure_);
    if constexpr (std::is_nothrow_move_constructible_v<Value>) {
      std::construct_at(std::addressof(value_), std::move(other.value_));
    } else {
      try {
        std::construct_at(std::addressof(value_), std::move(other.value_));
      } catch (...) {
        std::construct_at(&failure_, Failure::current());
        throw;
      }
    }
    has_value_ = true;
    return *this;
  }
  ~Outcome() { destroy(); }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// The value; on the failure side, raises the failure.
  std::add_lvalue_reference_t<const T> value() const& {
    if (!has_value_) failure_.raise();
    if constexpr (!std::is_void_v<T>) return value_;
  }
  std::add_lvalue_reference_t<T> value() & {
    if (!has_value_) failure_.raise();
    if constexpr (!std::is_void_v<T>) return value_;
  }
  T value() && {
    if (!has_value_) failure_.raise();
    if constexpr (!std::is_void_v<T>) return std::move(value_);
  }
  /// REQUIRES: has_value().
  Value& operator*() & noexcept { return value_; }
  const Value& operator*() const& noexcept { return value_; }
  Value&& operator*() && noexcept { return std::move(value_); }
  Value* operator->() noexcept { return std::addressof(value_); }
  const Value* operator->() const noexcept { return std::addressof(value_); }

  /// The failure; an empty one on the value side.
  Failure failure() const& noexcept { return has_value_ ? Failure() : failure_; }
  Failure failure() && noexcept { return has_value_ ? Failure() : std::move(failure_); }
  /// The error as an E, if this is a failure of that type; else null. Lives as long as the Outcome.
  template <class E>
  const E* check() const noexcept {
    return has_value_ ? nullptr : failure_.template check<E>();
  }

 private:
  void destroy() noexcept {
    if (has_value_) {
      std::destroy_at(std::addressof(value_));
    } else {
      std::destroy_at(&failure_);
    }
  }

  union {
    Value value_;
    Failure failure_;
  };
  bool has_value_;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

/// What a wait for an R delivers: an R; but for an Outcome<Q> a Q or a failure, neither thrown.
template <class R>
struct Delivery {
  using type = R;
};
template <class Q>
struct Delivery<Outcome<Q>> {
  using type = Q;
};
template <class R>
using Delivered = typename Delivery<R>::type;

namespace detail {
template <class T>
struct IsOutcome : std::false_type {};
template <class T>
struct IsOutcome<Outcome<T>> : std::true_type {
  using Value = T;
};

template <class T>
inline constexpr bool is_plain_value = !std::is_same_v<T, Failure> && !IsOutcome<T>::value;

template <class T, class... A>
inline constexpr bool makes_result = std::is_constructible_v<Stored<T>, A...>;
template <class T, class A>
inline constexpr bool makes_result<T, A> =
    std::is_convertible_v<A, Stored<T>> &&
    (is_plain_value<std::decay_t<A>> || !is_plain_value<Stored<T>>);
}  // namespace detail

/// A result of type T can be made of these arguments: of one as `return` would make it, of several
/// in place. A Failure or an Outcome is no value, and goes by errback(), throw_() or fire().
template <class T, class... A>
concept MakesResult = detail::makes_result<T, A...>;

}  // namespace deferred
