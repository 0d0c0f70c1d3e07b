// SPDX-License-Identifier: MIT
//
// Value: something to wait for whose type is known only at run time, and what came of it. Also the
// bodies of Registry::when_type and when_object: include this to register a handler at run time.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/detail/callable.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

class Value;

namespace detail {

/// How a Value of this type is awaited, if the type says so itself.
template <class X>
concept Yieldable = Route<X>::kind != RouteKind::none;

}  // namespace detail

/// Holds one movable object of any type, or nothing. `co_await Value{x}` waits for x as `co_await
/// x` would, and gives the result as a Value (an empty one for void). What a type without a handler
/// of its own means is asked of the reactor's registry; with none there, UnknownYieldable is
/// thrown.
class [[nodiscard]] Value {
 public:
  Value() noexcept = default;
  template <class X>
    requires(!std::is_same_v<std::decay_t<X>, Value>)
  Value(X&& x) {
    using D = std::decay_t<X>;
    if constexpr (in_place<D>) {
      ::new (static_cast<void*>(buffer_)) D(std::forward<X>(x));
    } else {
      pointer() = new D(std::forward<X>(x));
    }
    ops_ = &table<D>;
  }
  Value(Value&& other) noexcept { take_over(other); }
  Value& operator=(Value&& other) noexcept {
    if (this != &other) {
      drop();
      take_over(other);
    }
    return *this;
  }
  ~Value() { drop(); }

  bool has_value() const noexcept { return ops_ != nullptr; }
  /// typeid(void) if it is empty.
  const std::type_info& type() const noexcept { return ops_ ? *ops_->type : typeid(void); }
  /// The object, if it is an X; else null.
  template <class X>
  X* get_if() noexcept {
    return ops_ && *ops_->type == typeid(X) ? static_cast<X*>(ops_->object(*this)) : nullptr;
  }
  /// The object. Throws std::bad_cast if it is not an X.
  template <class X>
  X& as() {
    X* const x = get_if<X>();
    if (!x) throw std::bad_cast();
    return *x;
  }

  Task<Value> yield_to() &&;

 private:
  template <class>
  friend class detail::CallAwaiter;
  /// The wait for what it holds. False if that is a coroutine's.
  bool make_wait(detail::WaitRoom& room);

  struct Ops {
    const std::type_info* type;
    void* (*object)(Value&) noexcept;
    void (*destroy)(Value&) noexcept;               // null: nothing to do
    void (*move)(Value& from, Value& to) noexcept;  // null: the bytes are moved
    // How it is awaited if the type says so itself: one of the two, or none.
    void (*make_wait)(Value&, detail::WaitRoom&);
    Task<Value> (*call)(Value&&);
    const std::type_info* pointed_to;  // of a pointer: the type of its target; else null
  };
  template <class D>
  static constexpr bool in_place =
      sizeof(D) <= 16 && alignof(D) <= alignof(void*) && std::is_nothrow_move_constructible_v<D>;
  template <class D>
  static const Ops table;

  void*& pointer() noexcept { return *reinterpret_cast<void**>(buffer_); }
  template <class D>
  D& in() noexcept {
    if constexpr (in_place<D>) {
      return *std::launder(reinterpret_cast<D*>(buffer_));
    } else {
      return *static_cast<D*>(pointer());
    }
  }
  void drop() noexcept {
    const Ops* const ops = std::exchange(ops_, nullptr);
    if (ops && ops->destroy) ops->destroy(*this);
  }
  void take_over(Value& other) noexcept {
    ops_ = std::exchange(other.ops_, nullptr);
    if (!ops_ || !ops_->move) {
      std::memcpy(buffer_, other.buffer_, sizeof buffer_);
    } else {
      ops_->move(other, *this);
    }
  }

  alignas(void*) unsigned char buffer_[16] = {};
  const Ops* ops_ = nullptr;
};

namespace detail {

/// A wait whose type is known only at run time.
struct DynamicWait {
  virtual ~DynamicWait() = default;
  virtual bool is_over() = 0;
  virtual Value result() = 0;
};
class WaitRoom {
 public:
  WaitRoom() noexcept {}
  WaitRoom(const WaitRoom&) = delete;
  WaitRoom& operator=(const WaitRoom&) = delete;
  ~WaitRoom() { clear(); }
  template <class W, class... A>
  void make(A&&... arguments) {
    if constexpr (sizeof(W) <= sizeof room_ && alignof(W) <= alignof(void*)) {
      wait_ = ::new (static_cast<void*>(room_)) W(std::forward<A>(arguments)...);
    } else {
      wait_ = new W(std::forward<A>(arguments)...);
    }
  }
  DynamicWait* operator->() const noexcept { return wait_; }
  explicit operator bool() const noexcept { return wait_ != nullptr; }
  void clear() noexcept {
    DynamicWait* const wait = std::exchange(wait_, nullptr);
    if (static_cast<void*>(wait) == room_) {
      wait->~DynamicWait();
    } else {
      delete wait;
    }
  }

