// SPDX-License-Identifier: MIT
//
// Names that a function looks up which blocks: how many at once, and what becomes of those that do
// not come back. Runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "deferred/io/names.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/manual_pool.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Address;

namespace {

using Addresses = std::vector<Address>;
Addresses one_address() { return {*Address::ip("192.0.2.7", 0)}; }

/// A resolver that says nothing until it is let go. The calls share it.
class Stuck {
 public:
  Addresses ask(const std::string& host) {
    std::unique_lock lock(mutex_);
    threads_.insert({std::this_thread::get_id(), host});
    asked_.push_back(host);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return go_; });
    --inside_;
    ++ended_;
    changed_.notify_all();
    return one_address();
  }
  /// Waits until so many calls are inside.
  void wait_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ == count; });
  }
  void wait_ended(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ == count; });
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    go_ = true;
    changed_.notify_all();
  }
  std::size_t threads() {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }
  std::vector<std::string> asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::thread::id, std::string> threads_;
  std::vector<std::string> asked_;
  int inside_ = 0;
  int ended_ = 0;
  bool go_ = false;
};

/// A reactor whose names are stuck; at the end of a test they are let go.
struct StuckNames {
  StuckNames() {
    io::names::use(*reactor, io::names::in_threads([stuck = stuck](const std::string& host) {
      return stuck->ask(host);
    }));
  }
  StuckNames(const StuckNames&) = delete;
  StuckNames& operator=(const StuckNames&) = delete;
  ~StuckNames() { stuck->let_go(); }
  auto begin(int number) {
    return spawn(*reactor, io::names::look_up("n" + std::to_string(number) + ".example"));
  }
  void turns(int count) {
    while (count-- > 0) reactor->backend().run_once(false);
  }

  std::shared_ptr<Stuck> stuck = std::make_shared<Stuck>();
  Unhandled unhandled;
  std::optional<Reactor> reactor{std::in_place};
};

TEST_CASE_FIXTURE(StuckNames, "two names are looked up at once, each in a thread, others wait") {
  std::vector<Spawned<Addresses>> all;
  for (int i = 0; i < 5; ++i) all.push_back(begin(i));
  turns(3);
  stuck->wait_inside(2);
  CHECK(stuck->asked().size() == 2);

  stuck->let_go();
  for (auto& each : all) CHECK(reactor->run_until(std::move(each)) == one_address());

  CHECK(stuck->asked().size() == 5);
  CHECK(stuck->threads() == 2);
}

TEST_CASE_FIXTURE(StuckNames, "the reactor goes on while names are stuck") {
  auto slow = begin(1);
  turns(3);
  stuck->wait_inside(1);

  const int answer = reactor->run_until([]() -> Task<int> {
    co_await Pause{1ms};
    co_return 7;
  }());

  CHECK(answer == 7);
  CHECK_FALSE(slow.done());
}

TEST_CASE_FIXTURE(StuckNames,
                  "a look-up that is cancelled ends at once, however stuck its name is") {
  auto slow = begin(1);
  turns(3);
  stuck->wait_inside(1);

  slow.task().cancel();
  turns(3);

  REQUIRE(slow.done());
  CHECK(std::move(slow).deferred().result().check<Cancelled>());
}

TEST_CASE_FIXTURE(StuckNames,
                  "a name whose look-up was cancelled in the queue is never asked for") {
  auto first = begin(1);
  auto second = begin(2);
  turns(3);
  stuck->wait_inside(2);
  auto third = begin(3);
  auto fourth = begin(4);
  turns(3);

  third.task().cancel();
  turns(3);
  CHECK(third.done());
  stuck->let_go();
  static_cast<void>(reactor->run_until(std::move(fourth)));

  const auto asked = stuck->asked();
  CHECK(std::find(asked.begin(), asked.end(), "n3.example") == asked.end());
  static_cast<void>(std::move(third).deferred().result());
}

