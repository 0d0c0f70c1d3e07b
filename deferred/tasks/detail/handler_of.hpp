// SPDX-License-Identifier: MIT
//
// HandlerOf: finds the handler of a type at compile time, and the result type R from the handler's
// signature, and says what is wrong with a type.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/yieldable.hpp"

namespace deferred {

template <class Y>
class Undo;

namespace detail {

/// How a type is yielded to: not at all, by a handler that takes a Waiter, or by a coroutine.
enum class HandlerKind { none, waiter, task };

/// What a handler's function type says.
template <class F>
struct HandlerShape {
  static constexpr HandlerKind kind = HandlerKind::none;
};
template <class U, class R>
struct HandlerShape<U(Waiter<R>)> {
  static constexpr HandlerKind kind = HandlerKind::waiter;
  using Result = R;
};
template <class R>
struct HandlerShape<Task<R>()> {
  static constexpr HandlerKind kind = HandlerKind::task;
  using Result = R;
};

/// The function type of a member or static handler, without its object parameter.
template <class F>
struct HandlerFunction {
  using type = void;
};
template <class U, class X, class... A, bool N>
struct HandlerFunction<U (*)(X, A...) noexcept(N)> {
  using type = U(A...);
};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) noexcept(N)> {
  using type = U(A...);
};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) & noexcept(N)> : HandlerFunction<U (X::*)(A...)> {};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) && noexcept(N)> : HandlerFunction<U (X::*)(A...)> {};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) const noexcept(N)> : HandlerFunction<U (X::*)(A...)> {};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) const & noexcept(N)> : HandlerFunction<U (X::*)(A...)> {};
template <class X, class U, class... A, bool N>
struct HandlerFunction<U (X::*)(A...) const && noexcept(N)> : HandlerFunction<U (X::*)(A...)> {};

template <class F>
using ShapeOf = HandlerShape<typename HandlerFunction<F>::type>;

struct YieldToMember {
  int yield_to;
};
template <class X>
struct YieldToTwice : X, YieldToMember {};
/// A class has some member called yield_to, an overloaded or template one included: then the name
/// means two things in YieldToTwice.
template <class X>
constexpr bool names_yield_to() {
  if constexpr (std::is_class_v<X> && !std::is_final_v<X>) {
    return !requires { &YieldToTwice<X>::yield_to; };
  } else {
    return false;
  }
}

/// The handler of an awaited expression of type Y: `X&` for an lvalue, `X` for an rvalue.
template <class Y>
struct HandlerOf {
  using X = std::remove_cvref_t<Y>;
  static constexpr bool by_reference = [] {
    if constexpr (std::is_lvalue_reference_v<Y>) {
      return requires { &yieldable<X&>::yield_to; };
    } else {
      return false;  // yieldable<X&> is not even looked at
    }
  }();
  static constexpr bool by_trait = by_reference || requires { &yieldable<X>::yield_to; };
  static constexpr bool by_member = !by_trait && requires { &X::yield_to; };

  static constexpr auto pointer() {
    if constexpr (by_reference) {
      return &yieldable<X&>::yield_to;
    } else if constexpr (by_trait) {
      return &yieldable<X>::yield_to;
    } else if constexpr (by_member) {
      return &X::yield_to;
    } else {
      return nullptr;
    }
  }
  using Shape = ShapeOf<decltype(pointer())>;
  static constexpr HandlerKind kind = Shape::kind;

  /// Calls the handler, with the Waiter that `make` returns, if it takes one: made in place, for a
  /// move would make an owner of a borrowed one. x is given as what the expression was.
  template <class... Make>
  [[gnu::always_inline]] static decltype(auto) call(std::remove_reference_t<Y>& x, Make&&... make) {
    if constexpr (by_member) {
      return static_cast<Y&&>(x).yield_to(make()...);
    } else {
      return pointer()(static_cast<Y&&>(x), make()...);
    }
  }
  template <class... W>
  static constexpr bool callable = [] {
    if constexpr (by_member) {
      return requires(std::remove_reference_t<Y>& x, W... waiter) {
        static_cast<Y&&>(x).yield_to(std::move(waiter)...);
      };
    } else if constexpr (by_trait) {
      return requires(std::remove_reference_t<Y>& x, W... waiter) {
        pointer()(static_cast<Y&&>(x), std::move(waiter)...);
      };
    } else {
      return false;
    }
  }();
  /// An expression of this type can be awaited: the handler takes an object like it.
  static constexpr bool awaitable = [] {
    if constexpr (kind == HandlerKind::waiter) {
      return callable<Waiter<typename Shape::Result>>;
    } else {
      return kind == HandlerKind::task && callable<>;
    }
  }();
};

