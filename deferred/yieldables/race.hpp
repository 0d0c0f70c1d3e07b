// SPDX-License-Identifier: MIT
//
// race: the first end that one of several yieldables comes to. Next: any.hpp, all.hpp.
#pragma once

#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/detail/joined.hpp"

namespace deferred {

/// The yieldable that race() gives.
template <class... Y>
class [[nodiscard]] Race
    : public detail::Joined<detail::Joining::race, typename detail::ListOf<Y...>::type> {
  using detail::Joined<detail::Joining::race, typename detail::ListOf<Y...>::type>::Joined;
};

/// `auto won = co_await race(x, y);` gives what the first of them that ends gives, as a
/// std::variant: `won.index()` tells whose it is; or throws what it has failed with. The first
/// answer decides inside the very call that gives it: nothing that another could have been given is
/// lost. The others are ended and cancels passed on as all() does, but for a one-shot one: what
/// that ends at once leaves the decision to what will answer. Of plain inputs, a level cancel while
/// a loser is waited for ends the wait, and what the winner gave is lost. (Twisted: DeferredList
/// with both fireOnOne)
template <class... Y>
  requires(!(detail::is_vector<std::remove_cvref_t<Y>> || ...))
auto race(Y&&... x) {
  static_assert(sizeof...(Y) != 0, "race: of nothing there is no first: give it what to wait for");
  if constexpr (detail::can_join<Y...>() && sizeof...(Y) != 0) {
    return Race<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
  } else {
    return detail::Refused();
  }
}
/// The same of a vector: a Winner, with the index and what that one gave. Of an empty one
/// std::invalid_argument is thrown, here.
template <class V>
  requires(detail::is_vector<std::remove_cvref_t<V>>)
auto race(V&& xs) {
  using Xs = std::remove_cvref_t<V>;
  if constexpr (detail::can_join_each<V>()) {
    if (xs.empty()) throw std::invalid_argument("race: the vector is empty, there is no first");
    return Race<Xs>(typename detail::Range<typename Xs::value_type>::Given(std::forward<V>(xs)));
  } else {
    return detail::Refused();
  }
}

}  // namespace deferred
