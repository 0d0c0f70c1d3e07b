// SPDX-License-Identifier: MIT
#include <utility>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/probe.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

void answer_one(World& world, Random& random) {
  if (random.one_in(4)) {
    const KeptWaiter* const kept = world.waiters.any(random);
    if (!kept) return;
    const WaitRecordPointer record = kept->record;
    return answer(world, kept->waiter, *record, random);
  }
  if (const auto kept = world.waiters.take(random)) {
    answer(world, kept->waiter, *kept->record, random);
  }
}

void drop_waiter(World& world, Random& random) { const auto gone = world.waiters.take(random); }

void make_remote(World& world, Random& random) {
  auto kept = world.waiters.take(random);
  if (!kept) return;
  if (kept->record->answer == WaitRecord::Answer::none) {
    kept->record->answer = WaitRecord::Answer::other;
  }
  world.remote_waiters.put(RemoteWaiter<Item>(std::move(kept->waiter)));
}

void answer_remote(World& world, Random& random) {
  const auto remote = world.remote_waiters.take(random);
  if (!remote) return;
  if (random.one_in(2)) {
    std::move(*remote).resume(make_result<Item>(world, random));
  } else {
    std::move(*remote).throw_(make_error(world));
  }
}

void drop_remote(World& world, Random& random) {
  const auto gone = world.remote_waiters.take(random);
}

void answer_reply(World& world, Random& random) {
  const ReplySender<Item>* const sender = world.senders.any(random);
  if (!sender) return;
  const ReplySender<Item> kept = *sender;
  if (random.one_in(3)) {
    kept.throw_(make_error(world));
  } else {
    kept(make_result<Item>(world, random));
  }
}

void drop_sender(World& world, Random& random) { const auto gone = world.senders.take(random); }

/// A Value of something, for a later await.
void keep_value(World& world, Random& random) {
  switch (random.below(4)) {
    case 0:
      return world.values.put(Value(Pause{world.some_time(random)}));
    case 1:
      if (auto kept = world.items.deferreds.take(random)) {
        world.values.put(Value(std::move(kept->deferred)));
      }
      return;
    case 2:
      return world.values.put(Value(&world.objects[random.below(4)]));
    default:
      return world.values.put(Value(Token(random, "in a value")));
  }
}

void drop_value(World& world, Random& random) { const auto gone = world.values.take(random); }

}  // namespace

Operations operations_on_waits() {
  return {
      {"answer", 14, &answer_one},
      {"drop a waiter", 4, &drop_waiter},
      {"make a remote waiter", 2, &make_remote},
      {"answer a remote waiter", 4, &answer_remote},
      {"drop a remote waiter", 1, &drop_remote},
      {"answer a reply", 4, &answer_reply},
      {"drop a sender", 2, &drop_sender},
      {"keep a value", 2, &keep_value},
      {"drop a value", 1, &drop_value},
  };
}

}  // namespace deferred::fuzz
