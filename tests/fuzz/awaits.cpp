// SPDX-License-Identifier: MIT
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "tests/fuzz/bodies.hpp"
#include "tests/fuzz/handler_task.hpp"
#include "tests/fuzz/probe.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

Item as_item(Item&& item) { return std::move(item); }
Item as_item(Fragile&& fragile) { return Item(fragile.number); }
Item as_item(const Item& item) { return Item(item.number); }
Item as_item(const Fragile& fragile) { return Item(fragile.number); }
Item as_item(const TaskRef& task) { return Item(static_cast<unsigned>(task.id())); }
template <class T>
Item as_item(std::reference_wrapper<const T> read) {
  return as_item(read.get());
}

template <class Y>
Task<Item> plainly(Y y) {
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    co_await std::move(y);
    co_return Item(0);
  } else {
    co_return as_item(co_await std::move(y));
  }
}
template <class Y>
Task<Item> as_told(Y y) {
  auto quiet = as_outcome(std::move(y));
  auto outcome = co_await std::move(quiet);
  if (!outcome.has_value()) co_return outcome.failure();
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    co_return Item(0);
  } else {
    co_return as_item(*std::move(outcome));
  }
}
template <class Y>
Task<Item> as_value(Y y) {
  Value value(std::move(y));
  Value got = co_await std::move(value);
  if constexpr (std::is_void_v<AwaitedResult<Y>>) {
    co_return Item(0);
  } else {
    co_return as_item(std::move(got.as<std::decay_t<AwaitedResult<Y>>>()));
  }
}

/// Awaits y, with what may stand around it.
template <class Y>
Task<Item> decorated(World& world, Random& random, Y y) {
  const Duration limit = world.some_time(random);
  switch (random.below(8)) {
    case 0:
      return plainly(with_timeout(limit, std::move(y)));
    case 1:
      return as_told(std::move(y));
    case 2:
      return as_told(with_timeout(limit, std::move(y)));
    case 3:
      return plainly(with_timeout(limit, with_timeout(world.some_time(random), std::move(y))));
    case 4:
      return as_value(std::move(y));
    default:
      return plainly(std::move(y));
  }
}

/// Compares what a Probe was answered with to what comes of the await.
Task<Item> compared(World& world, WaitRecordPointer record, Task<Item> await) {
  using Answer = WaitRecord::Answer;
  Outcome<Item> outcome = co_await as_outcome(std::move(await));
  const bool valued = record->answer == Answer::value && !record->handler_threw;
  const bool failed = record->answer == Answer::error && !record->handler_threw;
  if (outcome.has_value()) {
    world.require(record->answer == Answer::other || (valued && record->number == outcome->number),
                  "an await gives a value that was no answer");
    co_return *std::move(outcome);
  }
  if (outcome.check<NoReactorError>()) co_return outcome.failure();  // a decorator around threw
  world.require(!valued, "an answer that was taken is not given");
  const Thrown* const error = outcome.check<Thrown>();
  world.require(!failed || (error && error->number == record->number),
                "an error that was taken as the answer is not given");
  co_return outcome.failure();
}

template <class T>
Task<Item> await_deferred(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return plainly(Pause{});
  return decorated(world, random, std::move(kept->deferred));
}

/// What is read lives as long as one of the handles.
template <class T>
Task<Item> with_handle(SharedDeferred<T>, Task<Item> await) {
  co_return co_await std::move(await);
}

template <class T>
Task<Item> await_shared(World& world, Random& random) {
  const KeptShared<T>* const kept = world.results<T>().shared.any(random);
  if (!kept) return plainly(Pause{});
  const SharedDeferred<T> shared = kept->shared;
  return with_handle(shared, decorated(world, random, SharedDeferred<T>(shared)));
}

Task<Item> await_reply(World& world, std::uint64_t seed) {
  Random random(seed);
  Reply<Item> reply;
  for (unsigned senders = random.below(3); senders != 0; --senders) {
    world.senders.put(reply.send());
  }
  if (random.one_in(3)) world.act(random.next(), 1);
  if (random.one_in(2)) {
    auto limited = with_timeout(world.some_time(random), reply);
    co_return co_await std::move(limited);
  }
  co_return co_await reply;
}

Task<Item> await_timer(World& world, std::uint64_t seed) {
  Random random(seed);
  Timer timer(std::chrono::milliseconds(1 + random.below(3)));
  unsigned last = 0;
  for (unsigned ticks = 1 + random.below(3); ticks != 0; --ticks) {
    last = static_cast<unsigned>(co_await timer);
    if (random.one_in(2)) world.act(random.next(), 1);
  }
  co_return Item(last);
}

Task<Item> await_value(World& world, std::uint64_t seed) {
  Random random(seed);
  Value value;
  if (auto kept = world.values.take(random)) {
    value = std::move(*kept);
  } else {
    value = Value(static_cast<int>(random.below(10)));  // which only the registry may know
  }
  const Value got = co_await std::move(value);
  co_return Item(0);
}

Task<Item> await_object(World& world, std::uint64_t seed) {
  Random random(seed);
  Probe& object = world.objects[random.below(4)];
  object.expect(random.next(), std::make_shared<WaitRecord>());  // others may await it too
  const bool by_pointer = random.one_in(3);
  if (by_pointer) {
    Value value(&object);
    Value got = co_await std::move(value);
    co_return Item(got.as<Item>().number);
  }
  co_return co_await object;
}

}  // namespace

Task<Item> some_await(World& world, std::uint64_t seed, TaskRecordPointer self, unsigned depth) {
  Random random(seed);
  switch (random.below(18)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      const auto record = std::make_shared<WaitRecord>();
      record->task = std::move(self);
      Probe probe(random.next(), record);
      return compared(world, record, decorated(world, random, std::move(probe)));
    }
    case 4:
      return decorated(world, random, Pause{});
    case 5:
      return decorated(world, random, Pause{world.some_time(random)});
    case 6:
    case 7:
      return await_deferred<Item>(world, random);
    case 8:
      return await_deferred<Fragile>(world, random);
    case 9:
      return await_shared<Item>(world, random);
    case 10:
      return await_shared<Fragile>(world, random);
    case 11:
      if (auto spawned = world.items.spawned.take(random)) {
        return decorated(world, random, std::move(*spawned));
      }
      return plainly(current_task);
    case 12:
      return await_reply(world, random.next());
    case 13:
      return await_timer(world, random.next());
    case 14:
      return await_value(world, random.next());
    case 15:
      return await_object(world, random.next());
    case 16:
      if (depth < 3) {
        return decorated(world, random, body(world, random.next(), std::move(self), depth + 1));
      }
      return plainly(cancel_point);
    default:
      return decorated(world, random, HandlerTask(world, random.next(), std::move(self)));
  }
}

}  // namespace deferred::fuzz
