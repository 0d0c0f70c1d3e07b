// SPDX-License-Identifier: MIT
#include "tests/fuzz/world.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <typeinfo>

#include "tests/fuzz/operations.hpp"
#include "tests/fuzz/probe.hpp"
#include "tests/fuzz/results.hpp"
#include "tests/fuzz/shuffled.hpp"

namespace deferred::fuzz {

namespace {

World* the_world = nullptr;
constexpr int most_actions = 400;
constexpr unsigned deepest = 5;
constexpr unsigned end_steps = 17;

/// What an operation may throw to its caller.
bool is_expected(const Failure& error) {
  return error.check<Thrown>() || error.check<AlreadyCalledError>() ||
         error.check<CircularChainError>() || error.check<TaskRunningError>() ||
         error.check<ReactorStateError>() || error.check<AbandonedError>() ||
         error.check<Cancelled>() || error.check<TimeoutError>() || error.check<NoReactorError>() ||
         error.check<UnknownYieldable>();
}

}  // namespace

bool WaitGraph::may_wait(unsigned from, unsigned to) const {
  // Whether `from` is reached from `to` by a way with an edge that the library does not see.
  std::vector<std::uint8_t> seen(edges_.size());  // 1: by edges that it sees, 2: by others
  std::vector<std::pair<unsigned, std::uint8_t>> next{{to, 1}};
  while (!next.empty()) {
    const auto [at, how] = next.back();
    next.pop_back();
    if (seen[at] & how) continue;
    seen[at] |= how;
    if (at == from && how == 2) return false;
    for (const Edge& edge : edges_[at]) {
      next.push_back({edge.to, edge.seen ? how : std::uint8_t{2}});
    }
  }
  return true;
}

World::World(std::uint64_t seed, const WorldOptions& options)
    : seed_(seed),
      options_(options),
      before_(std::exchange(the_world, this)),
      objects_(std::make_unique<Probe[]>(4)),
      fuel_(most_actions) {
  objects = objects_.get();
}

World::~World() { the_world = before_; }

World& World::current() noexcept { return *the_world; }

void World::fail(const std::string& what) noexcept {
  note("FAILED: " + what);
  options_.failed(what);
  std::terminate();
}

void World::note(const std::string& line) {
  if (!options_.trace) return;
  std::printf("%*s%s\n", static_cast<int>(2 * depth_), "", line.c_str());
  std::fflush(stdout);
}

void World::act(std::uint64_t seed, unsigned most) noexcept {
  if (depth_ >= deepest) return;
  Random random(seed);
  for (unsigned n = random.below(most + 1); n != 0; --n) {
    const std::uint64_t own = random.next();
    Random pick(own);
    act_one(pick.next(), Table::all().pick(pick, false));
  }
}

void World::act_one(std::uint64_t seed, const Operation& operation) noexcept {
  const auto id = static_cast<std::uint32_t>(seed);
  if (fuel_ <= 0 || options_.without.contains(id)) return;
  --fuel_;
  if (options_.acted) options_.acted(id);
  ++depth_;
  if (options_.trace) {
    char number[16];
    std::snprintf(number, sizeof number, "%08x ", id);
    note(number + std::string(operation.name));
  }
  try {
    Random random(seed);
    operation.run(*this, random);
  } catch (...) {
    const Failure error = Failure::current();
    if (!is_expected(error)) fail(std::string(operation.name) + " throws " + error.report());
  }
  --depth_;
}

std::shared_ptr<Loot> World::loot_of(std::shared_ptr<void> thing) {
  const auto loot = std::make_shared<Loot>();
  loot->push_back(std::move(thing));
  loots_.push_back(loot);
  return loot;
}

std::shared_ptr<Loot> World::loot(Random& random) {
  const auto taken = [this](auto handle) -> std::shared_ptr<Loot> {
    if (!handle) return nullptr;
    return loot_of(std::shared_ptr<void>(std::move(handle)));
  };
  switch (random.below(8)) {
    case 0:
      return taken(items.promises.take(random));
    case 1:
      return taken(items.deferreds.take(random));
    case 2:
      return taken(fragiles.deferreds.take(random));
    case 3:
      return taken(timers.take(random));
    case 4:
      return taken(waiters.take(random));
    case 5:
      return taken(items.spawned.take(random));
    case 6:
      return taken(registrations.take(random));
    default:
      return taken(senders.take(random));
  }
}

Duration World::some_time(Random& random) {
  return std::chrono::milliseconds(random.one_in(3) ? 0 : random.below(8));
}

TaskRecordPointer World::new_task() { return std::make_shared<TaskRecord>(); }

ErrorHook World::error_hook(Random& random) {
  const std::uint64_t seed = random.next();
  return [this, seed, n = std::uint64_t{0}](const Failure&, std::string_view) mutable {
    act(mixed(seed, ++n), 1);
  };
}

void World::drop_loop() {
  owned_loop_.reset();
  loop = nullptr;
}

void World::run() {
  static std::uint64_t unhandled_seed;
  unhandled_seed = seed_;
  const UnhandledFailureHook hook =
      set_unhandled_failure_hook([](const Failure& failure, const std::string&) {
        World& world = current();
        world.require(!failure.check<Cancelled>(), "a Cancelled is reported");
        if (Random(++unhandled_seed).one_in(4)) world.act(unhandled_seed, 1);
      });
  owned_loop_ = std::make_unique<Reactor>(time);
  loop = owned_loop_.get();
  Random random(seed_);
  if (seed_ % 2 == 0) shuffle_rounds(*loop, random);
  for (unsigned n = 10 + random.below(150); n != 0; --n) {
    Random pick(random.next());
    act_one(pick.next(), Table::all().pick(pick, true));
  }
  end(Random(random.next()));
  look_at_the_end();
  set_unhandled_failure_hook(hook);
}

void World::end_step(unsigned step) {
  switch (step) {
    case 0:
      return items.promises.clear();
    case 1:
      return fragiles.promises.clear();
    case 2:
      return items.deferreds.clear();
    case 3:
      return fragiles.deferreds.clear();
    case 4:
      return items.shared.clear();
    case 5:
      return fragiles.shared.clear();
    case 6:
      return items.spawned.clear();
    case 7:
      return tasks.clear();
    case 8:
      return waiters.clear();
    case 9:
      return remote_waiters.clear();
    case 10:
      return senders.clear();
    case 11:
      return timers.clear();
    case 12:
      return registrations.clear();
    case 13:
      return triggers.clear();
    case 14:
      return values.clear();
    case 15:
      return drop_loop();
    default:
      // By what they own, callables may make circles of which the library knows nothing.
      for (std::size_t at = 0; at < loots_.size(); ++at) {
        if (const auto loot = loots_[at].lock()) Loot(std::move(*loot)).clear();
      }
  }
}

void World::end(Random random) {
  note("the end begins");
  Random ends(random.next());
  const auto unpause = [](auto& results) {
    Random any(0);
    while (auto kept = results.paused.take(any)) {
      kept->deferred.unpause();
      results.deferreds.put(std::move(*kept));
    }
    while (auto kept = results.paused_promises.take(any)) {
      if (!kept->promise->valid()) continue;
      kept->promise->unpause();
      results.promises.put(std::move(*kept));
    }
  };
  unsigned steps[end_steps];
  for (unsigned n = 0; n != end_steps; ++n) {
    steps[n] = n;
    std::swap(steps[n], steps[ends.below(n + 1)]);
  }
  ++depth_;
  for (const unsigned step : steps) {
    unpause(items);
    unpause(fragiles);
    note("end of " + std::to_string(step));
    end_step(step);
    if (loop && ends.one_in(2)) time.advance();
  }
  for (int again = 0; again != 20; ++again) {
    unpause(items);
    unpause(fragiles);
    for (const unsigned step : steps) end_step(step);
  }
  --depth_;
}

void World::look_at_the_end() {
  objects_ = std::make_unique<Probe[]>(4);
  objects = objects_.get();
  detail::forget_raised();
  require(tally.frames == 0, "a coroutine is left");
  objects_.reset();
  if (Census::live() != 0) fail(std::string("there are left: ") + Census::of_what());
}

const Table& Table::all() {
  static const Table table;
  return table;
}

Table::Table() {
  for (const Operations& some :
       {operations_on_results(), operations_on_chains(), operations_on_shared(),
        operations_on_tasks(), operations_on_waits(), operations_on_time(),
        operations_on_registry()}) {
    operations_.insert(operations_.end(), some.begin(), some.end());
  }
  for (const Operation& each : operations_) weights_ += each.weight;
}

const Operation& Table::pick(Random& random, bool anywhere) const {
  for (;;) {
    unsigned at = random.below(weights_);
    for (const Operation& each : operations_) {
      if (at < each.weight) {
        if (each.anywhere || anywhere) return each;
        break;
      }
      at -= each.weight;
    }
  }
}

void run_world(std::uint64_t seed, const WorldOptions& options) { World(seed, options).run(); }

}  // namespace deferred::fuzz
