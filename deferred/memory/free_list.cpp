// SPDX-License-Identifier: MIT
#include "deferred/memory/free_list.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "deferred/memory/message_memory.hpp"

namespace deferred::detail {
namespace {

using Block = FreeList::Block;
using TimePoint = std::chrono::steady_clock::time_point;

enum class ListsPhase : unsigned char { before, open, over };
constinit thread_local ListsPhase lists_phase =
    ListsPhase::before;                         // outlives the destructors of the thread
constinit thread_local bool suspended = false;  // a NoRecycling lives: the phase is `over`
std::atomic<int> suspended_threads{0};

// The bound of this thread's lists, and how it follows use. A block that comes back when there is
// no room is given away, and remembered in bytes: if as much is asked for again, there should have
// been room for it, and the bound grows. One burst leaves the bound as it was; of bursts that
// follow one another the second makes it grow, and the third is served from the lists. About once a
// second, tend() sets aside what the lists hold, and gives away what was set aside before and has
// not been needed since; the bound goes down by that.
class Bound {
 public:
  // Made with the first block that is released, whoever allocated it: a thread that has released
  // nothing has nothing to free.
  Bound() noexcept { begin(); }
  ~Bound() { end(); }

  void begin() noexcept {
    lists_phase = ListsPhase::open;
    free_list.room = bytes_ = FreeList::least;
  }
  // Frees all, and gives no room any more.
  void end() noexcept {
    lists_phase = ListsPhase::over;
    for (Block*& list : aside_) drop(list);
    for (Block*& list : free_list.lists) drop(list);
    free_list.room = 0;
    free_list.has_grown = tending_ = false;
  }

  void gave_away(std::size_t bytes) noexcept {
    regretted_ = std::min(regretted_ + bytes, FreeList::most - bytes_);
  }
  void* take(std::size_t index) noexcept {
    const std::size_t bytes = FreeList::size_of(index);
    if (Block* const block = aside_[index]) {
      aside_[index] = block->next;
      free_list.room += bytes;
      return block;
    }
    if (regretted_ >= bytes) {
      regretted_ -= bytes;
      bytes_ += bytes;
      free_list.room += bytes;
      free_list.has_grown = true;
    }
    return nullptr;
  }
  void tend(TimePoint now) noexcept {
    if (!std::exchange(tending_, true) || now < tended_) tended_ = now;
    if (now < tended_ + std::chrono::seconds(1)) return;
    tended_ = now;
    std::size_t unused = 0;
    for (std::size_t index = 0; index != FreeList::classes; ++index) {
      unused += drop(aside_[index]) * FreeList::size_of(index);
      aside_[index] = std::exchange(free_list.lists[index], nullptr);
    }
    const std::size_t before = std::exchange(bytes_, std::max(bytes_ - unused, FreeList::least));
    free_list.room += unused - (before - bytes_);
    free_list.has_grown = tending_ = bytes_ > FreeList::least;
  }

 private:
  // Returns how many there were.
  static std::size_t drop(Block*& list) noexcept {
    std::size_t count = 0;
    while (Block* const block = list) {
      list = block->next;
      ::operator delete(block);
      ++count;
    }
    return count;
  }

  std::size_t bytes_ = FreeList::least;  // what is in the lists, and the room
  std::size_t regretted_ = 0;            // given away, and not asked for again yet
  bool tending_ = false;                 // since tended_ at least
  TimePoint tended_;
  Block* aside_[FreeList::classes] = {};  // not needed since tended_
};

Bound& bound() noexcept {
  static thread_local Bound of_this_thread;
  return of_this_thread;
}

}  // namespace

constinit thread_local FreeList free_list{};

void* allocate_anew(std::size_t index) {
  void* const block = lists_phase == ListsPhase::open ? bound().take(index) : nullptr;
  return block ? block : ::operator new(FreeList::size_of(index));
}

void release_without_room(void* memory, std::size_t index) noexcept {
  if (lists_phase == ListsPhase::before) {
    bound();
    return release(memory, FreeList::size_of(index));
  }
  if (lists_phase == ListsPhase::open) bound().gave_away(FreeList::size_of(index));
  ::operator delete(memory);
}

void tend_free_list(TimePoint now) noexcept { bound().tend(now); }

NoRecycling::NoRecycling() noexcept {
  if (lists_phase == ListsPhase::over) return;  // the thread is at its end
  bound().end();
  close_message_slab();
  suspended = true;
  ++suspended_threads;
}
NoRecycling::~NoRecycling() {
  if (!std::exchange(suspended, false)) return;
  --suspended_threads;
  bound().begin();
}
bool NoRecycling::anywhere() noexcept { return suspended_threads.load() != 0; }

}  // namespace deferred::detail
