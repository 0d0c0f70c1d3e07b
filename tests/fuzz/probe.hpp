// SPDX-License-Identifier: MIT
//
// Probe: a yieldable of any behaviour. Its handler, its undo, and who has its Waiter do what is
// random; what they answer is noted in a WaitRecord, and whoever awaited compares.
#pragma once

#include <memory>
#include <utility>

#include "tests/fuzz/world.hpp"

namespace deferred::fuzz {

/// Answers in one of all ways, and notes what was accepted.
void answer(World& world, const Waiter<Item>& waiter, WaitRecord& record, Random& random);

/// What a Probe's handler leaves, and does: acts at its end, and when it is asked to cancel.
class ProbeUndo {
 public:
  ProbeUndo(Random& random, const WaitRecordPointer& record, Waiter<Item>&& waiter);
  ProbeUndo(const ProbeUndo&) = delete;
  ProbeUndo& operator=(const ProbeUndo&) = delete;
  ~ProbeUndo() = default;

  Cancelling request_cancel();

 private:
  Token token_;
  WaitRecordPointer record_;
  WeakWaiter<Item> waiter_;
  DelayedCall timer_;
};

class Probe {
 public:
  Probe() : Probe(0, nullptr) {}
  Probe(std::uint64_t seed, WaitRecordPointer record)
      : seed_(seed), record_(std::move(record)), counted_("Probe") {}

  ProbeUndo yield_to(Waiter<Item> waiter) const;
  /// To be called first in each handler: may it be called?
  void begins() const;
  /// The rest of the handler, whoever calls it.
  ProbeUndo handle(Waiter<Item>&& waiter, std::uint64_t more) const;
  /// Of one that can be awaited more often: what comes next.
  void expect(std::uint64_t seed, WaitRecordPointer record) {
    seed_ = seed;
    record_ = std::move(record);
  }

 private:
  std::uint64_t seed_;
  WaitRecordPointer record_;
  Counted counted_;
};

}  // namespace deferred::fuzz
