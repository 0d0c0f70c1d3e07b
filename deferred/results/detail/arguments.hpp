// SPDX-License-Identifier: MIT
//
// What the functions of deferred.hpp are given: an error in any form, or a Deferred that has to be
// moved.
#pragma once

#include <exception>
#include <type_traits>
#include <utility>

#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

template <class T>
class Deferred;

namespace detail {

/// What errback() and fail() are given, as a Failure.
template <class E>
Failure to_failure(E&& error, SourceLocation where) {
  if constexpr (std::is_same_v<std::decay_t<E>, Failure>) {
    return std::forward<E>(error);
  } else if constexpr (std::is_same_v<std::decay_t<E>, std::exception_ptr>) {
    return Failure::from(std::forward<E>(error), where);
  } else {
    return Failure(std::forward<E>(error), where);
  }
}

/// Refuses an add_* of an lvalue.
template <class T>
constexpr void needs_rvalue() {
  static_assert(!sizeof(Deferred<T>*),
                "a Deferred has one consumer, and what add_* returns takes its place: write "
                "`auto rest = std::move(deferred).add_...`, or share() it");
}

}  // namespace detail
}  // namespace deferred
