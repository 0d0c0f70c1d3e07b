// SPDX-License-Identifier: MIT
#include <memory>
#include <utility>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

/// Adds one callback of any kind, and keeps what is given.
template <class T>
void add(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  Deferred<T> deferred = std::move(kept->deferred);
  const unsigned id = kept->id;
  kept.reset();
  Token token(random, "callback");
  const unsigned kind = random.below(9);
  world.note("to #" + std::to_string(id) + ", kind " + std::to_string(kind));
  switch (kind) {
    case 0:
      deferred = std::move(deferred).add_callback([token = std::move(token)](T value) mutable {
        value.counted.check();
        token.act();
        return value;
      });
      break;
    case 1:
      deferred =
          std::move(deferred).add_callback([&world, token = std::move(token)](T) mutable -> T {
            token.act();
            throw make_error(world);
          });
      break;
    case 2:
    case 3:
      deferred =
          std::move(deferred).add_callback([&world, id, token = std::move(token)](T) mutable {
            token.act();
            Random own(token.random().next());
            return some_deferred<T>(world, own, id);
          });
      break;
    case 4:
      deferred =
          std::move(deferred).add_errback([token = std::move(token)](const Failure& error) mutable {
            token.act();
            return Outcome<T>(error);
          });
      break;
    case 5:
      deferred = std::move(deferred).add_errback(
          [&world, id, token = std::move(token)](const Thrown& error) mutable {
            error.counted.check();
            token.act();
            Random own(token.random().next());
            return some_deferred<T>(world, own, id);
          });
      break;
    case 6:
      deferred =
          std::move(deferred).add_both([due = Due("callback of both"), token = std::move(token)](
                                           Outcome<T>&& outcome) mutable -> Outcome<T> {
            due.called();
            token.act();
            return std::move(outcome);
          });
      break;
    case 7:
      deferred = std::move(deferred)
                     .add_callback([token = std::move(token)](const T& value) mutable {
                       value.counted.check();
                       token.act();
                     })
                     .add_callback([&world, more = Token(random, "callback")]() mutable {
                       Random own(more.random().next());
                       return make_result<T>(world, own);
                     });
      break;
    default:
      deferred = std::move(deferred).add_callbacks(
          [&world, token = std::move(token)](T&&) mutable {
            token.act();
            Random own(token.random().next());
            return make_result<T>(world, own);
          },
          [&world, more = Token(random, "callback")](const Failure&) mutable {
            more.act();
            Random own(more.random().next());
            return make_result<T>(world, own);
          });
  }
  world.results<T>().deferreds.put({std::move(deferred), id});
}

/// A callback that owns a Promise, and fires or drops it.
template <class T>
void add_owner(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  const unsigned id = kept->id;
  Deferred<T> deferred = std::move(kept->deferred);
  kept.reset();
  auto [promise, owned] = make_deferred<Item>();
  const unsigned owned_id = world.graph.add();
  world.note("to #" + std::to_string(id) + ", it owns #" + std::to_string(owned_id));
  const auto place = std::make_shared<Promise<Item>>(std::move(promise));
  const auto fired = std::make_shared<Fired>();
  deferred = std::move(deferred).add_callback([&world, loot = world.loot_of(place),
                                               held = std::weak_ptr<Promise<Item>>(place), fired,
                                               token = Token(random, "callback")](T value) mutable {
    Random own(token.random().next());
    token.act();
    if (const auto alive = held.lock(); alive && alive->valid() && !own.one_in(4)) {
      fire(world, *alive, *fired, own);
    }
    return value;
  });
  world.items.deferreds.put({std::move(owned), owned_id});
  world.results<T>().deferreds.put({std::move(deferred), id});
}

template <class T>
void chain(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  auto next = world.results<T>().promises.take(random);
  if (!kept || !kept->deferred.valid() || !next || !next->promise->valid()) return;
  if (!world.graph.may_wait(next->id, kept->id)) return;
  world.note("#" + std::to_string(next->id) + " waits for #" + std::to_string(kept->id));
  world.graph.add_edge(next->id, kept->id, true);
  next->fired->by_other = true;
  std::move(kept->deferred).chain(std::move(*next->promise));
}

template <class T>
void pause_for_a_moment(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  kept->deferred.pause();
  world.act(random.next(), 2);
  kept->deferred.unpause();
  world.results<T>().deferreds.put(std::move(*kept));
}

template <class T>
void pause(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  world.note("#" + std::to_string(kept->id));
  kept->deferred.pause();
  world.results<T>().paused.put(std::move(*kept));
}

template <class T>
void unpause(World& world, Random& random) {
  auto kept = world.results<T>().paused.take(random);
  if (!kept) return;
  if (random.one_in(6)) return;  // dropped as it is
  kept->deferred.unpause();
  world.results<T>().deferreds.put(std::move(*kept));
}

template <class T>
void pause_promise(World& world, Random& random) {
  auto kept = world.results<T>().promises.take(random);
  if (!kept || !kept->promise->valid() || world.results<T>().paused_promises.size() > 16) return;
  // In a place that its canceller does not know: nobody else could unpause it.
  world.note("#" + std::to_string(kept->id));
  kept->promise = std::make_shared<Promise<T>>(std::move(*kept->promise));
  kept->promise->pause();
  if (random.one_in(2) && !kept->promise->fired()) {
    fire(world, *kept->promise, *kept->fired, random);
  }
  world.results<T>().paused_promises.put(std::move(*kept));
}

template <class T>
void unpause_promise(World& world, Random& random) {
  auto kept = world.results<T>().paused_promises.take(random);
  if (!kept || !kept->promise->valid()) return;
  kept->promise->unpause();
  world.results<T>().promises.put(std::move(*kept));
}

}  // namespace

Operations operations_on_chains() {
  return {
      {"add", 16, &add<Item>},
      {"add to fragile", 8, &add<Fragile>},
      {"add an owner", 4, &add_owner<Item>},
      {"add an owner to fragile", 2, &add_owner<Fragile>},
      {"chain", 6, &chain<Item>},
      {"chain fragile", 3, &chain<Fragile>},
      {"pause for a moment", 2, &pause_for_a_moment<Item>},
      {"pause", 2, &pause<Item>},
      {"pause fragile", 1, &pause<Fragile>},
      {"unpause", 4, &unpause<Item>},
      {"unpause fragile", 2, &unpause<Fragile>},
      {"pause a promise", 2, &pause_promise<Item>},
      {"unpause a promise", 4, &unpause_promise<Item>},
  };
}

}  // namespace deferred::fuzz
