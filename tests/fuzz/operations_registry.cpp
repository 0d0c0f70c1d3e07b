// SPDX-License-Identifier: MIT
#include <utility>

#include "tests/fuzz/bodies.hpp"
#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/probe.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

auto handler_of_probes(Random& random) {
  return [token = Token(random, "handler")](const Probe& probe, Waiter<Item> waiter) mutable {
    probe.begins();
    const std::uint64_t more = token.random().next();
    if (more % 2 == 0) token.act();
    token.check();  // it may have been unregistered, but runs
    return probe.handle(std::move(waiter), more);
  };
}

void register_probes(World& world, Random& random) {
  if (!world.has_loop()) return;
  world.registrations.put(world.loop->registry().when_type<Probe>(handler_of_probes(random)));
}

void register_object(World& world, Random& random) {
  if (!world.has_loop()) return;
  Probe& object = world.objects[random.below(4)];
  world.registrations.put(world.loop->registry().when_object(object, handler_of_probes(random)));
}

void register_numbers(World& world, Random& random) {
  if (!world.has_loop()) return;
  world.registrations.put(world.loop->registry().when_type<int>(
      [&world, token = Token(random, "handler")](const int& number, Waiter<void> waiter) mutable {
        if (number % 2 == 0) token.act();
        if (number % 3 == 0) throw make_error(world);
        return schedule(std::move(waiter), std::chrono::milliseconds(number / 2));
      }));
}

void register_pauses(World& world, Random& random) {
  if (!world.has_loop()) return;
  world.registrations.put(world.loop->registry().when_type<Pause>(
      [token = Token(random, "handler")](const Pause&, Waiter<void> waiter) mutable {
        token.act();
        token.check();
        waiter.resume();
      }));
}

void unregister(World& world, Random& random) {
  const auto gone = world.registrations.take(random);
}

}  // namespace

Operations operations_on_registry() {
  return {
      {"register a handler of probes", 3, &register_probes},
      {"register a handler of an object", 3, &register_object},
      {"register a handler of numbers", 3, &register_numbers},
      {"register a handler of pauses", 1, &register_pauses},
      {"unregister", 7, &unregister},
  };
}

}  // namespace deferred::fuzz
