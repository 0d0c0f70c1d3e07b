// SPDX-License-Identifier: MIT
#include <utility>

#include "tests/fuzz/bodies.hpp"
#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

void keep_spawned(World& world, Spawned<Item>&& spawned, TaskRecordPointer record, Random& random) {
  world.tasks.put({spawned.task(), std::move(record)});
  switch (random.below(3)) {
    case 0:
      return;  // detached
    case 1:
      return world.items.spawned.put(std::move(spawned));
    default: {
      const unsigned id = world.graph.add();
      world.note("it is #" + std::to_string(id));
      world.items.deferreds.put({std::move(spawned).deferred(), id});
    }
  }
}

void spawn_task(World& world, Random& random) {
  if (!world.has_loop()) return;
  TaskRecordPointer record = world.new_task();
  keep_spawned(world, spawn(*world.loop, body(world, random.next(), record, 0)), record, random);
}

void spawn_callable(World& world, Random& random) {
  if (!world.has_loop()) return;
  TaskRecordPointer record = world.new_task();
  auto callable = [&world, record, token = Token(random, "callable")]() mutable {
    return body(world, token.random().next(), record, 1);
  };
  keep_spawned(world, spawn(*world.loop, std::move(callable)), record, random);
}

void spawn_deferred(World& world, Random& random) {
  auto kept = world.items.deferreds.take(random);
  if (!world.has_loop() || !kept || !kept->deferred.valid()) return;
  keep_spawned(world, spawn(*world.loop, std::move(kept->deferred)), world.new_task(), random);
}

void call_coroutine(World& world, Random& random) {
  if (!world.has_loop()) return;
  Deferred<Item> deferred = at_once(*world.loop, world, random.next(), nullptr);
  world.items.deferreds.put({std::move(deferred), world.graph.add()});
}

void call_coroutine_anywhere(World& world, Random& random) {
  Deferred<Item> deferred = at_once(world, random.next(), nullptr);
  world.items.deferreds.put({std::move(deferred), world.graph.add()});
}

void spawned_to_deferred(World& world, Random& random) {
  if (auto spawned = world.items.spawned.take(random)) {
    if (spawned->failed()) world.require(spawned->done(), "a failed microthread is not done");
    world.items.deferreds.put({std::move(*spawned).deferred(), world.graph.add()});
  }
}

void drop_spawned(World& world, Random& random) {
  auto spawned = world.items.spawned.take(random);
  if (!spawned) return;
  if (random.one_in(2)) std::move(*spawned).abandon();
}

void cancel_task(World& world, Random& random) {
  const KeptTask* const kept = world.tasks.any(random);
  if (!kept) return;
  TaskRef task = kept->task;
  if (!task.done()) kept->record->cancelled = true;
  task.cancel();
}

void cancel_task_once(World& world, Random& random) {
  if (const KeptTask* const kept = world.tasks.any(random)) {
    TaskRef task = kept->task;
    task.cancel_once();
  }
}

void close_task(World& world, Random& random) {
  const KeptTask* const kept = world.tasks.any(random);
  if (!kept) return;
  TaskRef task = kept->task;
  const TaskRecordPointer record = kept->record;
  task.close();
  if (world.inside()) return;
  world.require(task.done(), "a closed task is not done");
  record->closed = true;
}

void throw_into_task(World& world, Random& random) {
  if (const KeptTask* const kept = world.tasks.any(random)) {
    TaskRef task = kept->task;
    task.throw_(make_error(world));
  }
}

void look_at_task(World& world, Random& random) {
  const KeptTask* const kept = world.tasks.any(random);
  if (!kept) return;
  TaskRef task = kept->task;
  static_cast<void>(task.where());
  static_cast<void>(task.place());
  if (random.one_in(4)) task.set_name("named");
  if (world.has_loop() && random.one_in(4)) static_cast<void>(world.loop->dump_tasks());
}

void drop_task_ref(World& world, Random& random) { const auto gone = world.tasks.take(random); }

/// A callback that waits for a microthread.
void wait_for_spawned(World& world, Random& random) {
  auto kept = world.items.deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  Deferred<Item> next = std::move(kept->deferred)
                            .add_callback([&world, token = Token(random, "callback")](
                                              Item) mutable -> Deferred<Item> {
                              token.act();
                              Random own(token.random().next());
                              if (auto spawned = world.items.spawned.take(own))
                                return std::move(*spawned);
                              return fail<Item>(make_error(world));
                            });
  world.items.deferreds.put({std::move(next), kept->id});
}

}  // namespace

Operations operations_on_tasks() {
  return {
      {"spawn a task", 12, &spawn_task},
      {"spawn a callable", 4, &spawn_callable},
      {"spawn a deferred", 3, &spawn_deferred},
      {"call a coroutine", 6, &call_coroutine},
      {"call a coroutine anywhere", 3, &call_coroutine_anywhere},
      {"make a deferred of a spawned", 4, &spawned_to_deferred},
      {"drop a spawned", 3, &drop_spawned},
      {"cancel a task", 6, &cancel_task},
      {"cancel a task once", 8, &cancel_task_once},
      {"close a task", 5, &close_task},
      {"throw into a task", 5, &throw_into_task},
      {"look at a task", 1, &look_at_task},
      {"drop a task ref", 2, &drop_task_ref},
      {"wait for a spawned", 3, &wait_for_spawned},
  };
}

}  // namespace deferred::fuzz
