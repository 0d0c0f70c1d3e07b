// SPDX-License-Identifier: MIT
//
// DynamicWait: a wait whose type is known only at run time, and what a Value knows of its own type.
#pragma once

#include <coroutine>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

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
  using Y = std::conditional_t<HandlerOf<X>::awaitable, X, X&>;

 public:
  explicit OwnWait(X& x) : awaiter_(static_cast<Y&&>(x)) {}
  bool is_over() override { return awaiter_.await_ready(); }
  Value result() override { return result_as_value(awaiter_); }

 private:
  YieldAwaiter<Y> awaiter_;
};
/// The awaiter of a Value: no coroutine where the handler is none.
template <>
class CallAwaiter<Value> : private SubtaskCall<Value> {
 public:
  CallAwaiter(FrameBase& frame, Value&& x) : SubtaskCall<Value>(frame), x_(std::move(x)) {}
  ~CallAwaiter() { end(); }

  bool await_ready() {
    if (x_.make_wait(room_)) return room_->is_over();
    begin(call());
    return false;
  }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  [[gnu::always_inline]] Value await_resume() {
    if (!room_) return result();
    Value result = room_->result();
    room_.clear();
    return result;
  }

 private:
  DEFERRED_API ResultFor<Value>* call();

  Value x_;
  WaitRoom room_;
};

/// Awaits an X whose handler is a coroutine, and wraps what it gives.
template <class X>
Task<Value> await_as_value(X x) {
  using Y = std::conditional_t<HandlerOf<X>::awaitable, X, X&>;
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    co_await unlisted(static_cast<Y&&>(x));
    co_return Value();
  } else {
    co_return Value(co_await unlisted(static_cast<Y&&>(x)));
  }
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
      void (*tell)(Value&) noexcept = nullptr;
      if constexpr (detail::Abandonable<D>) {
        tell = [](Value& value) noexcept { std::move(value.in<D>()).abandon(); };
      }
      return tell;
    }(),
    [] {
      void (*make)(Value&, detail::WaitRoom&) = nullptr;
      if constexpr (detail::HandlerOf<D>::kind == detail::HandlerKind::waiter) {
        make = [](Value& value, detail::WaitRoom& room) {
          room.make<detail::OwnWait<D>>(value.in<D>());
        };
      }
      return make;
    }(),
    [] {
      Task<Value> (*call)(Value&&) = nullptr;
      if constexpr (detail::HandlerOf<D>::kind == detail::HandlerKind::task) {
        call = [](Value&& value) { return detail::await_as_value<D>(std::move(value.in<D>())); };
      }
      return call;
    }(),
    [] {
      const std::type_info* pointed_to = nullptr;
      if constexpr (std::is_pointer_v<D>) pointed_to = &typeid(std::remove_pointer_t<D>);
      return pointed_to;
    }()};

}  // namespace deferred
