// SPDX-License-Identifier: MIT
//
// Our own rows. They run on a backend without I/O, as KJ's, Boost.Fiber's and the floor's do; rows
// named deferred/poll are the same works on the default reactor, where every turn ends in poll(2).
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

#include "bench.hpp"
#include "deferred/deferred.hpp"
#include "deferred/reactor.hpp"
#include "deferred/spawn.hpp"
#include "deferred/task.hpp"
#include "deferred/value.hpp"
#include "deferred/yieldables/deferred.hpp"
#include "deferred/yieldables/pause.hpp"

void chains(bench::Program& program);  // deferred_chain_bench.cpp
void posts(bench::Program& program);   // deferred_posts_bench.cpp

namespace {

using namespace deferred;

// A clock that is put forward by hand and no I/O: a turn costs what the library's own part of it
// costs.
class HandClock final : public Backend {
 public:
  void put_forward(Duration by) { now_ += by; }

  TimePoint now() noexcept override { return now_; }
  void arm(TimePoint) noexcept override {}
  void wake() noexcept override {}
  void watch(int, Ready, IoHandler&) override {}
  void rewatch(int, Ready) override {}
  void unwatch(int) noexcept override {}
  void run_once(bool) override { turn(); }

 private:
  TimePoint now_{};
};

// W2 .. W5: tasks.

struct Answer {
  int value;
  void yield_to(Waiter<int> w) const { w.resume(value); }
};

Task<> await_ready(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await Answer{bench::opaque(1)};
    bench::keep(v);
  }
}

// Two microthreads, each fires what the other waits for: an await makes, waits for and fires one
// Deferred.
Task<> ping(Promise<int>& mine, Promise<int>& other, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    auto [promise, pending] = make_deferred<int>();
    mine = std::move(promise);
    if (other.valid()) other.callback(1);
    const int v = co_await std::move(pending);
    bench::keep(v);
  }
  if (other.valid() && !other.fired()) other.callback(1);
}

Task<> await_pending(Reactor& reactor, std::size_t n) {
  Promise<int> left, right;
  auto second = spawn(reactor, ping(right, left, n / 2)).deferred();
  co_await ping(left, right, n / 2);
  co_await std::move(second);
}

struct Question {
  int value;
};

Task<> await_dynamic(Reactor& reactor, std::size_t n) {
  const auto registered = reactor.registry().when_type<Question>(
      [](const Question& q, Waiter<int> w) { w.resume(q.value); });
  for (std::size_t i = 0; i != n; ++i) {
    Value answer = co_await Value{Question{bench::opaque(1)}};
    bench::keep(answer.as<int>());
  }
}

[[gnu::noinline]] Task<int> leaf(int v) { co_return v; }

Task<> call_leaf(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await leaf(bench::opaque(1));
    bench::keep(v);
  }
}

[[gnu::noinline]] Task<int> nested(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await nested(levels - 1);
  co_return below + 1;
}

Task<> call_nested(Reactor&, std::size_t n) {
  for (std::size_t i = 0; i < n; i += 1'000) {
    const int depth = co_await nested(1'000);
    bench::keep(depth);
  }
}

Task<> yielding(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) co_await Pause{};
}

template <std::size_t Tasks>
Task<> switches(Reactor& reactor, std::size_t n) {
  std::vector<Deferred<void>> others;
  for (std::size_t i = 1; i != Tasks; ++i) others.push_back(spawn(reactor, yielding(n / Tasks)));
  co_await yielding(n / Tasks);
  for (auto& other : others) co_await std::move(other);
}

[[gnu::noinline]] Task<> nothing() { co_return; }

Task<> spawning(Reactor& reactor, std::size_t n) {
  for (std::size_t done = 0; done < n; done += 100) {
    for (int i = 0; i != 100; ++i) spawn(reactor, nothing()).detach();
    co_await Pause{};  // they start, and end, in that turn
  }
}

struct Park {
  std::vector<Waiter<void>>* parked;
  void yield_to(Waiter<void> w) const { parked->push_back(std::move(w)); }
};

Task<> parking(std::vector<Waiter<void>>& parked) { co_await Park{&parked}; }

