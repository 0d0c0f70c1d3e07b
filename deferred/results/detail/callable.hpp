// SPDX-License-Identifier: MIT
//
// What can be told of a callable from its type: the type of its first parameter, for typed
// errbacks and run-time handlers.
#pragma once

#include <type_traits>

namespace deferred::detail {

template <class F>
struct Signature {
  static constexpr bool known = false;
};
template <class R, class... A>
struct Signature<R(A...)> {
  static constexpr bool known = true;
  static constexpr int arity = sizeof...(A);
};
template <class R, class A, class... Rest>
struct Signature<R(A, Rest...)> {
  static constexpr bool known = true;
  static constexpr int arity = 1 + sizeof...(Rest);
  using First = A;
};
template <class R, class A, class B>
struct Signature<R(A, B)> {
  static constexpr bool known = true;
  static constexpr int arity = 2;
  using First = A;
  using Second = B;
};

template <class R, class... A, bool N>
struct Signature<R (*)(A...) noexcept(N)> : Signature<R(A...)> {};
template <class C, class R, class... A, bool N>
struct Signature<R (C::*)(A...) noexcept(N)> : Signature<R(A...)> {};
template <class C, class R, class... A, bool N>
struct Signature<R (C::*)(A...) const noexcept(N)> : Signature<R(A...)> {};

template <class F>
  requires requires { &F::operator(); }
struct Signature<F> : Signature<decltype(&F::operator())> {};

template <class F>
using SignatureOf = Signature<std::decay_t<F>>;

}  // namespace deferred::detail
