// SPDX-License-Identifier: MIT
//
// The explorer itself: that it finds what it should, and takes all orders.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "deferred/memory/atomic.hpp"
#include "tests/interleavings/checks.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

TEST_CASE("explore: an update that is lost between a load and a store is found") {
  check_found(
      "lost update",
      [](Interleaving& run) {
        detail::Atomic<int> x{0};
        const auto add = [&] { x.store(x.load() + 1); };
        run.run({add, add});
        run.check(x.load() == 2, "an update was lost");
      },
      "an update was lost");
  check_all("no lost update", [](Interleaving& run) {
    detail::Atomic<int> x{0};
    const auto add = [&] { x.fetch_add(1); };
    run.run({add, add, add});
    run.check(x.load() == 3, "an update was lost");
  });
}

TEST_CASE("explore: two threads that take two locks in two orders are found") {
  check_found(
      "two orders",
      [](Interleaving& run) {
        detail::Mutex first, second;
        const auto take = [](detail::Mutex& one, detail::Mutex& other) {
          const std::lock_guard lock(one);
          const std::lock_guard inner(other);
        };
        run.run({[&] { take(first, second); }, [&] { take(second, first); }});
      },
      "thread 0 waits for a Mutex, thread 1 waits for a Mutex");
}

TEST_CASE("explore: what is leaked, and what is used after its end, is found") {
  check_found(
      "leak", [](Interleaving& run) { run.run({[] { new detail::Atomic<int>; }}); }, "leaked");
  check_found(
      "late use",
      [](Interleaving& run) {
        auto x = std::make_unique<detail::Atomic<int>>(0);
        detail::Atomic<int>* const seen = x.get();
        run.run({[&] { seen->store(1); }, [&] { x.reset(); }});
      },
      "an Atomic was used after its end");
}

TEST_CASE("explore: the steps of two threads come in all orders that two preemptions allow") {
  std::vector<std::string> orders;
  const Explored explored = explore([&](Interleaving& run) {
    std::string order;
    const auto step = [&order](char who) {
      exploring::point();
      order += who;
    };
    run.run({[&] { step('a'), step('a'); }, [&] { step('b'), step('b'); }});
    orders.push_back(order);
  });

  CHECK(explored.complete);
  for (const char* order : {"aabb", "abab", "abba", "baab", "baba", "bbaa"}) {
    CHECK_MESSAGE(std::count(orders.begin(), orders.end(), order) > 0, order);
  }
}

}  // namespace
