// SPDX-License-Identifier: MIT
//
// How a type is yielded to: finds its handler at compile time, and the result type R from the
// handler's signature. Used by yield_to.hpp only; all texts that tell a user what is missing stand
// here.
#pragma once

#include <type_traits>
#include <utility>

namespace deferred {

template <class R>
class Waiter;
template <class T>
class Task;

/// Specialise it to make somebody else's type yieldable: a static
/// `undo yield_to(X&, Waiter<R>)` (also `X&&`, `const X&`), or `Task<R> yield_to(X)`.
/// `yieldable<X&>`, if there is one, is asked first for lvalues.
template <class X>
struct yieldable {};

namespace detail {

enum class RouteKind { none, waiter, task };

/// What a handler's function type says.
template <class F>
struct HandlerShape {
  static constexpr RouteKind kind = RouteKind::none;
};
template <class U, class R>
struct HandlerShape<U(Waiter<R>)> {
  static constexpr RouteKind kind = RouteKind::waiter;
  using Result = R;
};
template <class R>
struct HandlerShape<Task<R>()> {
  static constexpr RouteKind kind = RouteKind::task;
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

/// True if a class has any member called yield_to, an overloaded or template one included.
struct YieldToMember {
  int yield_to;
};
template <class X>
struct YieldToTwice : X, YieldToMember {};
template <class X>
constexpr bool names_yield_to() {
  if constexpr (std::is_class_v<X> && !std::is_final_v<X>) {
    return !requires { &YieldToTwice<X>::yield_to; };
  } else {
    return false;
  }
}

/// The route of an awaited expression of type Y: `X&` for an lvalue, `X` for an rvalue.
template <class Y>
struct Route {
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
  static constexpr RouteKind kind = Shape::kind;

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
    if constexpr (kind == RouteKind::waiter) {
      return callable<Waiter<typename Shape::Result>>;
    } else {
      return kind == RouteKind::task && callable<>;
    }
  }();
};

/// Says what is wrong with an awaited type, at compile time.
template <class Y>
constexpr void check_route() {
  using X = std::remove_cvref_t<Y>;
  using R = Route<Y>;
  constexpr bool found = R::kind != RouteKind::none;
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
  if constexpr (R::kind == RouteKind::task) {
    static_assert(R::awaitable, "co_await: a Task runs once: co_await std::move(task)");
  }
  if constexpr (R::kind == RouteKind::waiter) {
    static_assert(R::awaitable || !std::is_lvalue_reference_v<Y>,
                  "co_await: this yieldable can be awaited only once: co_await std::move(x)");
    static_assert(R::awaitable || std::is_lvalue_reference_v<Y>,
                  "co_await: this yieldable keeps its state between awaits: name it, and await the "
                  "variable");
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
using AwaitedResult = typename Route<Y>::Shape::Result;

}  // namespace detail
}  // namespace deferred
