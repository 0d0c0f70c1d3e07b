// SPDX-License-Identifier: MIT
//
// How a handler that is added at run time is kept, called and awaited: the bodies of
// reactor/registry.hpp's templates.
#pragma once

#include <memory>
#include <type_traits>
#include <typeindex>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/registry.hpp"
#include "deferred/results/detail/callable.hpp"
#include "deferred/tasks/detail/dynamic_wait.hpp"
#include "deferred/tasks/detail/handler_call.hpp"
#include "deferred/tasks/detail/typed_handler.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {

/// By a handler that was added at run time.
template <class X, class R>
class RegisteredWait final : public DynamicWait {
 public:
  RegisteredWait(TypedHandler<X, R>& handler, X& x, bool owned)
      : awaiter_(HandlerCall<X, R>(handler, x, owned)) {}
  bool is_over() override { return awaiter_.await_ready(); }
  Value result() override { return result_as_value(awaiter_); }

 private:
  YieldAwaiter<HandlerCall<X, R>> awaiter_;
};

template <class U>
struct KeptUndo final : ErasedUndo, Recycled {
  static_assert(ordinary_alignment<U>,
                "when_type, when_object: the undo is over-aligned; return a std::unique_ptr to it");

  template <class Make>
  explicit KeptUndo(Make&& make) : undo(make()) {}
  Cancelling request_cancel() override {
    if constexpr (requires { undo.request_cancel(); }) {
      return ask_to_cancel([this] { return undo.request_cancel(); });
    } else {
      return Cancelling::now;
    }
  }
  U undo;
};

/// A user's callable as a handler for an X.
template <class X, class R, class F>
class CallableHandler final : public TypedHandler<X, R> {
 public:
  explicit CallableHandler(F&& f) : f_(std::move(f)) {}

  UndoPointer call(X& x, Waiter<R>&& waiter) override {
    using U = std::invoke_result_t<F&, X&, Waiter<R>>;
    if constexpr (std::is_void_v<U>) {
      f_(x, WaiterAccess::pass<R>(waiter));
      return {};
    } else {
      return UndoPointer(new KeptUndo<U>([&] { return f_(x, WaiterAccess::pass<R>(waiter)); }));
    }
  }
  void make_wait(Value& what, WaitRoom& room) override {
    X* const held = what.template get_if<X>();
    X& x = held ? *held : pointed_to_by(what);
    room.make<RegisteredWait<X, R>>(*this, x, held != nullptr);
  }

 private:
  static X& pointed_to_by(Value& what) {
    if (X** const x = what.template get_if<X*>()) return **x;
    return const_cast<X&>(*what.template as<const X*>());  // it was registered: f_ may have it
  }

  F f_;
};

template <class F>
concept TakesTwo = SignatureOf<F>::known && SignatureOf<F>::arity == 2;

template <class X, class F>
auto make_handler(F&& handler) {
  static_assert(TakesTwo<F>,
                "when_type, when_object: the handler is a callable `undo(const X&, Waiter<R>)`, "
                "neither overloaded nor generic");
  using R = typename std::decay_t<typename SignatureOf<F>::Second>::result_type;
  if constexpr (Yieldable<X>) {
    static_assert(std::is_same_v<R, AwaitedResult<X>>,
                  "when_type, when_object: this type has a handler of its own, with another result "
                  "type; an override must give the same");
  }
  static_assert(std::is_invocable_v<F&, X&, Waiter<R>>,
                "when_type, when_object: the handler must take the object as `X&` or `const X&`");
  return std::make_unique<CallableHandler<X, R, F>>(std::move(handler));
}

}  // namespace detail

template <class X, class F>
Registration Registry::when_type(F handler) {
  auto made = detail::make_handler<std::remove_cv_t<X>>(std::move(handler));
  return add(types_[std::type_index(typeid(X))], std::move(made));
}

template <class X, class F>
Registration Registry::when_object(X& object, F handler) {
  static_assert(std::is_invocable_v<F&, X&, typename detail::SignatureOf<F>::Second>,
                "when_object: the object is const, so its handler must take it as `const X&`");
  auto made = detail::make_handler<std::remove_const_t<X>>(std::move(handler));
  Registration registration = add(objects_[std::addressof(object)], std::move(made));
  ++object_count_;
  return registration;
}

}  // namespace deferred
