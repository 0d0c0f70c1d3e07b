// SPDX-License-Identifier: MIT
//
// Making results, errors and Deferreds of all sorts: for the operations, and for coroutines.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tests/fuzz/world.hpp"

namespace deferred::fuzz {

template <class T>
T make_result(World& world, Random& random) {
  if constexpr (std::is_same_v<T, Item>) {
    return Item(world.number());
  } else {
    return Fragile(world.number(), random.one_in(3) ? 1 + random.below(6) : 0);
  }
}
inline Thrown make_error(World& world) { return Thrown(world.number()); }

/// The first callback of a Deferred: it sees what was fired, or why not.
template <class T>
Deferred<T> watched(World& world, Deferred<T> deferred, std::shared_ptr<Fired> fired) {
  return std::move(deferred).add_both(
      [&world, fired = std::move(fired),
       due = Due("first callback")](Outcome<T>&& outcome) mutable -> Outcome<T> {
        due.called();
        if (outcome.has_value()) {
          outcome->counted.check();
          world.require(fired->by_other || (fired->by_value && fired->number == outcome->number),
                        "a Deferred has a value that nobody fired");
        } else if (const Thrown* const error = outcome.template check<Thrown>()) {
          error->counted.check();
        } else {
          world.require(!fired->by_canceller || !outcome.template check<AbandonedError>(),
                        "what its canceller dropped is abandoned, not cancelled");
        }
        return std::move(outcome);
      });
}

/// Keeps the two ends of one.
template <class T>
unsigned keep(World& world, std::pair<Promise<T>, Deferred<T>>&& ends, Random& random,
              std::shared_ptr<Promise<T>> place = nullptr,
              std::shared_ptr<Fired> fired = std::make_shared<Fired>()) {
  const unsigned id = world.graph.add();
  if (!place) place = std::make_shared<Promise<T>>();
  *place = std::move(ends.first);
  const bool look = random.one_in(2);
  Deferred<T> deferred =
      look ? watched(world, std::move(ends.second), fired) : std::move(ends.second);
  world.note("it is #" + std::to_string(id));
  world.results<T>().promises.put({std::move(place), std::move(fired), id});
  world.results<T>().deferreds.put({std::move(deferred), id});
  return id;
}

/// Fires a Promise in one of all ways. It may be gone afterwards.
template <class T>
void fire(World& world, Promise<T>& promise, Fired& fired, Random& random) {
  T value = make_result<T>(world, random);
  if (!promise.valid()) return;
  const bool first = !promise.fired();
  const unsigned how = random.below(6);
  if (first && (how < 2 || how == 5)) {
    fired.by_value = true;
    fired.number = value.number;
  }
  switch (how) {
    case 0:
      return promise.callback(std::move(value));
    case 1:
      return promise.fire(Outcome<T>(std::move(value)));
    case 2:
      return promise.errback(make_error(world));
    case 3:
      return promise.fire(Outcome<T>(Failure(make_error(world))));
    case 4:
      try {
        throw make_error(world);
      } catch (const Thrown&) {
        return promise.errback_current();
      }
    default:
      return promise.callback(std::move(value));
  }
}

/// A Deferred that came from somewhere: fired or not, or somebody else's. `owner` may wait for it.
template <class T>
Deferred<T> some_deferred(World& world, Random& random, unsigned owner) {
  switch (random.below(6)) {
    case 0:
      return succeed(make_result<T>(world, random));
    case 1:
      return fail<T>(make_error(world));
    case 2: {
      auto [promise, deferred] = make_deferred<T>();
      const unsigned id = world.graph.add();
      world.note("#" + std::to_string(owner) + " waits for the new #" + std::to_string(id));
      world.graph.add_edge(owner, id, true);
      world.results<T>().promises.put(
          {std::make_shared<Promise<T>>(std::move(promise)), std::make_shared<Fired>(), id});
      return std::move(deferred);
    }
    default: {
      auto kept = world.results<T>().deferreds.take(random);
      if (!kept || !kept->deferred.valid() || !world.graph.may_wait(owner, kept->id)) {
        if (kept) world.results<T>().deferreds.put(std::move(*kept));
        return succeed(make_result<T>(world, random));
      }
      world.note("#" + std::to_string(owner) + " waits for #" + std::to_string(kept->id));
      world.graph.add_edge(owner, kept->id, true);
      return std::move(kept->deferred);
    }
  }
}

/// Names an outcome, to compare two.
template <class T>
std::string told(const Outcome<T>& outcome) {
  if (outcome.has_value()) return "value " + std::to_string(outcome->number);
  if (const Thrown* const error = outcome.template check<Thrown>()) {
    return "error " + std::to_string(error->number);
  }
  return outcome.failure().type_name();
}

}  // namespace deferred::fuzz
