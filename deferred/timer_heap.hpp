// SPDX-License-Identifier: MIT
//
// TimerHeap: deadlines in order, equal ones in the order they were set. A heap of four children a
// node with the keys in the array, so that moving down touches one cache line a level. Knows
// nothing of what a timer does. Used by reactor.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "deferred/backend.hpp"

namespace deferred {

/// What stands in the heap; embed it in the timer.
struct TimerEntry {
  static constexpr std::uint32_t idle = UINT32_MAX;
  std::uint32_t index = idle;  // where it stands in the heap
};

class TimerHeap {
 public:
  bool empty() const noexcept { return slots_.empty(); }
  std::size_t size() const noexcept { return slots_.size(); }
  /// REQUIRES: not empty.
  TimePoint earliest() const noexcept { return slots_.front().deadline; }
  TimePoint deadline(const TimerEntry& entry) const noexcept {
    return slots_[entry.index].deadline;
  }

  /// The next push() takes no memory.
  bool has_room() const noexcept { return slots_.size() != slots_.capacity(); }
  void reserve(std::size_t entries) { slots_.reserve(entries); }

  /// REQUIRES: the entry is idle.
  void push(TimerEntry& entry, TimePoint deadline) {
    const Slot slot{deadline, next_sequence_, &entry};
    slots_.push_back(slot);
    ++next_sequence_;
    const std::size_t last = slots_.size() - 1;
    if (last == 0) {
      entry.index = 0;
    } else {
      rise(last, slot);
    }
  }
  /// REQUIRES: the entry is in the heap.
  void remove(TimerEntry& entry) noexcept {
    const std::size_t hole = entry.index;
    entry.index = TimerEntry::idle;
    const Slot last = slots_.back();
    slots_.pop_back();
    if (hole == slots_.size()) return;
    if (hole > 0 && last.before(slots_[parent(hole)])) {
      rise(hole, last);
    } else {
      sink(hole, last);
    }
  }
  /// Takes out the earliest entry. REQUIRES: not empty.
  TimerEntry& pop() noexcept {
    TimerEntry& first = *slots_.front().entry;
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
  void rise(std::size_t hole, Slot slot) noexcept {
    while (hole > 0 && slot.before(slots_[parent(hole)])) {
      put(hole, slots_[parent(hole)]);
      hole = parent(hole);
    }
    put(hole, slot);
  }
  void sink(std::size_t hole, Slot slot) noexcept {
    for (;;) {
      const std::size_t first = hole * width + 1;
      if (first >= slots_.size()) break;
      const std::size_t end = first + width < slots_.size() ? first + width : slots_.size();
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

  std::vector<Slot> slots_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace deferred
