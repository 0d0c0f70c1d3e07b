// SPDX-License-Identifier: MIT
//
// World: a reactor in virtual time, handles of all sorts, and random operations on them, which
// callbacks, cancellers, destructors and tasks do in their turn. A seed is one world. What a world
// does is a tree of actions, each with a number that hangs on its own place only, so that actions
// can be left out and the others stay what they were. Next: operations.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/fuzz/items.hpp"
#include "tests/fuzz/pool.hpp"
#include "tests/fuzz/random.hpp"
#include "tests/fuzz/records.hpp"
#include "tests/fuzz/world_options.hpp"

namespace deferred::fuzz {

struct Operation;

class World {
 public:
  World(std::uint64_t seed, const WorldOptions& options);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  ~World();

  /// The one that runs.
  static World& current() noexcept;
  /// Does all of it, and looks at what is left.
  void run();

  /// Does at most so many actions, here and now. What they throw stays here.
  void act(std::uint64_t seed, unsigned most) noexcept;
  /// Says what is wrong, and ends the program.
  [[noreturn]] void fail(const std::string& what) noexcept;
  void require(bool right, const char* what) {
    if (!right) fail(what);
  }
  /// A line of the trace.
  void note(const std::string& line);

  /// Somebody's code is on the stack: there time does not go on.
  bool inside() const noexcept { return depth_ > 1; }
  bool has_loop() const noexcept { return loop != nullptr; }
  /// An unused number, for a result or an error.
  unsigned number() noexcept { return ++last_number_; }
  /// Some handles, to be owned by a callable.
  std::shared_ptr<Loot> loot(Random& random);
  /// The same to be owned, of one thing.
  std::shared_ptr<Loot> loot_of(std::shared_ptr<void> thing);
  /// A duration of 0 to some milliseconds.
  Duration some_time(Random& random);
  TaskRecordPointer new_task();
  /// One that acts.
  ErrorHook error_hook(Random& random);
  /// Ends the reactor. REQUIRES: nobody's code is on the stack.
  void drop_loop();

  template <class T>
  ResultPools<T>& results() noexcept {
    if constexpr (std::is_same_v<T, Item>) {
      return items;
    } else {
      return fragiles;
    }
  }

  reactors::VirtualTime time;
  Reactor* loop = nullptr;  // until it has ended: what its end destroys may use it
  ResultPools<Item> items;
  ResultPools<Fragile> fragiles;
  Pool<KeptTask> tasks;
  Pool<KeptWaiter> waiters;
  Pool<RemoteWaiter<Item>> remote_waiters;
  Pool<ReplySender<Item>> senders;
  Pool<DelayedCall> timers;
  Pool<Registration> registrations;
  Pool<ShutdownTrigger> triggers;
  Pool<Value> values;
  Probe* objects = nullptr;  // some, for when_object
  WaitGraph graph;
  Tally tally;

 private:
  void act_one(std::uint64_t seed, const Operation& operation) noexcept;
  void end(Random random);
  void end_step(unsigned step);
  void look_at_the_end();

  std::unique_ptr<Reactor> owned_loop_;
  const std::uint64_t seed_;
  const WorldOptions& options_;
  World* const before_;
  std::unique_ptr<Probe[]> objects_;
  std::vector<std::weak_ptr<Loot>> loots_;
  int fuel_;
  unsigned depth_ = 0;
  unsigned last_number_ = 0;
};

}  // namespace deferred::fuzz
