// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/timer_heap.hpp"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace deferred::detail {

void TimerHeap::make_room() {
  if (size_ > TimerEntry::idle / 2) throw std::length_error("reactor: too many timers");
  const std::uint32_t room = std::max(least_room, 2 * size_);
  move_to(std::make_unique_for_overwrite<Slot[]>(room), room);
}

void TimerHeap::move_to(std::unique_ptr<Slot[]> array, std::uint32_t room) noexcept {
  std::copy_n(slots_.get(), size_, array.get());
  slots_ = std::move(array);
  room_ = room;
}

void TimerHeap::give_back() noexcept {
  if (size_ >= room_ / 8) return;
  const std::uint32_t room = std::max(least_room, 2 * size_);
  std::unique_ptr<Slot[]> smaller(new (std::nothrow) Slot[room]);
  if (smaller) move_to(std::move(smaller), room);
}

// The last slot takes the place of the first. It belongs near the bottom: so the hole goes all the
// way down, and the slot a little up from there, which compares less than letting it sink.
void TimerHeap::fill_first() noexcept {
  std::uint32_t hole = 0;
  while (hole * width + 1 < size_) {
    const std::uint32_t least = least_child(hole);
    put(hole, slots_[least]);
    hole = least;
  }
  rise(hole, slots_[size_]);
}

void TimerHeap::drop_removed() noexcept {
  --removed_;
  drop_first();
}

// A removed slot keeps its key, and so its place: the order of the others does not depend on it.
void TimerHeap::mark(std::uint32_t index) noexcept {
  slots_[index].entry = nullptr;
  ++removed_;
  sweep_in_time();
}

void TimerHeap::sweep_in_time() noexcept {
  if (removed_ > size_ / 2) sweep();
}

// What is left is put in order anew, from the last parent up to the root: one or two steps a slot
// on the average, and at least as many slots have been removed since the last time.
void TimerHeap::sweep() noexcept {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i != size_; ++i) {
    if (slots_[i].entry) put(kept++, slots_[i]);
  }
  size_ = kept;
  removed_ = 0;
  if (size_ < 2) return;
  for (std::uint32_t i = parent(size_ - 1) + 1; i-- != 0;) sink(i, slots_[i]);
}

void TimerHeap::rise(std::uint32_t hole, Slot slot) noexcept {
  while (hole > 0 && slot.before(slots_[parent(hole)])) {
    put(hole, slots_[parent(hole)]);
    hole = parent(hole);
  }
  put(hole, slot);
}

void TimerHeap::sink(std::uint32_t hole, Slot slot) noexcept {
  while (hole * width + 1 < size_) {
    const std::uint32_t least = least_child(hole);
    if (!slots_[least].before(slot)) break;
    put(hole, slots_[least]);
    hole = least;
  }
  put(hole, slot);
}

// REQUIRES: it has one.
inline std::uint32_t TimerHeap::least_child(std::uint32_t index) const noexcept {
  const std::uint32_t first = index * width + 1;
  const Slot* const slots = slots_.get();
  std::uint32_t least = first;
  if (first + width <= size_) [[likely]] {
    if (slots[first + 1].before(slots[least])) least = first + 1;
    if (slots[first + 2].before(slots[least])) least = first + 2;
    if (slots[first + 3].before(slots[least])) least = first + 3;
    return least;
  }
  for (std::uint32_t child = first + 1; child < size_; ++child) {
    if (slots[child].before(slots[least])) least = child;
  }
  return least;
}

}  // namespace deferred::detail
