// SPDX-License-Identifier: MIT
// A reactor, and the handles, Deferreds and Waiters made with it, may be destroyed in any order.
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

namespace {

/// Calls something at its end.
template <class F>
class AtEnd {
 public:
  explicit AtEnd(F f) : f_(std::move(f)) {}
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;
  ~AtEnd() { f_(); }

 private:
  F f_;
};
template <class F>
std::shared_ptr<AtEnd<F>> at_end(F f) {
  return std::make_shared<AtEnd<F>>(std::move(f));
}

/// A yieldable that keeps its Waiter where the test can reach it.
class Kept {
 public:
  explicit Kept(std::optional<Waiter<int>>& to) : to_(to) {}
  void yield_to(Waiter<int> waiter) const { to_.emplace(std::move(waiter)); }

 private:
  std::optional<Waiter<int>>& to_;
};

}  // namespace

TEST_CASE_TEMPLATE("what was set and posted is destroyed with the reactor, uncalled", On, OnPoll,
                   OnVirtualTime) {
  const auto held = std::make_shared<int>();
  SocketPair pair;
  Watch watch;
  bool called = false;
  {
    On on;
    const auto call = [&called, held] { called = true; };
    on.reactor.post(call);
    on.reactor.call_from_thread(call);
    on.reactor.call_later(0s, call).detach();
    watch = on.reactor.watch(pair[0], Ready::write, call);
  }

  CHECK(held.use_count() == 1);
  CHECK_FALSE(called);
}

TEST_CASE_TEMPLATE("a DelayedCall that outlives its reactor is inactive and harmless", On, OnPoll,
                   OnVirtualTime) {
  DelayedCall call;
  {
    On on;
    call = on.reactor.call_later(1h, [] {});
  }

  CHECK_FALSE(call.active());
  CHECK_FALSE(call.cancel());
  CHECK_THROWS_AS(call.reset(1s), AlreadyCalledError);
}

// Its deadline was lost: time() gave zero.
TEST_CASE_TEMPLATE("a DelayedCall keeps its deadline after its reactor's end", On, OnPoll,
                   OnVirtualTime) {
  DelayedCall call;
  TimePoint deadline{};
  {
    On on;
    call = on.reactor.call_later(1h, [] {});
    deadline = call.time();
  }

  CHECK(call.time() == deadline);
}

TEST_CASE_TEMPLATE("a Watch that outlives its reactor is inactive and harmless", On, OnPoll,
                   OnVirtualTime) {
  SocketPair pair;
  Watch watch;
  {
    On on;
    watch = on.reactor.watch(pair[0], Ready::read, [] {});
  }

  CHECK_FALSE(watch.active());
  watch.set_interest(Ready::both);
}

TEST_CASE_TEMPLATE("microthreads are closed with the reactor: destructors run, leaf first", On,
                   OnPoll, OnVirtualTime) {
  std::string log;
  {
    On on;
    const auto leaf = [&]() -> Task<> {
      const auto end = at_end([&] { log += "leaf "; });
      co_await Pause{1h};
    };
    spawn(on.reactor, [&]() -> Task<> {
      const auto end = at_end([&] { log += "root "; });
      co_await leaf();
    }).detach();
    on.turn();
    CHECK(log == "");
  }

  CHECK(log == "leaf root ");
}

TEST_CASE_TEMPLATE("a microthread that has not started is destroyed without a run", On, OnPoll,
                   OnVirtualTime) {
  const auto held = std::make_shared<int>();
  bool ran = false;
  {
    On on;
    spawn(on.reactor, [&ran, held]() -> Task<> {
      ran = true;
      co_return;
    }).detach();
  }

  CHECK(held.use_count() == 1);
  CHECK_FALSE(ran);
}

TEST_CASE_TEMPLATE("the Deferred of a microthread that its reactor closed has an AbandonedError",
                   On, OnPoll, OnVirtualTime) {
  Deferred<void> before;
  std::optional<Spawned<void>> spawned;
  {
    On on;
    const auto waiting = []() -> Task<> { co_await Pause{1h}; };
    before = spawn(on.reactor, waiting);
    spawned = spawn(on.reactor, waiting);
    on.turn();
  }

  REQUIRE(before.has_result());
  CHECK(std::move(before).result().template check<AbandonedError>());
  Deferred<void> after = *std::move(spawned);
  REQUIRE(after.has_result());
  CHECK(std::move(after).result().template check<AbandonedError>());
}

