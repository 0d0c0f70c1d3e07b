// SPDX-License-Identifier: MIT
//
// Value: something to wait for whose type is known only at run time, and what came of it.
// Next: reactor/registry.hpp, which says what a type means that has no handler of its own.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace detail {
class WaitRoom;
}

/// Holds one movable object of any type, or nothing. `co_await Value{x}` waits for x as `co_await
/// x` would, and gives the result as a Value (an empty one for void). What a type without a handler
/// of its own means is asked of the reactor's registry; with none there, UnknownYieldable is
/// thrown.
class [[nodiscard]] Value {
 public:
  Value() noexcept = default;
  template <class X>
    requires(!std::is_same_v<std::decay_t<X>, Value>)
  [[nodiscard]] Value(X&& x) {
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

  DEFERRED_API Task<Value> yield_to() &&;
  /// Tells what it holds that it will not be awaited. (The law of yield_to, 7.)
  void abandon() && noexcept {
    if (ops_ && ops_->abandon) ops_->abandon(*this);
  }

 private:
  template <class>
  friend class detail::CallAwaiter;
  /// The wait for what it holds. False if that is a coroutine's.
  DEFERRED_API bool make_wait(detail::WaitRoom& room);

  struct Ops {
    const std::type_info* type;
    void* (*object)(Value&) noexcept;
    void (*destroy)(Value&) noexcept;               // null: nothing to do
    void (*move)(Value& from, Value& to) noexcept;  // null: the bytes are moved
    void (*abandon)(Value&) noexcept;               // null: it need not be told
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

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred

// What it takes to await one, and to register a handler:
#include "deferred/tasks/detail/dynamic_wait.hpp"
#include "deferred/tasks/detail/registered_handler.hpp"
