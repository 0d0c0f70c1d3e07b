// SPDX-License-Identifier: MIT
//
// RecyclingAllocator: nodes of the standard's containers from the free list.
#pragma once

#include <cstddef>

#include "deferred/memory/free_list.hpp"

namespace deferred::detail {

/// REQUIRES: T has an ordinary alignment.
template <class T>
struct RecyclingAllocator {
  using value_type = T;
  RecyclingAllocator() noexcept = default;
  template <class U>
  RecyclingAllocator(const RecyclingAllocator<U>&) noexcept {}

  T* allocate(std::size_t count) {
    static_assert(ordinary_alignment<T>);
    return static_cast<T*>(detail::allocate(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept { release(memory, count * sizeof(T)); }
  friend bool operator==(RecyclingAllocator, RecyclingAllocator) noexcept { return true; }
};

}  // namespace deferred::detail
