// SPDX-License-Identifier: MIT
//
// Cell: how a T lives in a chain's result slot. In place, or boxed if it is large or its move may
// throw, so that handing a result from chain to chain never throws.
#pragma once

#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "deferred/results/detail/chain.hpp"

namespace deferred::detail {

template <class T>
struct Cell {
  static constexpr bool in_place =
      sizeof(T) <= Chain::slot_size && alignof(T) <= 16 && std::is_nothrow_move_constructible_v<T>;

  static T& in(Chain& chain) noexcept {
    if constexpr (in_place) {
      return *std::launder(static_cast<T*>(chain.slot()));
    } else {
      return **static_cast<T**>(chain.slot());
    }
  }
  /// Fills the empty slot with what `make` returns. If that throws, the slot stays empty.
  template <class Make>
  static void emplace(Chain& chain, Make&& make) {
    if constexpr (in_place) {
      ::new (chain.slot()) T(make());
    } else {
      T* const boxed = new T(make());
      ::new (chain.slot()) T*(boxed);
    }
    holds(chain);
  }
  /// Empties the slot, also if the move throws.
  static T take(Chain& chain) {
    struct End {
      Chain& chain;
      ~End() {
        T& value = in(chain);
        chain.emptied();
        if constexpr (in_place) {
          std::destroy_at(std::addressof(value));
        } else {
          delete std::addressof(value);
        }
      }
    } end{chain};
    return std::move(in(chain));
  }
  /// The value or failure of one slot to another, empty one.
  static void move(Chain& from, Chain& to) noexcept {
    if (from.state() == Chain::State::failure) {
      to.set_failure(from.take_failure());
    } else if constexpr (in_place) {
      ::new (to.slot()) T(take(from));
      holds(to);
    } else {
      ::new (to.slot()) T*(std::addressof(in(from)));
      from.emptied();
      holds(to);
    }
  }

 private:
  static void holds(Chain& chain) noexcept {
    if constexpr (in_place && std::is_trivially_destructible_v<T>) {
      chain.holds_value(nullptr);
    } else if constexpr (in_place) {
      chain.holds_value([](Chain& c) noexcept { std::destroy_at(std::addressof(in(c))); });
    } else {
      chain.holds_value([](Chain& c) noexcept { delete std::addressof(in(c)); });
    }
  }
};

}  // namespace deferred::detail
