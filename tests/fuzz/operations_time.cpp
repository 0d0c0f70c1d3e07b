// SPDX-License-Identifier: MIT
#include <chrono>
#include <utility>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

/// A timer that looks at the clock when it is called. One that was moved does not know its time.
struct Tick {
  World& world;
  Token token;
  TimePoint deadline;

  void operator()() {
    world.require(world.has_loop() && world.time.now() >= deadline, "a timer is called too early");
    token.act();
    if (token.random().one_in(6)) throw make_error(world);
  }
};

void call_later(World& world, Random& random) {
  if (!world.has_loop()) return;
  const Duration delay = world.some_time(random);
  world.timers.put(world.loop->call_later(
      delay, Tick{world, Token(random, "timer"), world.loop->now() + delay}));
}

void change_timer(World& world, Random& random) {
  DelayedCall* const timer = world.timers.any(random);
  if (!timer) return;
  switch (random.below(4)) {
    case 0:
      timer->cancel();
      return;
    case 1:
      if (timer->active()) timer->reset(std::chrono::milliseconds(20) + world.some_time(random));
      return;
    case 2:
      if (timer->active()) timer->delay(world.some_time(random));
      return;
    default:
      static_cast<void>(timer->time());
  }
}

void drop_timer(World& world, Random& random) {
  auto timer = world.timers.take(random);
  if (timer && random.one_in(4)) std::move(*timer).detach();
}

void post(World& world, Random& random) {
  if (!world.has_loop()) return;
  auto call = [&world, token = Token(random, "post")]() mutable {
    token.act();
    if (token.random().one_in(6)) throw make_error(world);
  };
  switch (random.below(3)) {
    case 0:
      return world.loop->post(std::move(call));
    case 1:
      return world.loop->call_when_running(std::move(call));
    default:
      static_cast<void>(world.loop->call_from_thread(std::move(call)));
  }
}

void at_shutdown(World& world, Random& random) {
  if (!world.has_loop()) return;
  const auto phase = static_cast<Phase>(random.below(3));
  if (random.one_in(2)) {
    world.triggers.put(
        world.loop->at_shutdown(phase, [&world, token = Token(random, "trigger")]() mutable {
          token.act();
          if (token.random().one_in(4)) throw make_error(world);
        }));
  } else {
    world.triggers.put(
        world.loop->at_shutdown(phase, [&world, token = Token(random, "trigger")]() mutable {
          token.act();
          if (token.random().one_in(4)) return fail<void>(make_error(world));
          return succeed();
        }));
  }
}

void drop_trigger(World& world, Random& random) {
  auto trigger = world.triggers.take(random);
  if (trigger && random.one_in(2)) std::move(*trigger).detach();
}

void turn(World& world, Random&) { world.time.advance(); }

void let_time_pass(World& world, Random& random) { world.time.advance(world.some_time(random)); }

void run(World& world, Random& random) {
  if (!world.has_loop()) return;
  world.loop->call_later(world.some_time(random), [&world] { world.loop->stop(); }).detach();
  world.loop->run();
}

void run_until(World& world, Random& random) {
  auto kept = world.items.deferreds.take(random);
  if (!world.has_loop() || !kept || !kept->deferred.valid()) return;
  world.loop->call_later(world.some_time(random), [&world] { world.loop->stop(); }).detach();
  const Item item = world.loop->run_until(std::move(kept->deferred));
  item.counted.check();
}

void end_loop(World& world, Random& random) {
  if (random.one_in(8)) world.drop_loop();
}

void set_hook(World& world, Random& random) {
  if (!world.has_loop() || world.inside()) return;
  world.loop->set_error_hook(world.error_hook(random));
}

}  // namespace

Operations operations_on_time() {
  return {
      {"call later", 6, &call_later},
      {"change a timer", 3, &change_timer},
      {"drop a timer", 2, &drop_timer},
      {"post", 4, &post},
      {"at shutdown", 1, &at_shutdown},
      {"drop a trigger", 1, &drop_trigger},
      {"turn", 40, &turn, false},
      {"let time pass", 25, &let_time_pass, false},
      {"run", 2, &run, false},
      {"run until", 2, &run_until, false},
      {"end the loop", 2, &end_loop, false},
      {"set the error hook", 2, &set_hook, false},
  };
}

}  // namespace deferred::fuzz
