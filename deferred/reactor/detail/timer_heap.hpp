// SPDX-License-Identifier: MIT
//
// TimerHeap: deadlines in order, equal ones in the order they were set. A heap of four children a
// node with the keys in the array, so that moving down touches one cache line a level. A removal
// only marks its slot; marked ones are swept out together. Knows nothing of what a timer does. Used
// by reactor.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "deferred/reactor/backend.hpp"

namespace deferred::detail {

/// What stands in the heap; embed it in the timer.
struct TimerEntry {
  static constexpr std::uint32_t idle = UINT32_MAX;
  std::uint32_t index = idle;  // where it stands in the heap
};

class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;

  bool empty() const noexcept { return size_ == removed_; }
  std::size_t size() const noexcept { return size_ - removed_; }
  /// REQUIRES: not empty.
  TimePoint earliest() noexcept {
    drop_removed_first();
    return TimePoint(slots_[0].deadline);
  }
  TimePoint deadline(const TimerEntry& entry) const noexcept {
    return TimePoint(slots_[entry.index].deadline);
  }
  /// How many pushes there have been: later ones have this number or a higher one.
  std::uint64_t pushes() const noexcept { return pushes_; }

  /// The next push() takes no memory, and so cannot fail.
  bool has_room() const noexcept { return size_ != room_; }
  /// Makes room for the next push(), and some more. If it throws, nothing has changed.
  void make_room();
  /// REQUIRES: the entry is idle, and there is room.
  [[gnu::always_inline]] void push(TimerEntry& entry, TimePoint deadline) noexcept {
    const std::uint32_t last = size_++;
    const Slot slot{deadline.time_since_epoch(), pushes_++, &entry};
    if (last != 0) return rise(last, slot);
    slots_[0] = slot;
    entry.index = 0;
  }
  /// REQUIRES: the entry is in the heap.
  [[gnu::always_inline]] void remove(TimerEntry& entry) noexcept {
    const std::uint32_t index = entry.index;
    entry.index = TimerEntry::idle;
    if (index != size_ - 1) return mark(index);
    --size_;
    if (removed_ != 0) [[unlikely]]
      sweep_in_time();
  }
  /// The earliest entry, if its deadline is at most `latest` and it was pushed when there had been
  /// less than `pushes`; else null.
  TimerEntry* first_due(TimePoint latest, std::uint64_t pushes) noexcept {
    if (empty()) return nullptr;
    drop_removed_first();
    const Slot& first = slots_[0];
    return TimePoint(first.deadline) <= latest && first.sequence < pushes ? first.entry : nullptr;
  }
  /// Takes out the earliest entry. REQUIRES: not empty.
  TimerEntry& pop() noexcept {
    drop_removed_first();
    TimerEntry& first = *slots_[0].entry;
    first.index = TimerEntry::idle;
    drop_first();
    return first;
  }
  /// To be called now and then: gives memory back if far more is held than the entries need.
  void tend() noexcept {
    if (room_ > quiet_room) [[unlikely]]
      give_back();
  }

 private:
  struct Slot {
    Duration deadline;  // since the clock's epoch
    std::uint64_t sequence;
    TimerEntry* entry;  // null: removed

    bool before(const Slot& other) const noexcept {
      return deadline != other.deadline ? deadline < other.deadline : sequence < other.sequence;
    }
  };
  static constexpr std::uint32_t width = 4;
  static constexpr std::uint32_t least_room = 16;
  static constexpr std::uint32_t quiet_room = 1024;  // so much may stay in any case
  static std::uint32_t parent(std::uint32_t index) noexcept { return (index - 1) / width; }

  void put(std::uint32_t index, const Slot& slot) noexcept {
    slots_[index] = slot;
    if (slot.entry) slot.entry->index = index;
  }
  void rise(std::uint32_t hole, Slot slot) noexcept;
  void sink(std::uint32_t hole, Slot slot) noexcept;
  void drop_first() noexcept {
    if (--size_ != 0) fill_first();
    if (removed_ != 0) [[unlikely]]
      sweep_in_time();
  }
  void fill_first() noexcept;
  std::uint32_t least_child(std::uint32_t index) const noexcept;
  void drop_removed_first() noexcept {
    while (!slots_[0].entry) [[unlikely]]
      drop_removed();
  }
  void drop_removed() noexcept;
  void mark(std::uint32_t index) noexcept;
  void give_back() noexcept;
  void sweep_in_time() noexcept;
  void sweep() noexcept;
  void move_to(std::unique_ptr<Slot[]> array, std::uint32_t room) noexcept;

  std::unique_ptr<Slot[]> slots_;
  std::uint32_t size_ = 0;     // of them, those that were removed included
  std::uint32_t removed_ = 0;  // no more than half of them
  std::uint32_t room_ = 0;
  std::uint64_t pushes_ = 0;
};

}  // namespace deferred::detail
