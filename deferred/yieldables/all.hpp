// SPDX-License-Identifier: MIT
//
// all: several yieldables at once, and what each of them gives. Next: all_settled.hpp, any.hpp,
// race.hpp; to_deferred.hpp, for callbacks.
#pragma once

#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/yieldables/detail/joined.hpp"

namespace deferred {

/// The yieldable that all() gives.
template <class... Y>
class [[nodiscard]] All
    : public detail::Joined<detail::Joining::all, typename detail::ListOf<Y...>::type> {
  using detail::Joined<detail::Joining::all, typename detail::ListOf<Y...>::type>::Joined;
};

/// `auto [a, b, unit] = co_await all(x, y, z);` waits for all of them, begun in that order: a tuple
/// of what they give, Unit for void. An Outcome is a value.
///
/// The first error ends the others: what can be undone is, a Deferred or a task is cancelled and
/// waited for; then it is thrown as itself, with "input #1 of all at a.cpp:7" in its trace, and
/// errors that come meanwhile are suppressed() in it. A level cancel undoes all of them; a one-shot
/// one goes to each, and what they make of it is the result. (Twisted: gatherResults)
template <class... Y>
  requires(!(detail::is_vector<std::remove_cvref_t<Y>> || ...))
auto all(Y&&... x) {
  if constexpr (detail::can_join<Y...>()) {
    return All<Y...>(typename detail::Several<Y...>::Given(std::forward<Y>(x)...));
  } else {
    return detail::Refused();
  }
}
/// The same of a vector: a vector of what they give, in their order. Of an empty one at once.
template <class V>
  requires(detail::is_vector<std::remove_cvref_t<V>>)
auto all(V&& xs) {
  using Xs = std::remove_cvref_t<V>;
  if constexpr (detail::can_join_each<V>()) {
    return All<Xs>(typename detail::Range<typename Xs::value_type>::Given(std::forward<V>(xs)));
  } else {
    return detail::Refused();
  }
}

}  // namespace deferred
