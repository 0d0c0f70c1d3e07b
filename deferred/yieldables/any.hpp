// SPDX-License-Identifier: MIT
//
// any: the first value that one of several yieldables gives. Next: race.hpp, all.hpp.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/detail/joined.hpp"

namespace deferred {

/// The yieldable that any() gives.
template <class... Y>
class [[nodiscard]] Any
    : public detail::Joined<detail::Joining::any, typename detail::ListOf<Y...>::type> {
  using detail::Joined<detail::Joining::any, typename detail::ListOf<Y...>::type>::Joined;
};

/// `auto won = co_await any(x, y);` gives the first value that one of them gives, as a
/// std::variant: `won.index()` tells whose it is. Errors are kept for the case that all fail: then
/// the first of them in the arguments' order is thrown, and the others are suppressed() in it. The
/// others are ended and cancels passed on as all() does. (Twisted: race)
template <class... Y>
  requires(!(detail::is_vector<std::remove_cvref_t<Y>> || ...))
auto any(Y&&... x) {
  static_assert(sizeof...(Y) != 0, "any: of nothing there is no first: give it what to wait for");
  if constexpr (detail::can_join<Y...>() && sizeof...(Y) != 0) {
    return Any<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
  } else {
    return detail::Refused();
  }
}
/// The same of a vector: a Winner, with the index and what that one gave. Of an empty one
/// std::invalid_argument is thrown, here.
template <class V>
  requires(detail::is_vector<std::remove_cvref_t<V>>)
auto any(V&& xs) {
  using Xs = std::remove_cvref_t<V>;
  if constexpr (detail::can_join_each<V>()) {
    if (xs.empty()) throw std::invalid_argument("any: the vector is empty, there is no first");
    return Any<Xs>(typename detail::Range<typename Xs::value_type>::Given(std::forward<V>(xs)));
  } else {
    return detail::Refused();
  }
}

}  // namespace deferred