Task<> suspend_all(Reactor& reactor, std::size_t tasks, std::size_t& used) {
  std::vector<Waiter<void>> parked;
  parked.reserve(tasks);
  const auto before = bench::heap_in_use();
  for (std::size_t i = 0; i != tasks; ++i) spawn(reactor, parking(parked)).detach();
  co_await Pause{};
  used = bench::heap_in_use() - before;
  if (parked.size() != tasks) std::abort();
  for (auto& waiter : parked) waiter.resume();
  co_await Pause{};
}

void tasks(bench::Program& program, Reactor& reactor) {
  const auto in = [&reactor](auto task) {
    return [&reactor, task](std::size_t n) { reactor.run(task(reactor, n)); };
  };
  program.batch("W2", in(await_ready), "a yieldable that answers at once");
  program.batch("W2p", in(await_pending), "two microthreads fire each other's Deferred");
  program.batch("dynamic", in(await_dynamic));
  program.batch("W3", in(call_leaf));
  program.batch("W3-depth", in(call_nested), "1000 levels", {0, 10'000});
  program.batch("W4", in(switches<2>), "Pause, one backend call a turn");
  program.batch("W4-1000", in(switches<1'000>), "Pause, one backend call a turn",
                {1'000'000, 100'000});
  program.batch("W5", in(spawning), "100 a turn");
}

void switches_on_poll(bench::Program& program, Reactor& reactor) {
  const auto in = [&reactor](auto task) {
    return [&reactor, task](std::size_t n) { reactor.run(task(reactor, n)); };
  };
  program.batch("W4", in(switches<2>), "a poll(2) a turn");
  program.batch("W4-1000", in(switches<1'000>), "a poll(2) a turn", {1'000'000, 100'000});
  program.batch("W5", in(spawning), "100 a turn, and a poll(2)");
}

// W6: timers.
// Inside a turn, where the clock is read once: so are they set by what a reactor calls.

struct Timers {
  HandClock& clock;
  const std::vector<std::chrono::nanoseconds>& delays;
  std::vector<DelayedCall>& calls;
  std::size_t& fired;
};

Task<> set_and_cancel_alone(Reactor& reactor, Timers t, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    auto call =
        reactor.call_later(bench::opaque(std::chrono::nanoseconds(1'000'000)), [&t] { ++t.fired; });
    call.cancel();
  }
  co_return;
}

Task<> set_and_cancel(Reactor& reactor, Timers t, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i)
    t.calls.push_back(reactor.call_later(t.delays[i], [&t] { ++t.fired; }));
  for (auto& call : t.calls) call.cancel();
  t.calls.clear();
  co_return;
}

Task<> set_and_fire(Reactor& reactor, Timers t, std::size_t n) {
  t.fired = 0;
  for (std::size_t i = 0; i != n; ++i)
    reactor.call_later(t.delays[i], [&t] { ++t.fired; }).detach();
  t.clock.put_forward(std::chrono::seconds(1));
  co_await Pause{};
  if (t.fired != n) std::abort();
}

void timers(bench::Program& program, Reactor& reactor, HandClock& clock) {
  const auto delays = bench::random_delays(bench::many_timers);
  std::vector<DelayedCall> calls;
  calls.reserve(delays.size());
  std::size_t fired = 0;
  const Timers shared{clock, delays, calls, fired};
  const auto in = [&](auto task) {
    return [&, task](std::size_t n) { reactor.run(task(reactor, shared, n)); };
  };
  const bench::Ops all{bench::many_timers, bench::many_timers};
  program.batch("W6-alone", in(set_and_cancel_alone));
  program.batch("W6-cancel", in(set_and_cancel), "", all);
  program.batch("W6-fire", in(set_and_fire), "its clock put forward by hand", all);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "deferred");
  HandClock clock;
  Reactor reactor{clock};
  program.bytes(
      "W5-bytes",
      [&reactor] {
        // First of all: no free list holds a block yet.
        constexpr std::size_t tasks = 100'000;
        std::size_t used = 0;
        reactor.run(suspend_all(reactor, tasks, used));
        return static_cast<double>(used) / tasks;
      },
      "heap; without what it waits for");
  chains(program);
  tasks(program, reactor);
  timers(program, reactor, clock);
  posts(program);

  // With nothing to watch the backend may leave poll(2) out: it watches a pipe that stays silent.
  int pipe_ends[2];
  if (pipe(pipe_ends) != 0) std::abort();
  {
    Reactor on_poll;
    const Watch silent = on_poll.watch(pipe_ends[0], Ready::read, [] {});
    program.rename("deferred/poll");
    switches_on_poll(program, on_poll);
  }
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}
