// SPDX-License-Identifier: MIT
//
// TimerHeap: deadlines in order, equal ones in the order they were set. A heap of four children a
// node with the keys in the array, so that moving down touches one cache line a level. Knows
// nothing of what a timer does. Used by reactor.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "deferred/backend.hpp"

namespace deferred {

/// What stands in the heap; embed it in the timer.
struct TimerEntry {
  static constexpr std::uint32_t idle = UINT32_MAX;
  std::uint32_t index = idle;  // where it stands in the heap
};

class TimerHeap {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }
  /// REQUIRES: not empty.
  TimePoint earliest() const noexcept { return slots_[0].deadline; }
  TimePoint deadline(const TimerEntry& entry) const noexcept {
    return slots_[entry.index].deadline;
  }

  /// The next push() takes no memory.
  bool has_room() const noexcept { return size_ != room_; }
  void reserve(std::size_t entries) {
    if (entries <= room_) return;
    auto larger = std::make_unique_for_overwrite<Slot[]>(entries);
    std::copy_n(slots_.get(), size_, larger.get());
    slots_ = std::move(larger);
    room_ = static_cast<std::uint32_t>(entries);
  }

  /// REQUIRES: the entry is idle.
  [[gnu::always_inline]] void push(TimerEntry& entry, TimePoint deadline) {
    if (!has_room()) [[unlikely]]
      reserve(2 * size() + 16);
    const std::uint32_t last = size_++;
    const Slot slot{deadline, next_sequence_++, &entry};
    if (last != 0) return rise(last, slot);
    slots_[0] = slot;
    entry.index = 0;
  }
  /// REQUIRES: the entry is in the heap.
  [[gnu::always_inline]] void remove(TimerEntry& entry) noexcept {
    const std::uint32_t hole = entry.index;
    entry.index = TimerEntry::idle;
    if (hole != --size_) fill(hole);
  }
  /// Takes out the earliest entry. REQUIRES: not empty.
  TimerEntry& pop() noexcept {
    TimerEntry& first = *slots_[0].entry;
    remove(first);
    return first;
  }

 private:
  struct Slot {
    TimePoint deadline;
    std::uint64_t sequence;
    TimerEntry* entry;

    bool before(const Slot& other) const noexcept {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };
  static constexpr std::size_t width = 4;
  static std::size_t parent(std::size_t index) noexcept { return (index - 1) / width; }

  void put(std::size_t index, const Slot& slot) noexcept {
    slots_[index] = slot;
    slot.entry->index = static_cast<std::uint32_t>(index);
  }
  /// With the one that was the last.
  [[gnu::noinline]] void fill(std::size_t hole) noexcept {
    const Slot last = slots_[size_];
    if (hole > 0 && last.before(slots_[parent(hole)])) {
      rise(hole, last);
    } else {
      sink(hole, last);
    }
  }
  [[gnu::noinline]] void rise(std::size_t hole, Slot slot) noexcept {
    while (hole > 0 && slot.before(slots_[parent(hole)])) {
      put(hole, slots_[parent(hole)]);
      hole = parent(hole);
    }
    put(hole, slot);
  }
  void sink(std::size_t hole, Slot slot) noexcept {
    for (;;) {
      const std::size_t first = hole * width + 1;
      if (first >= size_) break;
      const std::size_t end = first + width < size_ ? first + width : size_;
      std::size_t least = first;
      for (std::size_t child = first + 1; child < end; ++child) {
        if (slots_[child].before(slots_[least])) least = child;
      }
      if (!slots_[least].before(slot)) break;
      put(hole, slots_[least]);
      hole = least;
    }
    put(hole, slot);
  }

  std::unique_ptr<Slot[]> slots_;
  std::uint32_t size_ = 0;
  std::uint32_t room_ = 0;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace deferred
