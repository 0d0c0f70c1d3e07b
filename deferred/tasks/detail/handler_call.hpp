// SPDX-License-Identifier: MIT
//
// HandlerCall: one call of a handler that was added at run time, as a yieldable.
#pragma once

#include <utility>

#include "deferred/reactor/registry.hpp"
#include "deferred/tasks/detail/typed_handler.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/yieldable.hpp"

namespace deferred::detail {

template <class X, class R>
class HandlerCall {
 public:
  /// With `owned`, x was given away to be awaited.
  HandlerCall(TypedHandler<X, R>& handler, X& x, bool owned) noexcept
      : handler_(handler), x_(x), owned_(owned) {}
  UndoPointer yield_to(Waiter<R> waiter) && {
    const Registry::InUse in_use(ReactorAccess::registry(waiter.reactor()));
    return handler_.call(x_, std::move(waiter));
  }
  void abandon() && {
    if (owned_) deferred::abandon(std::move(x_));
  }

 private:
  TypedHandler<X, R>& handler_;
  X& x_;
  bool owned_;
};
template <class X, class R>
inline constexpr bool is_overridable<HandlerCall<X, R>> = false;

}  // namespace deferred::detail
