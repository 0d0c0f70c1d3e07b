// SPDX-License-Identifier: MIT
// How often the heap is asked, and what happens when it says no.
#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/deferred.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Unhandled;

namespace {

int allocations = 0;
bool heap_is_empty = false;

void* take(std::size_t size, std::size_t align) {
  if (heap_is_empty) throw std::bad_alloc();
  ++allocations;
  void* const memory = std::aligned_alloc(align, (size + align - 1) / align * align);
  if (!memory) throw std::bad_alloc();
  return memory;
}

// Recycling is off under sanitizers, and with it these counts.
template <class F>
int allocations_of_warm(F&& f) {
  for (int i = 0; i < 3; ++i) f();
  allocations = 0;
  f();
  return allocations;
}

struct Refused {
  int code;
};

}  // namespace

void* operator new(std::size_t size) { return take(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t align) {
  return take(size, static_cast<std::size_t>(align));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

TEST_CASE_FIXTURE(Unhandled,
                  "a pending chain of three small callbacks allocates nothing once warm") {
  const int counted = allocations_of_warm([] {
    auto [promise, deferred] = make_deferred<int>();
    int k = 3;
    auto rest = std::move(deferred)
                    .add_callback([k](int i) { return i + k; })
                    .add_callback([k](int i) { return i * k; })
                    .add_callback([k](int i) { return long(i - k); });
    promise.callback(1);
    CHECK(std::move(rest).result().value() == 9);
  });

  CHECK(counted == 0);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure past two callbacks to a typed errback allocates nothing once warm") {
  const int counted = allocations_of_warm([] {
    auto [promise, deferred] = make_deferred<int>();
    auto rest = std::move(deferred)
                    .add_callback([](int i) { return i + 1; })
                    .add_callback([](int i) { return i + 1; })
                    .add_errback([](const Refused& refused) { return refused.code; });
    promise.errback(Refused{7});
    CHECK(std::move(rest).result().value() == 7);
  });

  CHECK(counted == 0);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a chain that waits for another, with a canceller, allocates nothing once warm") {
  const int counted = allocations_of_warm([] {
    auto [inner_promise, made] = make_deferred<int>([] {});
    auto [promise, deferred] = make_deferred<void>();
    auto rest = std::move(deferred).add_callback(
        [inner = std::move(made)]() mutable { return std::move(inner); });
    promise.callback();
    inner_promise.callback(5);
    CHECK(std::move(rest).result().value() == 5);
  });

  CHECK(counted == 0);
}

TEST_CASE_FIXTURE(Unhandled, "a Deferred that is ready from the start never allocates") {
  allocations = 0;

  const int result = succeed(1).add_callback([](int i) { return i + 1; }).result().value();

  const int counted = allocations;
  CHECK(counted == 0);
  CHECK(result == 2);
}

TEST_CASE_FIXTURE(Unhandled,
                  "callbacks added to a fired chain one after the other allocate nothing") {
  auto [promise, deferred] = make_deferred<int>();
  promise.callback(0);
  allocations = 0;

  for (int i = 0; i < 100; ++i) {
    deferred = std::move(deferred).add_callback([i](int n) { return n + i; });
  }

  const int counted = allocations;
  CHECK(counted == 0);
  CHECK(std::move(deferred).result().value() == 4950);
}

TEST_CASE_FIXTURE(Unhandled, "a callback that finds no memory is refused, and nothing is lost") {
  struct Big {
    char bytes[400] = {};
  } big;
  auto [promise, made] = make_deferred<int>();
  auto deferred = std::move(made).add_callback([](int i) { return i + 1; });
  bool refused = false;

  heap_is_empty = true;
  try {
    std::move(deferred).add_callback([big](int i) { return i + big.bytes[0]; }).detach();
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  heap_is_empty = false;

  CHECK(refused);
  promise.callback(1);
  CHECK(std::move(deferred).result().value() == 2);  // NOLINT: add_callback() did not take it
}

TEST_CASE_FIXTURE(Unhandled,
                  "an error that finds no memory is a bad_alloc, and the chain goes on") {
  auto [promise, made] = make_deferred<int>();
  auto deferred = std::move(made).add_errback([](const std::bad_alloc&) { return -1; });
  std::vector<Failure> all_recycled;
  all_recycled.reserve(10'000);
  const int before = allocations;
  while (allocations == before) all_recycled.emplace_back(Cancelled{});

  heap_is_empty = true;
  deferred.cancel();
  heap_is_empty = false;

  CHECK(std::move(deferred).result().value() == -1);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a timer for which there is no room is destroyed, and the others stay") {
  Reactor reactor;
  std::vector<DelayedCall> calls;
  {
    const DelayedCall warm =
        reactor.call_later(std::chrono::hours(1), [kept = std::make_shared<int>()] {});
  }
  for (int i = 0; i < 16; ++i) calls.push_back(reactor.call_later(std::chrono::hours(1), [] {}));
  const auto kept = std::make_shared<int>();

  heap_is_empty = true;
  bool refused = false;
  try {
    reactor.call_later(std::chrono::hours(1), [kept] {}).detach();
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  heap_is_empty = false;

  CHECK(refused);
  CHECK(kept.use_count() == 1);
  CHECK(reactor.timer_count() == 16);
}

TEST_CASE_FIXTURE(Unhandled, "a timer that cannot be reset for want of room keeps its deadline") {
  Reactor reactor;
  std::vector<DelayedCall> calls;
  for (int i = 0; i < 16; ++i) calls.push_back(reactor.call_later(std::chrono::hours(1), [] {}));
  const TimePoint deadline = calls[3].time();

  heap_is_empty = true;
  bool refused = false;
  try {
    calls[3].reset(std::chrono::hours(2));
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  heap_is_empty = false;

  CHECK(refused);
  CHECK(calls[3].active());
  CHECK(calls[3].time() == deadline);
}
