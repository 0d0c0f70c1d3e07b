// SPDX-License-Identifier: MIT
// Calls from other threads: taken and made exactly once, or refused.
#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Driven;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;

TEST_CASE_TEMPLATE("calls are refused from the end of a stopped run until the next one", On, OnPoll,
                   OnVirtualTime) {
  On on;
  int calls = 0;
  const auto call = [&] { return on.reactor.call_from_thread([&] { ++calls; }); };

  CHECK(call());  // before the first run
  on.reactor.stop();
  on.reactor.run();
  CHECK(calls == 1);  // what was taken has been called

  CHECK_FALSE(call());
  on.reactor.post([&] {
    CHECK(call());
    on.reactor.stop();
  });
  on.reactor.run();
  CHECK(calls == 2);
}

TEST_CASE_TEMPLATE(
    "a call made in the last turn, or by a shutdown trigger, is made before run() "
    "returns",
    On, OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  on.reactor
      .at_shutdown(Phase::after, [&] { CHECK(on.reactor.call_from_thread([&] { ++calls; })); })
      .detach();
  on.reactor.post([&] {
    on.reactor.stop();
    CHECK(on.reactor.call_from_thread([&] { ++calls; }));
  });

  on.reactor.run();

  CHECK(calls == 2);
}

TEST_CASE("the last calls may call: that is refused") {
  OnPoll on;
  bool taken = true;
  bool takes_calls = true;
  CHECK(on.reactor.call_from_thread([&] {
    takes_calls = on.reactor.remote().takes_calls();
    taken = on.reactor.call_from_thread([] { FAIL("called"); });
  }));
  on.reactor.stop();
  on.reactor.run();

  CHECK_FALSE(takes_calls);
  CHECK_FALSE(taken);
}

TEST_CASE("takes_calls() is what call_from_thread() would give") {
  std::optional<OnPoll> on(std::in_place);
  const RemoteReactor remote = on->reactor.remote();
  const auto agrees = [&](bool takes) {
    return remote.takes_calls() == takes && remote.call_from_thread([] {}) == takes;
  };

  CHECK(agrees(true));
  on->reactor.stop();
  on->reactor.run();
  CHECK(agrees(false));
  on->reactor.post([&] {
    CHECK(agrees(true));
    on->reactor.stop();
  });
  on->reactor.run();
  on.reset();
  CHECK(agrees(false));
}

TEST_CASE("a call may ask which reactor makes it") {
  OnPoll on;
  Reactor* by = nullptr;
  CHECK(on.reactor.call_from_thread([&](Reactor& reactor) { by = &reactor; }));
  CHECK(on.reactor.remote().call_from_thread([&](Reactor& reactor) { reactor.stop(); }));
  on.reactor.run();

  CHECK(by == &on.reactor);
}

TEST_CASE("run_until() that ends by its result, and a crash, refuse as they should") {
  OnPoll on;
  const auto one = []() -> Task<int> { co_return 1; };
  on.reactor.run_until(spawn(on.reactor, one).deferred());
  CHECK(on.reactor.call_from_thread([] {}));

  on.reactor.post([&] { on.reactor.crash(); });
  on.reactor.run();
  CHECK_FALSE(on.reactor.call_from_thread([] {}));
}

TEST_CASE("a wait that another thread answers between two runs is answered in the next") {
  OnPoll on;
  std::optional<RemoteWaiter<int>> remote;
  int got = 0;
  struct Ask {
    explicit Ask(std::optional<RemoteWaiter<int>>& keep) : to(keep) {}
    void yield_to(Waiter<int> waiter) const { to.emplace(std::move(waiter).remote()); }
    std::optional<RemoteWaiter<int>>& to;
  };
  spawn(on.reactor, [&]() -> Task<> {
    const Ask ask(remote);
    got = co_await ask;
    on.reactor.stop();
  }).detach();
  on.turn();
  on.reactor.stop();
  on.reactor.run();

  std::thread([&] { std::move(*remote).resume(7); }).join();
  on.reactor.run();

  CHECK(got == 7);
}

// Twisted: isInIOThread.
TEST_CASE("a RemoteReactor knows the thread of its reactor from others") {
  const OnPoll on;
  const RemoteReactor remote = on.reactor.remote();
  bool elsewhere = true;

  std::thread([&] { elsewhere = remote.on_its_thread(); }).join();

  CHECK_FALSE(elsewhere);
  CHECK(remote.on_its_thread());
}

TEST_CASE("a RemoteReactor may outlive its reactor: calls are refused, stop() does nothing") {
  std::optional<RemoteReactor> remote;
  {
    OnPoll on;
    remote.emplace(on.reactor.remote());
    CHECK(remote->on_its_thread());
    CHECK(remote->call_from_thread([] { FAIL("the reactor never ran"); }));
  }
  const RemoteReactor copy = *remote;
  remote.reset();
  std::thread([&] {
    CHECK_FALSE(copy.on_its_thread());
    CHECK_FALSE(copy.call_from_thread([] {}));
    copy.stop();
  }).join();
}

TEST_CASE("each call of many threads is made once or refused, while the reactor starts and stops") {
  constexpr int threads = 4, each = 5000;
  std::atomic<int> taken{0}, refused{0}, left{threads};
  int made = 0;
  {
    OnPoll on;
    std::vector<std::thread> callers;
    for (int i = 0; i < threads; ++i) {
      callers.emplace_back([&, remote = on.reactor.remote()] {
        for (int n = 0; n < each; ++n) {
          ++(remote.call_from_thread([&] { ++made; }) ? taken : refused);
          if (n % 500 == 0) remote.stop();
        }
        --left;
        remote.stop();
      });
    }
    do {  // at least once: they may be done before the first run
      const DelayedCall end = on.reactor.call_later(1ms, [&] { on.reactor.stop(); });
      on.reactor.run();
    } while (left > 0);
    for (std::thread& caller : callers) caller.join();
    CHECK(made == taken);  // no further run: what was taken was made before the last one returned
  }
  CHECK(taken + refused == threads * each);
}
