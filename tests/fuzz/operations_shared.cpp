// SPDX-License-Identifier: MIT
#include <malloc.h>

#include <memory>
#include <string>
#include <utility>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

template <class T>
void share(World& world, Random& random) {
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  world.note("#" + std::to_string(kept->id));
  world.results<T>().shared.put({std::move(kept->deferred).share(), kept->id});
}

/// A reader, which sees what the handle shows.
template <class T>
void read(World& world, Random& random) {
  const KeptShared<T>* const kept = world.results<T>().shared.any(random);
  if (!kept) return;
  const SharedDeferred<T> shared = kept->shared;
  const unsigned id = world.graph.add();
  world.note("#" + std::to_string(id) + " of #" + std::to_string(kept->id));
  world.graph.add_edge(id, kept->id, false);
  Token token(random, "reader");
  const auto result = [&world, token = std::move(token)]() mutable {
    token.act();
    Random own(token.random().next());
    return make_result<T>(world, own);
  };
  using Result = std::remove_const_t<decltype(result)>;
  Result read(std::move(const_cast<Result&>(result)));
  Deferred<T> reader;
  switch (random.below(4)) {
    case 0:
      reader = shared.add_callback([read = std::move(read)](const T& value) mutable {
        value.counted.check();
        return read();
      });
      break;
    case 1:
      reader = shared.done().add_callback(std::move(read));
      break;
    case 2:
      reader = shared.add_errback([](const Thrown& error) { error.counted.check(); })
                   .add_callback(std::move(read));
      break;
    default:
      reader = shared.add_both([&world, shared, due = Due("reader of both"),
                                read = std::move(read)](const Outcome<T>& seen) mutable {
        due.called();
        const Outcome<T>* const is = shared.outcome();
        world.require(seen.template check<Cancelled>() || (is && told(*is) == told(seen)),
                      "a reader sees what is not the result");
        return read();
      });
  }
  world.results<T>().deferreds.put({std::move(reader), id});
}

template <class T>
void cancel_shared(World& world, Random& random) {
  if (const KeptShared<T>* const kept = world.results<T>().shared.any(random)) {
    kept->shared.cancel();
  }
}

template <class T>
void drop_shared(World& world, Random& random) {
  const auto gone = world.results<T>().shared.take(random);
}

/// Readers that go again leave nothing, however many they are. (Under a sanitizer the heap is not
/// known, and only their ends are looked at.)
template <class T>
void drop_many_readers(World& world, Random& random) {
  constexpr std::size_t most_left = 200'000;
  const KeptShared<T>* const kept = world.results<T>().shared.any(random);
  if (!kept || !random.one_in(8)) return;
  const SharedDeferred<T> shared = kept->shared;
  const bool cancelled = random.one_in(2);
  const std::size_t before = ::mallinfo2().uordblks;
  for (unsigned n = 0; n != 2000; ++n) {
    Deferred<void> gone = shared.done();
    if (cancelled) gone.cancel();
  }
  world.require(::mallinfo2().uordblks < before + most_left, "readers that have gone are kept");
}

/// A limit: what comes of it is what comes of the limited one, or a TimeoutError for its Cancelled.
template <class T>
void limit(World& world, Random& random) {
  if (!world.has_loop()) return;
  auto kept = world.results<T>().deferreds.take(random);
  if (!kept || !kept->deferred.valid()) return;
  const unsigned id = world.graph.add();
  world.note("#" + std::to_string(id) + " of #" + std::to_string(kept->id));
  world.graph.add_edge(id, kept->id, false);
  const auto inner = std::make_shared<std::string>();
  Deferred<T> seen =
      std::move(kept->deferred)
          .add_both([inner, due = Due("callback before a limit")](Outcome<T>&& outcome) mutable {
            due.called();
            *inner = told(outcome);
            return std::move(outcome);
          });
  const Duration limit = world.some_time(random);
  Deferred<T> limited;
  if (random.one_in(2)) {
    limited = add_timeout(std::move(seen), limit, *world.loop);
  } else {
    limited = add_timeout(
        std::move(seen), limit, *world.loop,
        [token = Token(random, "on_timeout")](Outcome<T>, Duration) mutable -> Outcome<T> {
          token.act();
          return Failure(TimeoutError("in time"));
        });
  }
  limited = std::move(limited).add_both([inner, due = Due("callback of a limited")](
                                            Outcome<T>&& outcome) mutable -> Outcome<T> {
    due.called();
    if constexpr (std::is_same_v<T, Item>) {
      World& world = World::current();
      world.require(!inner->empty(), "a limited Deferred has a result before what it limits");
      const bool same = *inner == told(outcome);
      const bool late = *inner == "deferred::Cancelled" && outcome.template check<TimeoutError>();
      world.require(same || late, "a limited Deferred has another result than what it limits");
    }
    return std::move(outcome);
  });
  world.results<T>().deferreds.put({std::move(limited), id});
}

}  // namespace

Operations operations_on_shared() {
  return {
      {"share", 6, &share<Item>},
      {"share fragile", 4, &share<Fragile>},
      {"read", 10, &read<Item>},
      {"read fragile", 6, &read<Fragile>},
      {"cancel shared", 3, &cancel_shared<Item>},
      {"cancel fragile shared", 1, &cancel_shared<Fragile>},
      {"drop shared", 3, &drop_shared<Item>},
      {"drop fragile shared", 2, &drop_shared<Fragile>},
      {"drop many readers", 1, &drop_many_readers<Item>},
      {"limit", 8, &limit<Item>},
      {"limit fragile", 3, &limit<Fragile>},
  };
}

}  // namespace deferred::fuzz
