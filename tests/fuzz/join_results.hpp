// SPDX-License-Identifier: MIT
//
// The joins by their kinds, and what they give: part of family_joins.cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "deferred/deferred.hpp"
#include "tests/fuzz/family_model.hpp"
#include "tests/fuzz/parcels.hpp"

namespace deferred::fuzz {

/// Which input has decided, if one has.
using JoinPlace = std::optional<std::size_t>;

template <JoinKind Kind, class... X>
auto join_of(X&&... x) {
  if constexpr (Kind == JoinKind::all) return all(std::forward<X>(x)...);
  if constexpr (Kind == JoinKind::all_settled) return all_settled(std::forward<X>(x)...);
  if constexpr (Kind == JoinKind::any) return any(std::forward<X>(x)...);
  if constexpr (Kind == JoinKind::race) return race(std::forward<X>(x)...);
}

// Each of these takes the parcels out of a result, and gives whose it is, if it is one input's.
// `right` becomes false if the number of a task stands in the place of another.
inline JoinPlace look_into(Unit, JoinPlace, bool&) { return {}; }
inline JoinPlace look_into(std::size_t number, JoinPlace place, bool& right) {
  right = right && (!place || *place == number);
  return {};
}
inline JoinPlace look_into(std::optional<Parcel>& parcel, JoinPlace, bool&) {
  if (parcel) parcel->take();
  return {};
}
template <class... R>
JoinPlace look_into(std::variant<R...>& won, JoinPlace, bool& right) {
  std::visit([&](auto& value) { look_into(value, won.index(), right); }, won);
  return won.index();
}
template <class R>
JoinPlace look_into(Winner<R>& won, JoinPlace, bool& right) {
  look_into(won.value, won.index, right);
  return won.index;
}
template <class R>
JoinPlace look_into(Outcome<R>& outcome, JoinPlace place, bool& right) {
  if constexpr (!std::is_void_v<R>) {
    if (outcome.has_value()) look_into(outcome.value(), place, right);
  }
  return {};
}
template <class R>
JoinPlace look_into(std::vector<R>& results, JoinPlace, bool& right) {
  for (std::size_t i = 0; i != results.size(); ++i) look_into(results[i], i, right);
  return {};
}
template <class... R>
JoinPlace look_into(std::tuple<R...>& results, JoinPlace, bool& right) {
  std::size_t i = 0;
  std::apply([&](auto&... each) { (look_into(each, i++, right), ...); }, results);
  return {};
}

}  // namespace deferred::fuzz
