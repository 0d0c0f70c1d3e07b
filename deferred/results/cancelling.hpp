// SPDX-License-Identifier: MIT
//
// Cancelling: what a canceller, or an undo's request_cancel(), makes of what it was asked to end.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace deferred {

/// What whoever was asked to cancel an operation answers. One that answers nothing says `now`.
enum class Cancelling : std::uint8_t {
  now,             ///< it is over: ends with Cancelled, unless the call has fired or answered it
  answer_follows,  ///< it is left pending, and fires or answers by itself: with whatever it likes
};

namespace detail {

/// What `f(arguments...)` answers, which returns nothing or a Cancelling.
template <class F, class... A>
Cancelling ask_to_cancel(F&& f, A&&... arguments) {
  using R = std::invoke_result_t<F, A...>;
  static_assert(std::is_void_v<R> || std::is_same_v<R, Cancelling>,
                "a canceller, and request_cancel() of an undo, returns nothing or a "
                "deferred::Cancelling: `return Cancelling::answer_follows;` leaves it pending");
  if constexpr (std::is_same_v<R, Cancelling>) {
    return std::invoke(std::forward<F>(f), std::forward<A>(arguments)...);
  } else {
    std::invoke(std::forward<F>(f), std::forward<A>(arguments)...);
    return Cancelling::now;
  }
}

}  // namespace detail
}  // namespace deferred
