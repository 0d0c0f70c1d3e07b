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
/// that ends at once leaves the decision to what will answer. (Twisted: DeferredList with both
/// fireOnOne)
template <class... Y>
  requires(!(detail::is_vector<std::remove_cvref_t<Y>> || ...))
Race<Y...> race(Y&&... x) {
  static_assert(sizeof...(Y) != 0, "race: of nothing there is no first: give it what to wait for");
  (require_yieldable<Y>(), ...);
  return Race<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
}
/// The same of a vector: a Winner, with the index and what that one gave. Of an empty one
/// std::invalid_argument is thrown, here.
template <class Y>
Race<std::vector<Y>> race(std::vector<Y> xs) {
  require_yieldable<Y>();
  if (xs.empty()) throw std::invalid_argument("race: the vector is empty, there is no first");
  return Race<std::vector<Y>>(typename detail::Range<Y>::Given(std::move(xs)));
}

}  // namespace deferred
