// SPDX-License-Identifier: MIT
#include "tests/fuzz/probe.hpp"

#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

using Answer = WaitRecord::Answer;

void note(WaitRecord& record, bool accepted, Answer answer, unsigned number) {
  World::current().note((accepted ? "taken: " : "not taken: ") + std::to_string(number));
  if (!accepted) return;
  ++record.accepted;
  if (record.accepted > 1) World::current().fail("a wait has taken two answers");
  record.answer = answer;
  record.number = number;
}

}  // namespace

void answer(World& world, const Waiter<Item>& waiter, WaitRecord& record, Random& random) {
  const Waiter<Item> kept = waiter;  // what is given away may be its last
  switch (random.below(6)) {
    case 0:
    case 1: {
      Item item = make_result<Item>(world, random);
      const unsigned number = item.number;
      return note(record, kept.resume(std::move(item)), Answer::value, number);
    }
    case 2: {
      const Thrown error = make_error(world);
      return note(record, kept.throw_(error), Answer::error, error.number);
    }
    case 3: {
      Item item = make_result<Item>(world, random);
      const unsigned number = item.number;
      return note(record, kept.fire(std::move(item)), Answer::value, number);
    }
    case 4: {
      const Thrown error = make_error(world);
      return note(record, kept.fire(Failure(error)), Answer::error, error.number);
    }
    default: {
      const bool pending = kept.pending();
      Item item = make_result<Item>(world, random);
      const unsigned number = item.number;
      static_cast<void>(schedule(kept, Duration::zero(), std::move(item)));
      return note(record, pending, Answer::value, number);
    }
  }
}

ProbeUndo::ProbeUndo(Random& random, const WaitRecordPointer& record, Waiter<Item>&& waiter)
    : token_(random, "undo"), record_(record) {
  World& world = World::current();
  if (random.one_in(2)) waiter_ = waiter.weak();
  if (random.one_in(4)) token_.act();
  switch (random.below(9)) {
    case 0:
      answer(world, waiter, *record, random);
      break;
    case 1:
      answer(world, waiter, *record, random);
      answer(world, waiter, *record, random);
      break;
    case 2:
      break;  // dropped
    case 3: {
      const Duration later = std::chrono::milliseconds(1) + world.some_time(random);
      record->answer = Answer::other;
      timer_ = schedule(std::move(waiter), later, make_result<Item>(world, random));
      break;
    }
    case 4:
      record->answer = Answer::other;
      world.remote_waiters.put(std::move(waiter).remote());
      break;
    case 5:
      world.waiters.put({waiter, record});
      world.waiters.put({std::move(waiter), record});
      break;
    case 6:
      world.waiters.put({waiter, record});
      answer(world, waiter, *record, random);
      break;
    default:
      world.waiters.put({std::move(waiter), record});
  }
}

Cancelling ProbeUndo::request_cancel() {
  World& world = World::current();
  Random random(token_.random().next());
  const WaitRecordPointer record = record_;
  const WeakWaiter<Item> waiter = waiter_;
  TaskRef task = waiter.task();
  if (random.one_in(2)) token_.act();  // it may be gone then
  switch (random.below(7)) {
    case 0:
      return Cancelling::answer_follows;
    case 1: {
      const Thrown error = make_error(world);
      note(*record, waiter.throw_(error), Answer::error, error.number);
      return Cancelling::answer_follows;
    }
    case 2: {
      Item item = make_result<Item>(world, random);
      const unsigned number = item.number;
      note(*record, waiter.resume(std::move(item)), Answer::value, number);
      return Cancelling::now;
    }
    case 3:
      throw make_error(world);
    case 4:
      if (task.valid() && random.one_in(3)) task.close();
      return Cancelling::now;
    default:
      return Cancelling::now;
  }
}

ProbeUndo Probe::yield_to(Waiter<Item> waiter) const {
  begins();
  return handle(std::move(waiter), 0);
}

void Probe::begins() const {
  counted_.check();
  if (!record_ || !record_->task) return;
  World& world = World::current();
  world.require(!record_->task->cancelled, "a handler is called in a cancelled task");
  world.require(!record_->task->closed, "a handler is called in a closed task");
}

ProbeUndo Probe::handle(Waiter<Item>&& waiter, std::uint64_t more) const {
  World& world = World::current();
  counted_.check();
  Random random(mixed(seed_, more));
  WaitRecordPointer record = record_;
  if (!record) throw make_error(world);
  if (std::exchange(record->used, true)) record = std::make_shared<WaitRecord>();
  if (random.one_in(8)) {
    record->handler_threw = true;
    if (random.one_in(2)) world.waiters.put({waiter, record});
    if (random.one_in(2)) answer(world, waiter, *record, random);
    throw make_error(world);
  }
  return ProbeUndo(random, record, std::move(waiter));
}

}  // namespace deferred::fuzz
