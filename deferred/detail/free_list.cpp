// SPDX-License-Identifier: MIT
#include "deferred/detail/free_list.hpp"

namespace deferred::detail {
namespace {

// Frees the lists at the end of the thread. Touched only where a fresh block is taken: a thread
// that never recycled anything has nothing to free.
struct AtThreadEnd {
  bool touched = false;
  ~AtThreadEnd() {
    for (FreeList::Class& bin : free_list.classes) {
      while (FreeList::Block* block = bin.head) {
        bin.head = block->next;
        ::operator delete(block);
      }
      bin.count = static_cast<std::size_t>(-1);
    }
  }
};

thread_local AtThreadEnd at_thread_end;

}  // namespace

void* allocate_fresh(std::size_t rounded) {
  at_thread_end.touched = true;
  return ::operator new(rounded);
}

}  // namespace deferred::detail
