// SPDX-License-Identifier: MIT
// TimerHeap alone, against a sorted reference.
#include "deferred/reactor/detail/timer_heap.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

using namespace deferred;
using deferred::detail::TimerEntry;
using deferred::detail::TimerHeap;

namespace {

TimePoint at(std::int64_t nanoseconds) { return TimePoint(Duration(nanoseconds)); }

void push(TimerHeap& heap, TimerEntry& entry, TimePoint deadline) {
  if (!heap.has_room()) heap.make_room();
  heap.push(entry, deadline);
}

}  // namespace

TEST_CASE("the earliest entry is popped first, and equal ones in the order of their pushes") {
  TimerHeap heap;
  TimerEntry entries[5];
  const int deadlines[] = {3, 1, 2, 1, 3};
  for (int i = 0; i < 5; ++i) push(heap, entries[i], at(deadlines[i]));

  std::vector<long> order;
  while (!heap.empty()) order.push_back(&heap.pop() - entries);

  CHECK(order == std::vector<long>{1, 3, 2, 0, 4});
}

TEST_CASE("an entry is idle before its push, after its removal and after its pop") {
  TimerHeap heap;
  TimerEntry entry;
  CHECK(entry.index == TimerEntry::idle);

  push(heap, entry, at(1));
  CHECK(entry.index == 0);
  heap.remove(entry);
  CHECK(entry.index == TimerEntry::idle);
  push(heap, entry, at(2));
  heap.pop();

  CHECK(entry.index == TimerEntry::idle);
  CHECK(heap.empty());
}

TEST_CASE("what was removed is not counted, not the earliest, and never popped") {
  TimerHeap heap;
  TimerEntry entries[5];
  for (int i = 0; i < 5; ++i) push(heap, entries[i], at(i));

  heap.remove(entries[0]);
  heap.remove(entries[1]);

  CHECK(heap.size() == 3);
  CHECK(heap.earliest() == at(2));
  CHECK(&heap.pop() == &entries[2]);
}

TEST_CASE("a heap whose entries were all removed is empty, and can be filled again") {
  TimerHeap heap;
  TimerEntry entries[3];
  for (int i : {0, 1, 2}) push(heap, entries[i], at(i));
  for (int i : {0, 2, 1}) heap.remove(entries[i]);
  CHECK(heap.empty());

  push(heap, entries[1], at(7));

  CHECK(heap.size() == 1);
  CHECK(heap.earliest() == at(7));
}

TEST_CASE("only an entry that is due, and was pushed early enough, is the first due") {
  TimerHeap heap;
  TimerEntry first, second;
  push(heap, first, at(5));
  const std::uint64_t pushes = heap.pushes();
  push(heap, second, at(5));

  CHECK(heap.first_due(at(4), heap.pushes()) == nullptr);
  CHECK(heap.first_due(at(5), pushes) == &first);
  heap.pop();

  CHECK(heap.first_due(at(5), pushes) == nullptr);
  CHECK(heap.first_due(at(5), heap.pushes()) == &second);
}

TEST_CASE("after a million random pushes, removals and pops it agrees with a sorted map") {
  std::mt19937 random(20'26);
  TimerHeap heap;
  using Key = std::pair<TimePoint, std::uint64_t>;
  std::map<Key, TimerEntry*> reference;
  struct Known : TimerEntry {
    Key key;
  };
  std::vector<std::unique_ptr<Known>> entries;
  for (int i = 0; i < 3000; ++i) entries.push_back(std::make_unique<Known>());
  std::uint64_t sequence = 0;
  bool agrees = true;

  for (int step = 0; step < 1'000'000 && agrees; ++step) {
    Known& entry = *entries[random() % entries.size()];
    // Between growing and shrinking, so that it is walked through at every size.
    const bool growing = (step / 20'000) % 2 == 0;
    if (entry.index == TimerEntry::idle) {
      if (!growing && random() % 4 != 0) continue;
      entry.key = {at(random() % 64), ++sequence};  // few deadlines: many are equal
      push(heap, entry, entry.key.first);
      reference.emplace(entry.key, &entry);
    } else if (random() % 2 == 0) {
      agrees = heap.deadline(entry) == entry.key.first;
      heap.remove(entry);
      reference.erase(entry.key);
    } else if (!growing) {
      agrees = heap.earliest() == reference.begin()->first.first &&
               &heap.pop() == reference.begin()->second;
      reference.erase(reference.begin());
    }
    agrees = agrees && heap.size() == reference.size();
  }
  CHECK(agrees);
  while (agrees && !reference.empty()) {
    agrees = &heap.pop() == reference.begin()->second;
    reference.erase(reference.begin());
  }

  CHECK(agrees);
  CHECK(heap.empty());
}
