// SPDX-License-Identifier: MIT
//
// Recycled memory for what is made and dropped at every step: coroutine frames, Deferred blocks,
// failures, timers. A bounded list per size class and thread. Off under sanitizers, so that they
// see every use after free. Blocks come from operator new and may be freed on any thread.
#pragma once

#include <cstddef>
#include <new>

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

struct FreeList {
  static constexpr std::size_t step = 16;          // bytes between size classes
  static constexpr std::size_t largest = 1024;     // larger blocks are not recycled
  static constexpr std::size_t keep = 512 * 1024;  // bytes kept at most in one class

  // Classes of 8, 24, 40 ... bytes: with a malloc that puts a word before each block nothing is
  // lost between one and the next.
  static constexpr std::size_t class_of(std::size_t size) noexcept { return (size + 7) / step; }
  static constexpr std::size_t size_of(std::size_t index) noexcept { return index * step + 8; }

  struct Block {
    Block* next;
  };
  struct Class {
    Block* head = nullptr;
    std::size_t room = 0;  // for more blocks; none before the lists are begun and after their end
  };
  Class classes[largest / step + 1];
};

inline constinit thread_local FreeList free_list{};

/// There is no room: begins this thread's lists, which are freed when the thread ends; if that has
/// been done, frees the block.
void release_without_room(void* memory, std::size_t index) noexcept;

inline void* allocate(std::size_t size) {
  if constexpr (!recycle_memory) return ::operator new(size);
  if (size > FreeList::largest) return ::operator new(size);
  const std::size_t index = FreeList::class_of(size);
  FreeList::Class& bin = free_list.classes[index];
  if (FreeList::Block* block = bin.head) {
    bin.head = block->next;
    ++bin.room;
    return block;
  }
  return ::operator new(FreeList::size_of(index));
}

inline void release(void* memory, std::size_t size) noexcept {
  if constexpr (!recycle_memory) return ::operator delete(memory);
  if (size > FreeList::largest) return ::operator delete(memory);
  const std::size_t index = FreeList::class_of(size);
  FreeList::Class& bin = free_list.classes[index];
  if (bin.room == 0) [[unlikely]]
    return release_without_room(memory, index);
  auto* block = static_cast<FreeList::Block*>(memory);
  block->next = bin.head;
  bin.head = block;
  --bin.room;
}

/// Base of a class whose objects are made with new and come from the free list.
/// REQUIRES: deleted through its own type, or a base with a virtual destructor.
struct Recycled {
  static void* operator new(std::size_t size) { return allocate(size); }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void operator delete(void* memory, std::size_t size) noexcept { release(memory, size); }
};

}  // namespace deferred::detail
