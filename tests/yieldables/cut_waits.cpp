// SPDX-License-Identifier: MIT
//
// A wait that a limit ends, over and over: it leaves no byte behind. all_awaitables.py sees to it
// that each type that can be awaited is among them.
#include <doctest/doctest.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deferred/deferred.hpp"
#include "deferred/testing/manual_pool.hpp"
#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

std::ptrdiff_t live_blocks = 0;
std::ptrdiff_t live_bytes = 0;

// In front of each block stands its size.
constexpr std::size_t header = alignof(std::max_align_t);
void* take(std::size_t size) {
  void* const block = std::malloc(size + header);
  if (!block) throw std::bad_alloc();
  *static_cast<std::size_t*>(block) = size;
  ++live_blocks;
  live_bytes += static_cast<std::ptrdiff_t>(size);
  return static_cast<char*>(block) + header;
}
void give_back(void* memory) noexcept {
  if (!memory) return;
  void* const block = static_cast<char*>(memory) - header;
  --live_blocks;
  live_bytes -= static_cast<std::ptrdiff_t>(*static_cast<std::size_t*>(block));
  std::free(block);
}

/// What is waited for, which nobody answers in time.
struct World {
  ~World() { promise.callback(0); }

  reactors::VirtualTime time;
  Reactor reactor{time};
  ManualPool pool;
  std::optional<Ends> ends;
  Promise<int> promise;  // of `shared`
  SharedDeferred<int> shared = [this] {
    auto [made, deferred] = make_deferred<int>();
    promise = std::move(made);
    return std::move(deferred).share();
  }();
  Signal signal{reactor, SIGUSR2};
  Timer timer{1h};
  Event event;
  Lock lock;
  const std::optional<Permit> held = lock.try_acquire();
  Channel<std::string> channel{0};
  std::string item = "item";
  std::array<char, 64> room{};
  std::string all = std::string(std::size_t{8} << 20, 'x');
};

using Wait = Task<> (*)(World&);
Task<> hour() { co_await Pause{1h}; }

struct Row {
  std::string_view name;
  Wait wait;
  int times = 2'000;
};

// The limit is of what the line says.
constexpr auto limit = 1ms;

/// Writes until no more is taken.
Task<> fill(io::Stream& stream, std::string_view text) {
  for (bool taken = true; taken;) {
    const auto part = co_await as_outcome(with_timeout(limit, stream.write_some(text)));
    taken = part.has_value();
  }
}

