// SPDX-License-Identifier: MIT
// What other threads may do with a reactor: call_from_thread, stop and RemoteWaiter.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

namespace {

/// A yieldable that gives its RemoteWaiter away.
class Handed {
 public:
  explicit Handed(std::optional<RemoteWaiter<int>>& to) : to_(to) {}
  void yield_to(Waiter<int> waiter) const { to_.emplace(std::move(waiter).remote()); }

 private:
  std::optional<RemoteWaiter<int>>& to_;
};

Task<> wait_for(std::optional<RemoteWaiter<int>>& hand, std::vector<int>& got) {
  Handed handed(hand);
  try {
    got.push_back(co_await handed);
  } catch (const AbandonedError&) {
    got.push_back(-1);
  } catch (const std::runtime_error&) {
    got.push_back(-2);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("call_from_thread wakes a run() that has nothing to do", On, OnPoll,
                   OnVirtualTime) {
  On on;
  for (int i = 0; i < 200; ++i) {
    std::thread other;
    on.reactor.post([&] {  // in run(), for between two runs the call would be refused
      other = std::thread([&] {
        on.reactor.call_from_thread([&, caller = std::this_thread::get_id()] {
          CHECK(caller != std::this_thread::get_id());
          on.reactor.stop();
        });
      });
    });
    on.reactor.run();
    other.join();
  }
}

TEST_CASE_TEMPLATE("stop() from a thread ends a run() that has nothing to do", On, OnPoll,
                   OnVirtualTime) {
  On on;
  for (int i = 0; i < 200; ++i) {
    std::thread other([&] { on.reactor.stop(); });
    on.reactor.run();
    other.join();
  }
}

TEST_CASE_TEMPLATE("the calls of each thread keep their order and are called exactly once", On,
                   OnPoll, OnVirtualTime) {
  On on;
  constexpr int threads = 4, each = 5000;
  std::vector<std::vector<int>> seen(threads);
  int ended = 0;
  std::vector<std::thread> others;
  for (int thread = 0; thread < threads; ++thread) {
    others.emplace_back([&, thread] {
      for (int i = 0; i < each; ++i) {
        on.reactor.call_from_thread([&seen, thread, i] { seen[thread].push_back(i); });
      }
      on.reactor.call_from_thread([&] {
        if (++ended == threads) on.reactor.stop();
      });
    });
  }

  on.reactor.run();
  for (std::thread& other : others) other.join();

  for (const std::vector<int>& one : seen) {
    REQUIRE(one.size() == each);
    for (int i = 0; i < each; ++i) {
      if (one[i] != i) FAIL("out of order");
    }
  }
}

// Twisted: test_wakerOverflow.
TEST_CASE_TEMPLATE("a hundred thousand calls between two turns wait for nobody, and are all made",
                   On, OnPoll, OnVirtualTime) {
  On on;
  constexpr int many = 100'000, of_a_turn = 1024;
  int made = 0;
  on.reactor.call_from_thread([] {});
  on.turn();
  std::thread([&] {
    for (int i = 0; i < many; ++i) {
      on.reactor.backend().wake();
      on.reactor.call_from_thread([&] { ++made; });
    }
  }).join();
  CHECK(made == 0);

  for (int turn = 0; turn * of_a_turn < many; ++turn) on.turn();

  CHECK(made == many);
}

TEST_CASE_TEMPLATE("calls made before run() wait for it", On, OnPoll, OnVirtualTime) {
  On on;
  bool called = false;
  std::thread([&] {
    on.reactor.call_from_thread([&] {
      called = true;
      on.reactor.stop();
    });
  }).join();
  CHECK_FALSE(called);

  on.reactor.run();

  CHECK(called);
}

TEST_CASE_TEMPLATE("a flood of calls starves neither timers nor descriptors", On, OnPoll,
                   OnVirtualTime) {
  On on;
  SocketPair pair;
  std::atomic<bool> enough{false};
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    enough = true;
    on.reactor.stop();
  });
  const DelayedCall timer = on.reactor.call_later(1ms, [&] { pair.write(1); });
  std::thread other([&] {
    while (!enough) {
      on.reactor.call_from_thread([] {});
      std::this_thread::yield();
    }
  });

  on.reactor.run();
  other.join();

  CHECK(enough);
}

TEST_CASE_TEMPLATE("two reactors in two threads pass a ball", On, OnPoll, OnVirtualTime) {
  On here;
  Reactor* there = nullptr;
  std::atomic<bool> ready{false};
  int hits = 0;
  struct Player {
    Reactor& self;
    Reactor& other;
    int& hits;
    void hit(Player& opponent) {
      if (++hits == 1000) {
        other.stop();
        self.stop();
        return;
      }
      other.call_from_thread([this, &opponent] { opponent.hit(*this); });
    }
  };
  std::thread thread([&] {
    Reactor reactor;
    there = &reactor;
    ready = true;
    reactor.run();
  });
  while (!ready) std::this_thread::yield();
  Player mine{here.reactor, *there, hits};
  Player theirs{*there, here.reactor, hits};
  here.reactor.post([&] { mine.hit(theirs); });

  here.reactor.run();
  thread.join();

  CHECK(hits == 1000);
}

TEST_CASE_TEMPLATE("a RemoteWaiter answered, failed or dropped in a thread ends the wait so", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::vector<int> got;
  std::optional<RemoteWaiter<int>> hands[3];
  for (auto& hand : hands) spawn(on.reactor, wait_for(hand, got)).detach();
  on.turn();

  std::thread([&] {
    std::move(*hands[0]).resume(7);
    std::move(*hands[1]).throw_(std::runtime_error("no"));
    hands[2].reset();
  }).join();
  CHECK(got.empty());
  on.turn();

  CHECK(got == std::vector<int>{7, -2, -1});
}

TEST_CASE_TEMPLATE("a RemoteWaiter's answer wakes a run() that has nothing to do", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::vector<int> got;
  for (int i = 0; i < 100; ++i) {
    std::optional<RemoteWaiter<int>> hand;
    std::thread other;
    const auto main_task = [&]() -> Task<> {
      spawn(on.reactor, [&]() -> Task<> {
        other = std::thread([&hand, i] { std::move(*hand).resume(i); });
        co_return;
      }).detach();
      co_await wait_for(hand, got);
    };
    on.reactor.run(main_task());
    other.join();
  }

  CHECK(got.size() == 100);
  CHECK(got.back() == 99);
}

TEST_CASE_TEMPLATE("a RemoteWaiter that outlives its reactor does nothing", On, OnPoll,
                   OnVirtualTime) {
  std::vector<int> got;
  std::optional<RemoteWaiter<int>> hands[3];
  {
    On on;
    for (auto& hand : hands) spawn(on.reactor, wait_for(hand, got)).detach();
    on.turn();
  }

  std::thread([&] {
    std::move(*hands[0]).resume(7);
    std::move(*hands[1]).throw_(std::runtime_error("no"));
    hands[2].reset();
  }).join();

  CHECK(got.empty());
}

TEST_CASE_TEMPLATE("an answer that comes after a cancel is lost without harm", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::vector<int> got;
  std::optional<RemoteWaiter<int>> hand;
  auto waiting = spawn(on.reactor, wait_for(hand, got));
  on.turn();

  waiting.task().close();
  std::thread([&] { std::move(*hand).resume(7); }).join();
  on.turn();

  CHECK(got.empty());
  CHECK(on.reactor.task_count() == 0);
}

// A stress: between its push and its wake-up the answering thread used an inbox that was freed. The
// window is a few instructions wide, and seldom hit.
TEST_CASE_TEMPLATE("a thread may answer while the reactor takes the answer and dies", On, OnPoll,
                   OnVirtualTime) {
  for (int i = 0; i < 300; ++i) {
    std::vector<int> got;
    std::optional<RemoteWaiter<int>> hand;
    std::thread other;
    {
      On on;
      spawn(on.reactor, wait_for(hand, got)).detach();
      on.turn();
      other = std::thread([&hand, i] { std::move(*hand).resume(i); });
      while (i % 3 != 0 && got.empty()) on.turn();
    }
    other.join();
  }
}

TEST_CASE_TEMPLATE("calls that were not taken are destroyed with the reactor, uncalled", On, OnPoll,
                   OnVirtualTime) {
  const auto held = std::make_shared<int>();
  bool called = false;
  {
    On on;
    std::thread([&] { on.reactor.call_from_thread([&called, held] { called = true; }); }).join();
  }

  CHECK(held.use_count() == 1);
  CHECK_FALSE(called);
}

TEST_CASE_TEMPLATE("call_from_thread is refused while the reactor is being destroyed", On, OnPoll,
                   OnVirtualTime) {
  bool taken = true;
  struct CallsAtItsEnd {
    Reactor& reactor;
    bool& taken;
    ~CallsAtItsEnd() {
      taken = reactor.call_from_thread([] {});
    }
  };
  {
    On on;
    on.reactor.call_from_thread(
        [end = std::make_unique<CallsAtItsEnd>(CallsAtItsEnd{on.reactor, taken})] {});
    taken = true;
  }

  CHECK_FALSE(taken);
}
