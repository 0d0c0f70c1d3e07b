// SPDX-License-Identifier: MIT
//
// Memory for what one thread makes and another drops: messages of the inbox. A thread cuts its
// blocks from a slab, one behind the other; whoever drops the last block of a slab frees it. So a
// burst lies in memory as it was sent, and the threads do not fight over the lists of malloc. Off
// under sanitizers, as in free_list.hpp.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "deferred/detail/free_list.hpp"

namespace deferred::detail {

class MessageSlab {
 public:
  static constexpr std::size_t size = 4096;          // and alignment: so a block finds its slab
  static constexpr std::size_t largest = size / 16;  // larger blocks come from operator new

  static MessageSlab& of(void* block) noexcept {
    return *reinterpret_cast<MessageSlab*>(reinterpret_cast<std::uintptr_t>(block) & ~(size - 1));
  }
  /// Null if there is no room any more.
  void* cut(std::size_t bytes) noexcept {
    constexpr std::size_t step = alignof(std::max_align_t);
    const std::size_t rounded = (bytes + step - 1) / step * step;
    if (rounded > size - used_) return nullptr;
    ++cut_;
    return reinterpret_cast<char*>(this) + std::exchange(used_, used_ + rounded);
  }
  /// The thread that cuts from it does so no more.
  void close() noexcept { let_go(open - cut_); }
  /// From any thread: so many of its blocks are not used any more.
  void let_go(std::uint32_t count) noexcept {
    if (held_.fetch_sub(count, std::memory_order_acq_rel) == count) destroy(this);
  }

 private:
  static constexpr std::uint32_t open = 1U << 31;

  static void destroy(MessageSlab* slab) noexcept;

  std::atomic<std::uint32_t> held_{open};  // while it is open, less what was dropped; then, blocks
  // Its own thread's, in another cache line than the counter:
  alignas(64) std::uint32_t cut_ = 0;  // blocks so far
  std::size_t used_ = 128;             // bytes so far
};

/// The slab that this thread cuts from, once it has cut one, and until it ends.
extern constinit thread_local MessageSlab* message_slab;

void* cut_from_new_slab(std::size_t bytes);
/// A block that is aligned as from malloc. REQUIRES: at most MessageSlab::largest bytes.
inline void* cut_block(std::size_t bytes) {
  void* const block = message_slab ? message_slab->cut(bytes) : nullptr;
  return block ? block : cut_from_new_slab(bytes);
}
/// The same, from operator new if the library was built with a sanitizer.
void* cut_as_built(std::size_t bytes);
void drop_as_built(void* block) noexcept;
/// From any thread.
inline void drop_block(void* block) noexcept { MessageSlab::of(block).let_go(1); }

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
  // Over-aligned ones.
  static void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return ::operator new(bytes, alignment);
  }
  static void operator delete(void* block, std::size_t, std::align_val_t alignment) noexcept {
    ::operator delete(block, alignment);
  }
};

}  // namespace deferred::detail