constexpr Row rows[] = {
    // cut: SharedDeferred
    {"SharedDeferred", [](World& w) -> Task<> { co_await with_timeout(limit, w.shared); }, 100'000},
    // cut: Deferred
    {"Deferred",
     [](World&) -> Task<> {
       auto [promise, deferred] = make_deferred<int>();
       co_await with_timeout(limit, std::move(deferred));
     }},
    // cut: Task
    {"Task", [](World&) -> Task<> { co_await with_timeout(limit, hour()); }},
    // cut: Spawned
    {"Spawned",
     [](World&) -> Task<> {
       auto spawned = spawn(hour());
       co_await with_timeout(limit, std::move(spawned));
     }},
    // cut: AsOutcome
    {"AsOutcome",
     [](World&) -> Task<> {
       const auto outcome = co_await as_outcome(with_timeout(limit, Pause{1h}));
       CHECK(outcome.check<TimeoutError>());
     }},
    // cut: WithTimeout
    {"WithTimeout",
     [](World&) -> Task<> { co_await with_timeout(limit, with_timeout(1min, Pause{1h})); }},
    // cut: RunInScope
    {"RunInScope",
     [](World&) -> Task<> {
       CancelScope scope;
       co_await with_timeout(limit, scope.run(Pause{1h}));
     }},
    // cut: MoveOn
    {"MoveOn",
     [](World&) -> Task<> { co_await with_timeout(limit, move_on_after(1min, Pause{1h})); }},
    // cut: Shield
    {"Shield",
     [](World&) -> Task<> {
       co_await with_timeout(limit, shield(Pause{2ms}));
       co_await with_timeout(limit, Pause{1h});
     }},
    // cut: Nursery
    {"Nursery",
     [](World&) -> Task<> {
       Nursery nursery;
       nursery.spawn(hour());
       co_await with_timeout(limit, nursery);
     }},
    // cut: WithNursery
    {"WithNursery",
     [](World&) -> Task<> {
       const auto family = [](Nursery& nursery) -> Task<> {
         nursery.spawn(hour());
         co_return;
       };
       co_await with_timeout(limit, with_nursery(family));
     }},
    // cut: Pause
    {"Pause", [](World&) -> Task<> { co_await with_timeout(limit, Pause{1h}); }},
    // cut: CancelPoint
    {"CancelPoint", [](World&) -> Task<> { co_await with_timeout(limit, cancel_point); }},
    // cut: CurrentTask
    {"CurrentTask",
     [](World&) -> Task<> {
       const TaskRef self = co_await with_timeout(limit, current_task);
       CHECK(self.valid());
     }},
    // cut: All
    {"All",
     [](World& w) -> Task<> { co_await with_timeout(limit, all(Pause{1h}, w.shared, hour())); }},
    // cut: AllSettled
    {"AllSettled",
     [](World& w) -> Task<> {
       co_await with_timeout(limit, all_settled(Pause{1h}, succeed(1), w.shared));
     }},
    // cut: Any
    {"Any", [](World& w) -> Task<> { co_await with_timeout(limit, any(Pause{1h}, w.timer)); }},
    // cut: Race
    {"Race",
     [](World& w) -> Task<> {
       co_await with_timeout(limit,
                             race(Pause{1h}, race(std::vector<Pause>(3, Pause{1h})), w.timer));
     }},
    // cut: Value
    {"Value",
     [](World&) -> Task<> { static_cast<void>(co_await with_timeout(limit, Value(Pause{1h}))); }},
    // cut: Timer
    {"Timer", [](World& w) -> Task<> { co_await with_timeout(limit, w.timer); }},
    // cut: Signal
    {"Signal", [](World& w) -> Task<> { co_await with_timeout(limit, w.signal); }},
    // cut: Reply
    {"Reply",
     [](World&) -> Task<> {
       Reply<int> reply;
       const ReplySender<int> sender = reply.send();
       co_await with_timeout(limit, reply);
     }},
    // cut: Event
    {"Event", [](World& w) -> Task<> { co_await with_timeout(limit, w.event); }},
    // cut: Acquire
    {"Acquire",
     [](World& w) -> Task<> { static_cast<void>(co_await with_timeout(limit, w.lock.acquire())); }},
    // cut: Send
    {"Send",
     [](World& w) -> Task<> { co_await with_timeout(limit, w.channel.send(std::move(w.item))); }},
    // cut: Receive
    {"Receive",
     [](World& w) -> Task<> {
       static_cast<void>(co_await with_timeout(limit, w.channel.receive()));
     }},
    // cut: InThread
    {"InThread",
     [](World& w) -> Task<> { co_await with_timeout(limit, in_thread(w.pool, [] { return 1; })); }},
    // cut: On
    {"On", [](World& w) -> Task<> { co_await with_timeout(limit, on(w.reactor, hour)); }},
    // cut: Readable
    {"Readable",
     [](World& w) -> Task<> {
       co_await with_timeout(limit, Readable{w.ends->near.transport().descriptor()});
     }},
    // cut: Writable
    {"Writable",
     [](World& w) -> Task<> {
       co_await with_timeout(limit, Writable{w.ends->far.transport().descriptor()});
     }},
    // cut: io::ReadSome
    {"ReadSome",
     [](World& w) -> Task<> { co_await with_timeout(limit, w.ends->near.read_some(w.room)); }},
    // cut: io::WriteSome
    {"WriteSome",
     [](World& w) -> Task<> { co_await with_timeout(limit, w.ends->far.write_some(w.all)); }},
    // cut: io::WriteAll
    {"WriteAll",
     [](World& w) -> Task<> {
       co_await fill(w.ends->far, w.all);
       co_await with_timeout(limit, w.ends->far.write_all("x"));  // of one byte no part is cut off
     }},
    // cut: io::Readiness::Wait
    {"Readiness::Wait",
     [](World& w) -> Task<> {
       co_await with_timeout(limit, w.ends->near.transport().readable().wait());
     }},
};

Task<> cut(World& world, const Row& row, int times) {
  for (int i = 0; i < times; ++i) {
    try {
      co_await row.wait(world);
    } catch (const TimeoutError&) {
    }
  }
}

}  // namespace

void* operator new(std::size_t size) { return take(size); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }

TEST_CASE("a wait that is cut over and over leaves nothing behind, whatever it was for") {
  for (const Row& row : rows) {
    CAPTURE(row.name);
    World world;
    world.ends.emplace(world.reactor.run_until(connected(world.reactor)));
    world.reactor.run_until(cut(world, row, 1000));  // what is kept for the next one is there
    const std::ptrdiff_t blocks = live_blocks;
    const std::ptrdiff_t bytes = live_bytes;

    world.reactor.run_until(cut(world, row, row.times));

    CHECK(live_blocks <= blocks);
    CHECK(live_bytes <= bytes);
    CHECK(world.reactor.timer_count() == 0);
  }
}
