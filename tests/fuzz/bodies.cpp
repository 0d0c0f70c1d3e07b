// SPDX-License-Identifier: MIT
#include "tests/fuzz/bodies.hpp"

#include <exception>
#include <utility>

#include "tests/fuzz/results.hpp"

namespace deferred::fuzz {

namespace {

/// A local variable of a coroutine. It acts at its end, and throws there if it is told to.
class Local {
 public:
  Local(World& world, Random& random, TaskRecordPointer task)
      : world_(world), token_(random, "frame"), task_(std::move(task)) {
    ++world.tally.frames;
  }
  Local(const Local&) = delete;
  Local& operator=(const Local&) = delete;
  ~Local() noexcept(false) {
    --world_.tally.frames;
    if (throws_ && std::uncaught_exceptions() == 0) throw make_error(world_);
  }
  void throw_at_end() noexcept { throws_ = true; }
  void act() { token_.act(); }
  /// Of the outermost frame: the microthread goes on.
  void goes_on() const { world_.require(!task_ || !task_->closed, "a closed task goes on"); }

 private:
  World& world_;
  Token token_;
  TaskRecordPointer task_;
  bool throws_ = false;
};

/// What a body makes of an error: false, if it gives up.
bool goes_on_after_error(Random& random, bool was_cancelled) {
  return random.one_in(was_cancelled ? 4 : 2);
}

}  // namespace

Task<Item> body(World& world, std::uint64_t seed, TaskRecordPointer self, unsigned depth) {
  Random random(seed);
  Local local(world, random, self);
  unsigned last = 0;
  for (unsigned steps = 1 + random.below(4); steps != 0; --steps) {
    const std::uint64_t step = random.next();
    bool failed = false;
    bool cancelled = false;
    try {
      Task<Item> next = some_await(world, step, self, depth);
      const Item item = co_await std::move(next);
      item.counted.check();
      last = item.number;
    } catch (const Cancelled&) {
      if (!goes_on_after_error(random, true)) throw;
      cancelled = true;
    } catch (const Thrown& error) {
      error.counted.check();
      if (!goes_on_after_error(random, false)) throw;
      failed = true;
    } catch (...) {
      failed = true;
    }
    local.goes_on();
    if (failed && random.one_in(3)) co_return Failure(make_error(world));
    if (cancelled && random.one_in(3)) co_return Item(world.number());
    local.act();
  }
  if (random.one_in(8)) throw make_error(world);
  if (random.one_in(8)) co_return Failure(make_error(world));
  if (random.one_in(8)) local.throw_at_end();
  co_return Item(last);
}

Deferred<Item> at_once(Reactor&, World& world, std::uint64_t seed, TaskRecordPointer self) {
  Random random(seed);
  Local local(world, random, self);
  for (unsigned steps = random.below(3); steps != 0; --steps) {
    Task<Item> next = some_await(world, random.next(), self, 1);
    const Item item = co_await std::move(next);
    item.counted.check();
    local.act();
  }
  Task<Item> rest = body(world, random.next(), self, 1);
  Item item = co_await std::move(rest);
  if (random.one_in(8)) local.throw_at_end();
  co_return item;
}

Deferred<Item> at_once(World& world, std::uint64_t seed, TaskRecordPointer self) {
  Random random(seed);
  Local local(world, random, self);
  local.act();
  Task<Item> rest = body(world, random.next(), self, 2);
  co_return co_await std::move(rest);
}

}  // namespace deferred::fuzz
