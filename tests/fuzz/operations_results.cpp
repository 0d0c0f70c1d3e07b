// SPDX-License-Identifier: MIT
#include <memory>
#include <utility>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

/// A canceller of any behaviour.
template <class T>
struct Asked {
  World& world;
  Token token;
  std::weak_ptr<Promise<T>> promise;
  std::shared_ptr<Fired> fired;
  unsigned kind;

  Cancelling operator()() {
    Random random(token.random().next());
    if (random.one_in(2)) token.act();
    const std::shared_ptr<Promise<T>> held = promise.lock();
    switch (kind) {
      case 0:
        return Cancelling::answer_follows;
      case 1:
        if (held && held->valid()) fire(world, *held, *fired, random);
        return Cancelling::now;
      case 2:
        if (held && held->valid()) {
          fired->by_canceller = !held->fired();
          const Promise<T> gone = std::move(*held);
        }
        return random.one_in(2) ? Cancelling::now : Cancelling::answer_follows;
      case 3:
        throw make_error(world);
      case 4:
        return random.one_in(2) ? Cancelling::now : Cancelling::answer_follows;
      default:
        return Cancelling::now;
    }
  }
};

/// One that is given its Promise.
template <class T>
struct AskedWithPromise {
  World& world;
  Token token;
  std::shared_ptr<Fired> fired;

  void operator()(Promise<T>& promise) {
    Random random(token.random().next());
    token.act();
    if (random.one_in(3)) return;
    if (random.one_in(2)) return fire(world, promise, *fired, random);
    if (random.one_in(4)) throw make_error(world);
  }
};

template <class T>
void make(World& world, Random& random) {
  keep(world, make_deferred<T>(), random);
}

template <class T>
void make_with_canceller(World& world, Random& random) {
  const auto place = std::make_shared<Promise<T>>();
  const auto fired = std::make_shared<Fired>();
  keep(world,
       make_deferred<T>(Asked<T>{world, Token(random, "canceller"), place, fired, random.below(7)}),
       random, place, fired);
}

template <class T>
void make_with_given_promise(World& world, Random& random) {
  const auto fired = std::make_shared<Fired>();
  keep(world, make_deferred<T>(AskedWithPromise<T>{world, Token(random, "canceller"), fired}),
       random, std::shared_ptr<Promise<T>>(), fired);
}

template <class T>
void make_ready(World& world, Random& random) {
  const unsigned id = world.graph.add();
  world.results<T>().deferreds.put(
      {random.one_in(2) ? succeed(make_result<T>(world, random)) : fail<T>(make_error(world)), id});
}

template <class T>
void fire_one(World& world, Random& random) {
  auto& promises = world.results<T>().promises;
  if (random.one_in(4)) {  // which stays among the others meanwhile
    if (KeptPromise<T>* const kept = promises.any(random)) {
      const std::shared_ptr<Fired> fired = kept->fired;
      fire(world, *kept->promise, *fired, random);
    }
  } else if (auto kept = promises.take(random)) {
    world.note("#" + std::to_string(kept->id));
    fire(world, *kept->promise, *kept->fired, random);
  }
}

template <class T>
void drop_promise(World& world, Random& random) {
  const auto gone = world.results<T>().promises.take(random);
  if (gone) world.note("#" + std::to_string(gone->id));
}

template <class T>
void ask_promise(World& world, Random& random) {
  const KeptPromise<T>* const kept = world.results<T>().promises.any(random);
  if (!kept) return;
  const Promise<T>& promise = *kept->promise;
  if (promise.wanted()) world.require(!promise.fired(), "a fired Promise is wanted");
}

template <class T>
void cancel(World& world, Random& random) {
  if (KeptDeferred<T>* const kept = world.results<T>().deferreds.any(random)) {
    world.note("#" + std::to_string(kept->id));
    kept->deferred.cancel();
  }
}

template <class T>
void cancel_paused(World& world, Random& random) {
  if (KeptDeferred<T>* const kept = world.results<T>().paused.any(random)) kept->deferred.cancel();
}

template <class T>
void drop_deferred(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  switch (random.below(3)) {
    case 0:
      return std::move(kept->deferred).detach();
    case 1:
      return std::move(kept->deferred).abandon();
    default:
      return;
  }
}

template <class T>
void take_result(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept) return;
  static_cast<void>(kept->deferred.describe());
  if (!kept->deferred.has_result()) return world.results<T>().deferreds.put(std::move(*kept));
  const Outcome<T> outcome = std::move(kept->deferred).result();
  if (outcome.has_value()) outcome->counted.check();
}

template <class T>
void call_as_deferred(World& world, Random& random) {
  const unsigned id = world.graph.add();
  Token token(random, "callback");
  Deferred<T> deferred = maybe_deferred([&]() -> Outcome<T> {
    token.act();
    if (random.one_in(3)) throw make_error(world);
    if (random.one_in(3)) return Failure(make_error(world));
    return make_result<T>(world, random);
  });
  world.results<T>().deferreds.put({std::move(deferred), id});
}

}  // namespace

Operations operations_on_results() {
  return {
      {"make", 8, &make<Item>},
      {"make fragile", 4, &make<Fragile>},
      {"make with a canceller", 8, &make_with_canceller<Item>},
      {"make fragile with a canceller", 3, &make_with_canceller<Fragile>},
      {"make with a canceller that gets the promise", 4, &make_with_given_promise<Item>},
      {"make ready", 2, &make_ready<Item>},
      {"make fragile ready", 1, &make_ready<Fragile>},
      {"fire", 10, &fire_one<Item>},
      {"fire fragile", 5, &fire_one<Fragile>},
      {"drop a promise", 4, &drop_promise<Item>},
      {"drop a fragile promise", 2, &drop_promise<Fragile>},
      {"ask a promise", 1, &ask_promise<Item>},
      {"cancel", 8, &cancel<Item>},
      {"cancel fragile", 3, &cancel<Fragile>},
      {"cancel paused", 2, &cancel_paused<Item>},
      {"drop a deferred", 5, &drop_deferred<Item>},
      {"drop a fragile deferred", 2, &drop_deferred<Fragile>},
      {"take a result", 3, &take_result<Item>},
      {"take a fragile result", 2, &take_result<Fragile>},
      {"call as deferred", 1, &call_as_deferred<Item>},
      {"call as fragile deferred", 1, &call_as_deferred<Fragile>},
  };
}

}  // namespace deferred::fuzz
