// SPDX-License-Identifier: MIT
#include "deferred/detail/free_list.hpp"

namespace deferred::detail {
namespace {

// Frees the lists at the end of the thread. Made with the first block that is released, whoever
// allocated it: a thread that has released nothing has nothing to free.
struct AtThreadEnd {
  AtThreadEnd() noexcept {
    std::size_t index = 0;
    for (FreeList::Class& bin : free_list.classes) {
      bin.room = FreeList::keep / FreeList::size_of(index++);
    }
  }
  ~AtThreadEnd() {
    for (FreeList::Class& bin : free_list.classes) {
      while (FreeList::Block* block = bin.head) {
        bin.head = block->next;
        ::operator delete(block);
      }
      bin.room = 0;
    }
  }
  bool touched = false;
};

thread_local AtThreadEnd at_thread_end;
constinit thread_local bool begun = false;

}  // namespace

void release_without_room(void* memory, std::size_t index) noexcept {
  if (begun) return ::operator delete(memory);  // full, or over
  begun = true;
  at_thread_end.touched = true;  // makes it
  release(memory, FreeList::size_of(index));
}

}  // namespace deferred::detail
