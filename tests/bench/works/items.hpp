// SPDX-License-Identifier: MIT
//
// Many things that wait at once, for bytes.cpp and scaling.cpp: microthreads, Deferreds, timers.
// Where their handles are kept is made room for before anything is counted.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/results/deferred.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "works.hpp"

namespace works {

/// How many, where, and who is told when they begin to be made and when all of them are there.
struct Items {
  deferred::Reactor& reactor;
  HandClock& clock;
  std::size_t count;
  std::function<void()> begin;
  std::function<void()> all_there;
};

struct Park {
  std::vector<deferred::Waiter<void>>* parked;
  void yield_to(deferred::Waiter<void> w) const { parked->push_back(std::move(w)); }
};

inline deferred::Task<> park(std::vector<deferred::Waiter<void>>& parked) {
  co_await Park{&parked};
}

inline deferred::Task<> parked_tasks(Items items) {
  std::vector<deferred::Waiter<void>> parked;
  parked.reserve(items.count);
  items.begin();
  for (std::size_t i = 0; i != items.count; ++i)
    deferred::spawn(items.reactor, park(parked)).detach();
  co_await deferred::Pause{};
  if (parked.size() != items.count) std::abort();
  items.all_there();
  for (auto& waiter : parked) waiter.resume();
  co_await deferred::Pause{};
}

inline deferred::Task<> await_one(deferred::Deferred<int> pending) {
  const int value = co_await std::move(pending);
  bench::keep(value);
}

inline deferred::Task<> pending_deferreds(Items items) {
  std::vector<deferred::Promise<int>> promises;
  promises.reserve(items.count);
  items.begin();
  for (std::size_t i = 0; i != items.count; ++i) {
    auto [promise, pending] = deferred::make_deferred<int>();
    promises.push_back(std::move(promise));
    deferred::spawn(items.reactor, await_one(std::move(pending))).detach();
  }
  co_await deferred::Pause{};
  items.all_there();
  for (auto& promise : promises) promise.callback(1);
  co_await deferred::Pause{};
}

inline deferred::Task<> cancelled_timers(Items items,
                                         const std::vector<deferred::Duration>& delays) {
  std::size_t fired = 0;
  std::vector<deferred::DelayedCall> calls;
  calls.reserve(items.count);
  items.begin();
  for (std::size_t i = 0; i != items.count; ++i)
    calls.push_back(items.reactor.call_later(delays[i], [&fired] { ++fired; }));
  items.all_there();
  for (auto& call : calls) call.cancel();
  co_return;
}

inline deferred::Task<> fired_timers(Items items, const std::vector<deferred::Duration>& delays) {
  std::size_t fired = 0;
  items.begin();
  for (std::size_t i = 0; i != items.count; ++i)
    items.reactor.call_later(delays[i], [&fired] { ++fired; }).detach();
  items.all_there();
  items.clock.put_forward(std::chrono::seconds(1));
  co_await deferred::Pause{};
  if (fired != items.count) std::abort();
}

/// What the heap has grown by from `begin` to `all_there`, an item.
class Growth {
 public:
  explicit Growth(std::size_t items) : items_(items) {}
  void begin() { before_ = bench::heap_in_use(); }
  void all_there() { after_ = bench::heap_in_use(); }
  [[nodiscard]] double an_item() const {
    return static_cast<double>(after_ - before_) / static_cast<double>(items_);
  }

 private:
  std::size_t items_;
  std::size_t before_ = 0;
  std::size_t after_ = 0;
};

/// Lets the process have as many descriptors as it may, and tells how many that are.
inline std::size_t most_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace works
