// SPDX-License-Identifier: MIT
#include "deferred/detail/message_memory.hpp"

namespace deferred::detail {
namespace {

constinit thread_local bool ending = false;  // outlives the destructors of this thread's objects

// Lets go of the thread's slab when the thread ends.
struct AtThreadEnd {
  bool touched = false;
  ~AtThreadEnd() {
    ending = true;
    if (MessageSlab* const slab = std::exchange(message_slab, nullptr)) slab->close();
  }
};

thread_local AtThreadEnd at_thread_end;

}  // namespace

constinit thread_local MessageSlab* message_slab = nullptr;

void MessageSlab::destroy(MessageSlab* slab) noexcept {
  slab->~MessageSlab();
  ::operator delete(slab, std::align_val_t(size));
}

void* cut_from_new_slab(std::size_t bytes) {
  auto* const slab =
      new (::operator new(MessageSlab::size, std::align_val_t(MessageSlab::size))) MessageSlab;
  void* const block = slab->cut(bytes);
  if (ending) {
    slab->close();  // a slab of one block
    return block;
  }
  at_thread_end.touched = true;
  if (MessageSlab* const full = std::exchange(message_slab, slab)) full->close();
  return block;
}

void* cut_as_built(std::size_t bytes) {
  if constexpr (!recycle_memory) return ::operator new(bytes);
  return cut_block(bytes);
}
void drop_as_built(void* block) noexcept {
  if constexpr (!recycle_memory) return ::operator delete(block);
  drop_block(block);
}

}  // namespace deferred::detail
