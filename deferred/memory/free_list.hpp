// SPDX-License-Identifier: MIT
//
// Recycled memory for what is made and dropped at every step: coroutine frames, Deferred blocks,
// failures, timers. A list per size class, and one bound for all the lists of a thread, which
// follows use (free_list.cpp says how). Off under sanitizers, so that they see every use after
// free. Blocks come from operator new, as large as their class, and may be freed on any thread, and
// by a library or program that recycles where the other does not.
#pragma once

#include <chrono>
#include <cstddef>
#include <new>

#include "deferred/memory/api.hpp"

namespace deferred::detail {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool recycle_memory = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool recycle_memory = false;
#else
inline constexpr bool recycle_memory = true;
#endif
#else
inline constexpr bool recycle_memory = true;
#endif

/// The lists of one thread.
struct FreeList {
  static constexpr std::size_t step = 16;          // bytes between size classes
  static constexpr std::size_t largest = 1016;     // larger blocks are not recycled
  static constexpr std::size_t least = 1 << 20;    // bytes kept at most, in quiet times
  static constexpr std::size_t most = 32 * least;  // and while one burst follows another

  // Classes of 8, 24, 40 ... bytes: a malloc that puts a word before each block, and aligns to two,
  // has nothing left over between one and the next. All mallocs in use align such blocks to 16.
  static constexpr std::size_t class_of(std::size_t size) noexcept { return (size + 7) / step; }
  static constexpr std::size_t size_of(std::size_t index) noexcept { return index * step + 8; }
  static constexpr std::size_t classes = (largest + 7) / step + 1;

  struct Block {
    Block* next;
  };
  Block* lists[classes] = {};
  std::size_t room = 0;    // bytes that may be added; none before the lists are begun and after
  bool has_grown = false;  // beyond `least`: tend() has something to do
};

DEFERRED_API extern constinit thread_local FreeList free_list;

/// The list is empty.
[[gnu::cold]] DEFERRED_API void* allocate_anew(std::size_t index);
/// There is no room: begins this thread's lists, which are freed when the thread ends; if that has
/// been done, frees the block.
[[gnu::cold]] DEFERRED_API void release_without_room(void* memory, std::size_t index) noexcept;
/// To be called now and then where `free_list.has_grown`: gives back what nobody has needed for a
/// second, and the room for it.
void tend_free_list(std::chrono::steady_clock::time_point now) noexcept;

inline void* allocate(std::size_t size) {
  if (size > FreeList::largest) return ::operator new(size);
  const std::size_t index = FreeList::class_of(size);
  if constexpr (recycle_memory) {
    if (FreeList::Block* const block = free_list.lists[index]) [[likely]] {
      free_list.lists[index] = block->next;
      free_list.room += FreeList::size_of(index);
      return block;
    }
    return allocate_anew(index);
  } else {
    return ::operator new(FreeList::size_of(index));
  }
}

inline void release(void* memory, std::size_t size) noexcept {
  if constexpr (!recycle_memory) return ::operator delete(memory);
  if (size > FreeList::largest) return ::operator delete(memory);
  const std::size_t index = FreeList::class_of(size);
  if (free_list.room < FreeList::size_of(index)) [[unlikely]]
    return release_without_room(memory, index);
  auto* const block = static_cast<FreeList::Block*>(memory);
  block->next = free_list.lists[index];
  free_list.lists[index] = block;
  free_list.room -= FreeList::size_of(index);
}

/// While one lives, this thread recycles nothing, and no thread keeps spare slabs of messages: what
/// the library asks for is asked of operator new, and given back to it. For who looks at each
/// allocation, as testing/allocation_failure.hpp does. REQUIRES: ends on the thread that made it;
/// one at a time.
class NoRecycling {
 public:
  DEFERRED_API NoRecycling() noexcept;
  NoRecycling(const NoRecycling&) = delete;
  NoRecycling& operator=(const NoRecycling&) = delete;
  DEFERRED_API ~NoRecycling();
  /// One lives on some thread.
  static bool anywhere() noexcept;
};

/// Objects of the class, and what holds one, come from memory for ordinary alignments. (Without
/// -mavx g++'s alignof() says 16 of a class with an __m256, and lays it out for 32.)
template <class T>
inline constexpr bool ordinary_alignment = __alignof__(T) <= alignof(std::max_align_t);

/// Base of a class whose objects are made with new and come from the free list.
/// REQUIRES: deleted through its own type, or a base with a virtual destructor.
struct Recycled {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void operator delete(void* memory, std::size_t size) noexcept { release(memory, size); }
};

}  // namespace deferred::detail
