// SPDX-License-Identifier: MIT
#include "deferred/memory/message_memory.hpp"

#include <mutex>
#include <utility>

namespace deferred::detail {
namespace {

constinit thread_local bool ending = false;  // outlives the destructors of this thread's objects

// Lets go of the thread's slab when the thread ends.
struct AtThreadEnd {
  bool touched = false;
  ~AtThreadEnd() {
    ending = true;
    close_message_slab();
  }
};

thread_local AtThreadEnd at_thread_end;

/// Slabs that nobody uses, each with a pointer to the next in front. One thread at a time; nobody
/// waits for another, which fork() may have left behind: malloc is there too.
class SpareSlabs {
 public:
  /// Null if there are none.
  void* take() noexcept {
    const std::unique_lock lock(in_use_, std::try_to_lock);
    if (!lock || !first_) return nullptr;
    --count_;
    least_ = std::min(least_, count_);
    return std::exchange(first_, first_->next);
  }
  void put(void* slab) noexcept {
    Spare* over = new (slab) Spare{nullptr};  // to be freed
    if (const std::unique_lock lock(in_use_, std::try_to_lock); lock) {
      over->next = std::exchange(first_, over);
      ++count_;
      over = take_off(too_many());
    }
    while (over) {
      ::operator delete(std::exchange(over, over->next), std::align_val_t(MessageSlab::size));
    }
  }

 private:
  struct Spare {
    Spare* next;
  };
  std::size_t too_many() noexcept {
    if (++given_back_ < spare_slabs_period) return count_ > most_spare_slabs ? 1 : 0;
    given_back_ = 0;
    return (std::exchange(least_, count_) + 1) / 2;
  }
  Spare* take_off(std::size_t count) noexcept {
    Spare* taken = nullptr;
    for (; count > 0; --count) {
      Spare* const one = std::exchange(first_, first_->next);
      one->next = std::exchange(taken, one);
      --count_;
    }
    least_ = std::min(least_, count_);
    return taken;
  }

  std::mutex in_use_;
  Spare* first_ = nullptr;
  std::size_t count_ = 0;
  std::size_t least_ = 0;       // there were in this period
  std::size_t given_back_ = 0;  // in this period
};

constinit SpareSlabs spare_slabs;  // never destroyed: threads may end after main()

}  // namespace

constinit thread_local MessageSlab* message_slab = nullptr;

void MessageSlab::give_back() noexcept {
  this->~MessageSlab();
  if (NoRecycling::anywhere()) {
    return ::operator delete(static_cast<void*>(this), std::align_val_t(MessageSlab::size));
  }
  spare_slabs.put(this);
}

void close_message_slab() noexcept {
  if (MessageSlab* const slab = std::exchange(message_slab, nullptr)) slab->close();
}

void* cut_from_new_slab(std::size_t bytes) {
  const bool recycles = !NoRecycling::anywhere();
  void* memory = recycles ? spare_slabs.take() : nullptr;
  if (!memory) memory = ::operator new(MessageSlab::size, std::align_val_t(MessageSlab::size));
  auto* const slab = new (memory) MessageSlab;
  void* const block = slab->cut(bytes);
  if (ending || !recycles) {
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
