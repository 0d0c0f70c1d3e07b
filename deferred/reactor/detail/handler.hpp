// SPDX-License-Identifier: MIT
//
// Handler: what a Registry keeps. tasks/ knows what is in it.
#pragma once

#include <cstdint>
#include <typeinfo>

namespace deferred {

class Value;

namespace detail {

class WaitRoom;

/// A run-time handler, type-erased. Who looks one up knows its own type, by `type` and `result`.
struct Handler {
  Handler(const std::type_info& of, const std::type_info& gives) noexcept
      : type(of), result(gives) {}
  virtual ~Handler() = default;
  /// Makes the wait for what a Value holds, which is of this handler's type or a pointer to this
  /// handler's object.
  virtual void make_wait(Value& what, WaitRoom& room) = 0;

  const std::type_info& type;
  const std::type_info& result;  // R of its Waiter<R>
  std::uint64_t number = 0;      // of its registration: the newest has the highest
};

}  // namespace detail
}  // namespace deferred