TEST_CASE_FIXTURE(StuckNames,
                  "a reactor ends although its names are stuck, and they come to nothing") {
  auto first = begin(1);
  auto second = begin(2);
  auto queued = begin(3);
  turns(3);
  stuck->wait_inside(2);

  reactor.reset();

  CHECK(first.done());
  CHECK(queued.done());
  stuck->let_go();
  stuck->wait_ended(2);
  CHECK(stuck->asked().size() == 2);
  static_cast<void>(std::move(first).deferred().result());
  static_cast<void>(std::move(second).deferred().result());
  static_cast<void>(std::move(queued).deferred().result());
}

TEST_CASE("a thread that is left holds what it asks with until it is done") {
  auto stuck = std::make_shared<Stuck>();
  const std::weak_ptr<Stuck> seen = stuck;
  {
    Reactor reactor;
    io::names::use(reactor, io::names::in_threads(
                                [stuck](const std::string& host) { return stuck->ask(host); }));
    spawn(reactor, io::names::look_up("example.org"));
    for (int i = 0; i < 3; ++i) reactor.backend().run_once(false);
    stuck->wait_inside(1);
  }

  CHECK(stuck.use_count() > 1);

  stuck->let_go();
  stuck.reset();
  while (!seen.expired()) std::this_thread::yield();
}

TEST_CASE("a thread that has answered ends with its reactor") {
  struct Ends {
    explicit Ends(std::atomic<bool>& flag) : ended(flag) {}
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() { ended = true; }
    std::atomic<bool>& ended;
  };
  std::atomic<bool> ended{false};
  {
    Reactor reactor;
    io::names::use(reactor, io::names::in_threads([&ended](const std::string&) {
                     static thread_local const Ends ends(ended);
                     return one_address();
                   }));
    static_cast<void>(reactor.run_until(io::names::look_up("example.org")));
    CHECK_FALSE(ended);
  }

  while (!ended) std::this_thread::yield();
}

TEST_CASE("what the function throws is thrown at the look-up") {
  Reactor reactor;
  io::names::use(reactor, io::names::in_threads([](const std::string&) -> Addresses {
                   throw std::runtime_error("no luck");
                 }));

  CHECK_THROWS_WITH_AS(static_cast<void>(reactor.run_until(io::names::look_up("example.org"))),
                       "no luck", std::runtime_error);
}

TEST_CASE_FIXTURE(StuckNames, "a name that waits for a thread is abandoned if its source goes") {
  const auto ask = [stuck = stuck](const std::string& host) { return stuck->ask(host); };
  auto source = io::names::in_threads(ask);
  auto first = spawn(*reactor, source->look_up("n1.example"));
  auto second = spawn(*reactor, source->look_up("n2.example"));
  turns(3);
  stuck->wait_inside(2);
  auto third = spawn(*reactor, source->look_up("n3.example"));
  turns(3);

  source.reset();
  turns(3);

  REQUIRE(third.done());
  CHECK(std::move(third).deferred().result().check<AbandonedError>());
  CHECK_FALSE(first.done());
  CHECK_FALSE(second.done());
}

/// In virtual time, on a pool that is run by hand.
struct ByHand : Loop {
  ByHand() {
    const auto ask = [this](const std::string& host) {
      asked.push_back(host);
      return one_address();
    };
    io::names::use(reactor, io::names::in_threads(ask, pool));
  }
  std::shared_ptr<ManualPool> pool = std::make_shared<ManualPool>();
  std::vector<std::string> asked;
};

TEST_CASE_FIXTURE(ByHand, "64 names are given to the pool, and the others in their turn") {
  std::vector<Spawned<Addresses>> all;
  for (int i = 0; i < 70; ++i) {
    all.push_back(spawn(reactor, io::names::look_up("n" + std::to_string(i))));
  }
  settle();
  CHECK(pool->queued() == 64);

  pool->run_one();
  settle();
  CHECK(pool->queued() == 64);
  all[69].task().cancel();  // it waits for its turn
  all[1].task().cancel();   // it is the pool's
  settle();
  CHECK(all[1].done());
  CHECK(all[69].done());
  CHECK(pool->queued() == 64);
  while (pool->run_all() > 0) settle();

  CHECK(asked.size() == 68);
  for (const Spawned<Addresses>& each : all) CHECK(each.done());
}

}  // namespace
