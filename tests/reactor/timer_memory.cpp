// SPDX-License-Identifier: MIT
//
// What timers leave behind when a burst of them is over, in bytes of the whole heap.
#include <doctest/doctest.h>
#include <malloc.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

std::size_t in_use = 0;  // bytes, from operator new

constexpr std::size_t many = 1'000'000;
constexpr std::size_t left_at_most = 2 << 20;

/// Sets `many` timers and has them cancelled by `cancel`, in a turn.
template <class Cancel>
void burst(Loop& loop, Cancel cancel) {
  auto done = loop.outcome_of([&]() -> Task<> {
    std::vector<DelayedCall> calls;
    for (std::size_t i = 0; i < many; ++i) {
      calls.push_back(loop.reactor.call_later(1h + std::chrono::nanoseconds(i % 1000), [] {}));
    }
    cancel(calls);
    co_return;
  });
  done.value();
}
void oldest_first(std::vector<DelayedCall>& calls) {
  for (DelayedCall& call : calls) call.cancel();
}
void newest_first(std::vector<DelayedCall>& calls) {
  while (!calls.empty()) calls.pop_back();
}

/// Bytes that `what` leaves behind on a thread of its own, before that and its reactor end.
template <class F>
std::size_t left_by(F what) {
  std::size_t left = 0;
  std::thread([&] {
    Loop loop;
    const std::size_t before = in_use;
    what(loop);
    left = in_use - before;
  }).join();
  return left;
}

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  in_use += ::malloc_usable_size(memory);
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory) in_use -= ::malloc_usable_size(memory);
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

TEST_CASE("after a million timers, cancelled, at most 2 MiB stay") {
  CHECK(left_by([](Loop& loop) { burst(loop, oldest_first); }) <= left_at_most);
}

TEST_CASE("after a million timers, cancelled from the last one on, at most 2 MiB stay") {
  CHECK(left_by([](Loop& loop) { burst(loop, newest_first); }) <= left_at_most);
}

TEST_CASE("after a million timers, half of them called and half cancelled, at most 2 MiB stay") {
  const auto half_and_half = [](Loop& loop) {
    for (std::size_t i = 0; i < many / 2; ++i) loop.reactor.call_later(1ms, [] {}).detach();
    std::vector<DelayedCall> calls;
    for (std::size_t i = 0; i < many / 2; ++i) calls.push_back(loop.reactor.call_later(1h, [] {}));
    oldest_first(calls);
    loop.time.run_until_idle();
  };

  CHECK(left_by(half_and_half) <= left_at_most);
}

TEST_CASE("after a million timers, all but a thousand cancelled, at most 2 MiB stay") {
  const auto cancel_most = [](Loop& loop) {
    std::vector<DelayedCall> calls;
    for (std::size_t i = 0; i < many; ++i) calls.push_back(loop.reactor.call_later(1h, [] {}));
    for (std::size_t i = 0; i < many; ++i) {
      if (i % 1000 != 0) calls[i].cancel();
    }
    for (DelayedCall& call : calls) std::move(call).detach();
    loop.settle();
  };

  CHECK(left_by(cancel_most) <= left_at_most);
}

TEST_CASE("after a million timers, called, at most 2 MiB stay") {
  const auto call_all = [](Loop& loop) {
    for (std::size_t i = 0; i < many; ++i) loop.reactor.call_later(1ms, [] {}).detach();
    loop.time.run_until_idle();
  };

  CHECK(left_by(call_all) <= left_at_most);
}

TEST_CASE("seconds after bursts that followed one another, at most 2 MiB stay") {
  const auto bursts = [](Loop& loop) {
    for (int i = 0; i < 3; ++i) burst(loop, oldest_first);
    for (int second = 0; second < 3; ++second) loop.time.advance(1s);
  };

  CHECK(left_by(bursts) <= left_at_most);
}
