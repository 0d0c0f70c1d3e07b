// SPDX-License-Identifier: MIT
//
// Memory for what one thread makes and another drops: messages of the inbox. A thread cuts its
// blocks from a slab, one behind the other; whoever drops the last block of a slab gives it back,
// to a list of spare slabs that all threads share. So a burst lies in memory as it was sent, in
// memory that was used before, and the threads do not fight over the lists of malloc. Off under
// sanitizers, as in free_list.hpp.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"

namespace deferred::detail {

class MessageSlab {
 public:
  static constexpr std::size_t size = 4096;          // and alignment: so a block finds its slab
  static constexpr std::size_t largest = size / 16;  // larger blocks come from operator new

  static MessageSlab& of(void* block) noexcept {
    return *reinterpret_cast<MessageSlab*>(reinterpret_cast<std::uintptr_t>(block) & ~(size - 1));
  }
  /// Null if there is no room any more. Aligned to what an object of that size can need, at most to
  /// what malloc gives: the size is a multiple of the alignment.
  void* cut(std::size_t bytes) noexcept {
    const std::size_t alignment = std::min(bytes & (~bytes + 1), alignof(std::max_align_t));
    const std::size_t at = (used_ + alignment - 1) & ~(alignment - 1);
    if (at + bytes > size) return nullptr;
    used_ = at + bytes;
    ++cut_;
    return reinterpret_cast<char*>(this) + at;
  }
  /// The thread that cuts from it does so no more.
  void close() noexcept { let_go(open - cut_); }
  /// From any thread: so many of its blocks are not used any more.
  void let_go(std::uint32_t count) noexcept {
    if (held_.fetch_sub(count, std::memory_order_acq_rel) == count) give_back();
  }

 private:
  static constexpr std::uint32_t open = 1U << 31;

  DEFERRED_API void give_back() noexcept;

  std::atomic<std::uint32_t> held_{open};  // while it is open, less what was dropped; then, blocks
  // Its own thread's, in another cache line than the counter:
  alignas(64) std::uint32_t cut_ = 0;  // blocks so far
  std::size_t used_ = 128;             // bytes so far
};

/// How many spare slabs are kept at most: 8 MiB, a burst of 350,000 small calls.
inline constexpr std::size_t most_spare_slabs = 2048;
/// Whenever so many slabs have been given back, half of the spare ones that were not needed
/// meanwhile are freed: so they follow use.
inline constexpr std::size_t spare_slabs_period = 2 * most_spare_slabs;

/// The slab that this thread cuts from, once it has cut one, and until it ends.
DEFERRED_API extern constinit thread_local MessageSlab* message_slab;

DEFERRED_API void* cut_from_new_slab(std::size_t bytes);
/// Lets go of this thread's slab: its next block comes from another.
void close_message_slab() noexcept;
/// Room for an object of that size. REQUIRES: 1 to MessageSlab::largest bytes.
inline void* cut_block(std::size_t bytes) {
  void* const block = message_slab ? message_slab->cut(bytes) : nullptr;
  return block ? block : cut_from_new_slab(bytes);
}
/// The same, from operator new if the library was built with a sanitizer.
void* cut_as_built(std::size_t bytes);
void drop_as_built(void* block) noexcept;
/// From any thread.
inline void drop_block(void* block) noexcept { MessageSlab::of(block).let_go(1); }

/// Blocks that one thread drops one after the other. Those of a burst lie in the same slabs in the
/// same order: a slab is told once for each row of its blocks, at the latest when this is
/// destroyed.
class DroppedBlocks {
 public:
  DroppedBlocks() = default;
  DroppedBlocks(const DroppedBlocks&) = delete;
  DroppedBlocks& operator=(const DroppedBlocks&) = delete;
  ~DroppedBlocks() {
    if (slab_) slab_->let_go(count_);
  }

  void add(void* block) noexcept {
    MessageSlab* const slab = &MessageSlab::of(block);
    if (slab != slab_) {
      if (slab_) slab_->let_go(count_);
      slab_ = slab;
      count_ = 0;
    }
    ++count_;
  }

 private:
  MessageSlab* slab_ = nullptr;
  std::uint32_t count_ = 0;  // of its blocks, not told yet
};

/// Base of a class whose objects are made with new on one thread and deleted on any, through their
/// own type.
struct SlabAllocated {
  static void* operator new(std::size_t bytes) {
    if (bytes > MessageSlab::largest) return ::operator new(bytes);
    if constexpr (!recycle_memory) return cut_as_built(bytes);
    return cut_block(bytes);
  }
  static void operator delete(void* block, std::size_t bytes) noexcept {
    if (bytes > MessageSlab::largest) return ::operator delete(block);
    if constexpr (!recycle_memory) return drop_as_built(block);
    drop_block(block);
  }
  /// As delete, but that the memory is left to `dropped`.
  template <class T>
  static void destroy(T* object, DroppedBlocks& dropped) noexcept {
    if constexpr (!recycle_memory || sizeof(T) > MessageSlab::largest ||
                  alignof(T) > __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
      delete object;
    } else {
      object->~T();
      dropped.add(object);
    }
  }
  // Over-aligned ones.
  static void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return ::operator new(bytes, alignment);
  }
  static void operator delete(void* block, std::size_t, std::align_val_t alignment) noexcept {
    ::operator delete(block, alignment);
  }
};

}  // namespace deferred::detail