TEST_CASE_TEMPLATE("Waiters and TaskRefs that outlive the reactor do nothing", On, OnPoll,
                   OnVirtualTime) {
  std::optional<Waiter<int>> waiter;
  TaskRef task;
  {
    On on;
    task = spawn(on.reactor, [&]() -> Task<int> { co_return co_await Kept{waiter}; }).task();
    on.turn();
    REQUIRE(waiter);
    CHECK(waiter->pending());
  }

  CHECK_FALSE(waiter->pending());
  CHECK_FALSE(waiter->resume(1));
  CHECK_THROWS_AS((void)waiter->reactor(), NoReactorError);
  CHECK(task.done());
  task.cancel();
  task.close();
}

TEST_CASE_TEMPLATE("a Promise that outlives the reactor fires to nobody", On, OnPoll,
                   OnVirtualTime) {
  auto [promise, pending] = make_deferred<int>();
  {
    On on;
    spawn(on.reactor, [&]() -> Task<> { co_await std::move(pending); }).detach();
    on.turn();
  }

  CHECK(promise.fired());  // the abandoned await has cancelled it
}

TEST_CASE_TEMPLATE("a Registration may outlive the reactor", On, OnPoll, OnVirtualTime) {
  Registration registration;
  {
    On on;
    registration = on.reactor.registry().template when_type<Pause>(
        [](const Pause&, Waiter<void> waiter) { waiter.resume(); });
  }
}

TEST_CASE_TEMPLATE("destructors that run with the reactor may still use it", On, OnPoll,
                   OnVirtualTime) {
  SocketPair pair;
  bool called = false;
  DelayedCall late_call;
  Watch late_watch;
  {
    On on;
    const auto busy = [&] {
      on.reactor.post([&] { called = true; });
      on.reactor.call_from_thread([&] { called = true; });
      late_call = on.reactor.call_later(0s, [&] { called = true; });
      late_watch = on.reactor.watch(pair[0], Ready::write, [&] { called = true; });
      spawn(on.reactor, [&]() -> Task<> {
        called = true;
        co_return;
      }).detach();
    };
    spawn(on.reactor, [&]() -> Task<> {
      const auto end = at_end(busy);
      co_await Pause{1h};
    }).detach();
    on.turn();
    on.reactor.post([end = at_end(busy)] {});
    on.reactor.call_from_thread([end = at_end(busy)] {});
    on.reactor.call_later(1h, [end = at_end(busy)] {}).detach();
    const Watch watch = on.reactor.watch(pair[1], Ready::read, [end = at_end(busy)] {});
  }

  CHECK_FALSE(called);
  CHECK_FALSE(late_call.active());
  CHECK_FALSE(late_watch.active());
}

// The last to be let go of were the watches, and one that was made then stayed behind.
TEST_CASE_TEMPLATE("a watch made while the reactor lets go of its watches is let go of too", On,
                   OnPoll, OnVirtualTime) {
  SocketPair low, high;
  Watch first, late;
  {
    On on;
    first = on.reactor.watch(
        high[0], Ready::read,
        [&, end = at_end([&] { late = on.reactor.watch(low[0], Ready::read, [] {}); })] {});
  }

  CHECK_FALSE(late.active());
}

TEST_CASE_TEMPLATE("handles that callables own go with the reactor, cycles included", On, OnPoll,
                   OnVirtualTime) {
  const auto held = std::make_shared<int>();
  SocketPair pair;
  {
    On on;
    const auto call = std::make_shared<DelayedCall>();
    *call = on.reactor.call_later(1h, [call, held] {});
    const auto watch = std::make_shared<Watch>();
    *watch = on.reactor.watch(pair[0], Ready::read, [watch, held] {});
  }

  CHECK(held.use_count() == 1);
}

TEST_CASE("a backend that outlives its reactor serves the next one") {
  reactors::VirtualTime time;
  int calls = 0;
  for (int i = 0; i < 2; ++i) {
    Reactor reactor{time};
    reactor
        .call_later(1s,
                    [&] {
                      ++calls;
                      reactor.stop();
                    })
        .detach();
    reactor.call_later(1h, [&] { ++calls; }).detach();
    reactor.run();
  }

  CHECK(calls == 2);
  CHECK(time.now().time_since_epoch() == 2s);
}
