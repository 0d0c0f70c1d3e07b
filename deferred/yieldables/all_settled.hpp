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
AllSettled<Y...> all_settled(Y&&... x) {
  (require_yieldable<Y>(), ...);
  return AllSettled<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
}
/// The same of a vector: a vector of their Outcomes, in their order. Of an empty one at once.
template <class Y>
AllSettled<std::vector<Y>> all_settled(std::vector<Y> xs) {
  require_yieldable<Y>();
  return AllSettled<std::vector<Y>>(typename detail::Range<Y>::Given(std::move(xs)));
}

}  // namespace deferred
