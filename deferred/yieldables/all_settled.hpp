// SPDX-License-Identifier: MIT
//
// all_settled: several yieldables at once, each to its end, whatever that is. Next: all.hpp.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/detail/joined.hpp"

namespace deferred {

/// The yieldable that all_settled() gives.
template <class... Y>
class [[nodiscard]] AllSettled
    : public detail::Joined<detail::Joining::all_settled, typename detail::ListOf<Y...>::type> {
  using detail::Joined<detail::Joining::all_settled, typename detail::ListOf<Y...>::type>::Joined;
};

/// `auto [a, b] = co_await all_settled(x, y);` waits for all of them, and gives a tuple of their
/// Outcomes: their errors are in these. As all() else. (Twisted: DeferredList)
template <class... Y>
  requires(!(detail::is_vector<std::remove_cvref_t<Y>> || ...))
auto all_settled(Y&&... x) {
  if constexpr (detail::can_join<Y...>()) {
    return AllSettled<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
  } else {
    return detail::Refused();
  }
}
/// The same of a vector: a vector of their Outcomes, in their order. Of an empty one at once.
template <class V>
  requires(detail::is_vector<std::remove_cvref_t<V>>)
auto all_settled(V&& xs) {
  using Xs = std::remove_cvref_t<V>;
  if constexpr (detail::can_join_each<V>()) {
    return AllSettled<Xs>(
        typename detail::Range<typename Xs::value_type>::Given(std::forward<V>(xs)));
  } else {
    return detail::Refused();
  }
}

}  // namespace deferred