/// A Y is told when it was given away to be awaited and is not reached: the law of yield_to, 7.
template <class Y>
concept Abandonable = !std::is_reference_v<Y> && requires(Y& y) { std::move(y).abandon(); };
/// What a handler owns that hands its Waiter on and returns the undo of that; void, if it does not.
template <class U>
struct HandedOn {
  using type = void;
};
template <class Y>
struct HandedOn<Undo<Y>> {
  using type = Y;
};
/// What a Y's handler returns that takes a Waiter; void, if it takes none.
template <class Y>
constexpr auto undo_of() {
  if constexpr (HandlerOf<Y>::kind == HandlerKind::waiter) {
    using Make = Waiter<typename HandlerOf<Y>::Shape::Result> (&)();
    return std::type_identity<decltype(HandlerOf<Y>::call(
        std::declval<std::remove_reference_t<Y>&>(), std::declval<Make>()))>();
  } else {
    return std::type_identity<void>();
  }
}
template <class Y>
using UndoOf = typename decltype(undo_of<Y>())::type;

/// Says what is wrong with an awaited type, at compile time.
template <class Y>
constexpr void check_handler() {
  using X = std::remove_cvref_t<Y>;
  using R = HandlerOf<Y>;
  constexpr bool found = R::kind != HandlerKind::none;
  constexpr bool has_unreadable = !found && names_yield_to<X>();
  constexpr bool is_awaiter = !found && requires(X& x) { x.await_ready(); };
  static_assert(!has_unreadable,
                "co_await: this type's yield_to is overloaded, a template, private, or has another "
                "signature than `undo yield_to(Waiter<R>)` or `Task<R> yield_to()`, so that the "
                "result type R cannot be deduced. Give it exactly one handler.");
  static_assert(!is_awaiter,
                "co_await: a plain C++ awaiter gives no Waiter and cannot be cancelled. Wrap it in "
                "a type with a member `undo yield_to(Waiter<R>)`.");
  static_assert(
      found || has_unreadable || is_awaiter,
      "co_await: this type is not yieldable. Give it a member `auto yield_to(Waiter<R> w)` "
      "that returns its undo, or specialise `template <> struct deferred::yieldable<X> { "
      "static auto yield_to(X&, Waiter<R>); };`. For a type that is known only at run "
      "time, await a Value.");
  if constexpr (R::kind == HandlerKind::task) {
    static_assert(R::awaitable, "co_await: a Task runs once: co_await std::move(task)");
  }
  if constexpr (R::kind == HandlerKind::waiter) {
    static_assert(R::awaitable || !std::is_lvalue_reference_v<Y>,
                  "co_await: this yieldable can be awaited only once: co_await std::move(x)");
    static_assert(R::awaitable || std::is_lvalue_reference_v<Y>,
                  "co_await: this yieldable keeps its state between awaits: name it, and await the "
                  "variable");
    if constexpr (R::awaitable) {
      static_assert(
          std::is_reference_v<Y> || Abandonable<Y> ||
              !Abandonable<typename HandedOn<UndoOf<Y>>::type>,
          "co_await: this decorator owns a yieldable that has to be told if it is not reached. "
          "Give "
          "it `void abandon() && { deferred::abandon(std::forward<Y>(x_)); }`; an empty one, if "
          "what it waits for is not its own.");
    }
  }
#if defined(__GNUC__) && !defined(__clang__)
  static_assert(
      std::is_reference_v<Y> || !std::is_aggregate_v<X> || std::is_trivially_copyable_v<X>,
      "co_await: g++ 12 destroys a temporary aggregate with such members twice. Give the "
      "type a constructor, or name the object first.");
#endif
}

/// The result type of `co_await` on a Y.
template <class Y>
using AwaitedResult = typename HandlerOf<Y>::Shape::Result;

}  // namespace detail
}  // namespace deferred