 private:
  DynamicWait* wait_ = nullptr;
  alignas(void*) std::byte room_[80];
};

template <class Y>
Value result_as_value(YieldAwaiter<Y>& awaiter) {
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    awaiter.await_resume();
    return Value();
  } else {
    return Value(awaiter.await_resume());
  }
}
/// By the handler of the type itself. Types that keep state between awaits are awaited in place.
template <class X>
class OwnWait final : public DynamicWait {
  using Y = std::conditional_t<Route<X>::awaitable, X, X&>;

 public:
  explicit OwnWait(X& x) : awaiter_(static_cast<Y&&>(x)) {}
  bool is_over() override { return awaiter_.await_ready(); }
  Value result() override { return result_as_value(awaiter_); }

 private:
  YieldAwaiter<Y> awaiter_;
};
/// By a handler that was added at run time.
template <class X, class R>
class RegisteredWait final : public DynamicWait {
  using Call = HandlerCall<X, R>;

 public:
  RegisteredWait(TypedHandler<X, R>& handler, X& x) : call_(handler, x), awaiter_(call_) {}
  bool is_over() override { return awaiter_.await_ready(); }
  Value result() override { return result_as_value(awaiter_); }

 private:
  Call call_;
  YieldAwaiter<Call&> awaiter_;
};

/// The awaiter of a Value: no coroutine where the handler is none.
template <>
class CallAwaiter<Value> : private CallLink {
 public:
  CallAwaiter(FrameBase& frame, Value&& x) : x_(std::move(x)) { this->caller = &frame; }
  CallAwaiter(const CallAwaiter&) = delete;
  CallAwaiter& operator=(const CallAwaiter&) = delete;
  ~CallAwaiter() {
    if (this->callee) destroy_frame(*this->callee);
  }

  bool await_ready() {
    if (x_.make_wait(room_)) return room_->is_over();
    return call();
  }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  Value await_resume() {
    if (!room_) return result_of_call();
    Value result = room_->result();
    room_.clear();
    return result;
  }

 private:
  bool call();
  Value result_of_call();

  Value x_;
  WaitRoom room_;
};

/// Awaits an X whose handler is a coroutine, and wraps what it gives.
template <class X>
Task<Value> await_as_value(X x) {
  using Y = std::conditional_t<Route<X>::awaitable, X, X&>;
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    co_await Unlisted(static_cast<Y&&>(x));
    co_return Value();
  } else {
    co_return Value(co_await Unlisted(static_cast<Y&&>(x)));
  }
}

template <class U>
struct KeptUndo final : ErasedUndo, Recycled {
  template <class Make>
  explicit KeptUndo(Make&& make) : undo(make()) {}
  bool request_cancel() override {
    if constexpr (requires { undo.request_cancel(); }) {
      return undo.request_cancel();
    } else {
      return false;
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
      f_(x, WaiterAccess::pass(waiter));
      return {};
    } else {
      return UndoPointer(new KeptUndo<U>([&] { return f_(x, WaiterAccess::pass(waiter)); }));
    }
  }
  void make_wait(Value& what, WaitRoom& room) override {
    room.make<RegisteredWait<X, R>>(*this, object_in(what));
  }

 private:
  static X& object_in(Value& what) {
    if (X* const x = what.template get_if<X>()) return *x;
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

template <class D>
const Value::Ops Value::table = {
    &typeid(D),
    [](Value& value) noexcept -> void* { return &value.in<D>(); },
    [] {
      void (*destroy)(Value&) noexcept = nullptr;
      if constexpr (!in_place<D>) {
        destroy = [](Value& value) noexcept { delete &value.in<D>(); };
      } else if constexpr (!std::is_trivially_destructible_v<D>) {
        destroy = [](Value& value) noexcept { std::destroy_at(&value.in<D>()); };
      }
      return destroy;
    }(),
    [] {
      void (*move)(Value&, Value&) noexcept = nullptr;
      if constexpr (in_place<D> && !std::is_trivially_copyable_v<D>) {
        move = [](Value& from, Value& to) noexcept {
          ::new (static_cast<void*>(to.buffer_)) D(std::move(from.in<D>()));
          std::destroy_at(&from.in<D>());
        };
      }
      return move;
    }(),
    [] {
      void (*make)(Value&, detail::WaitRoom&) = nullptr;
      if constexpr (detail::Route<D>::kind == detail::RouteKind::waiter) {
        make = [](Value& value, detail::WaitRoom& room) {
          room.make<detail::OwnWait<D>>(value.in<D>());
        };
      }
      return make;
    }(),
    [] {
      Task<Value> (*call)(Value&&) = nullptr;
      if constexpr (detail::Route<D>::kind == detail::RouteKind::task) {
        call = [](Value&& value) { return detail::await_as_value<D>(std::move(value.in<D>())); };
      }
      return call;
    }(),
    [] {
      const std::type_info* pointed_to = nullptr;
      if constexpr (std::is_pointer_v<D>) pointed_to = &typeid(std::remove_pointer_t<D>);
      return pointed_to;
    }()};

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
