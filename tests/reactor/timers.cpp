// SPDX-License-Identifier: MIT
// call_later, call_at and DelayedCall.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;

TEST_CASE_TEMPLATE("timers are called in the order of their deadlines", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  const DelayedCall c = on.reactor.call_later(3ms, [&] { log += "c"; });
  const DelayedCall a = on.reactor.call_later(1ms, [&] { log += "a"; });
  const DelayedCall b = on.reactor.call_later(2ms, [&] { log += "b"; });

  on.run_for(4ms);

  CHECK(log == "abc");
}

TEST_CASE_TEMPLATE("timers of one deadline are called in the order they were set", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  std::vector<DelayedCall> calls;
  const TimePoint deadline = on.reactor.now() + 1ms;
  for (char letter = 'a'; letter <= 'z'; ++letter) {
    calls.push_back(on.reactor.call_at(deadline, [&log, letter] { log += letter; }));
  }

  on.run_for(2ms);

  CHECK(log == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE_TEMPLATE("a timer is not called before its time", On, OnPoll, OnVirtualTime) {
  On on;
  const TimePoint set = on.reactor.now();
  TimePoint called{};
  const DelayedCall call = on.reactor.call_later(2ms, [&] {
    called = on.reactor.now();
    on.reactor.stop();
  });

  on.reactor.run();

  CHECK(called >= set + 2ms);
}

TEST_CASE_TEMPLATE("cancel() withdraws the call, destroys its callable, and is true once", On,
                   OnPoll, OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  bool called = false;
  DelayedCall call = on.reactor.call_later(1ms, [&called, held] { called = true; });
  CHECK(call.active());

  CHECK(call.cancel());

  CHECK(held.use_count() == 1);
  CHECK_FALSE(call.active());
  CHECK_FALSE(call.cancel());
  on.run_for(2ms);
  CHECK_FALSE(called);
}

TEST_CASE_TEMPLATE("dropping a DelayedCall cancels it, and detach() lets it be", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  {
    const DelayedCall dropped = on.reactor.call_later(1ms, [&] { log += "dropped"; });
    on.reactor.call_later(1ms, [&] { log += "detached"; }).detach();
  }
  CHECK(on.reactor.timer_count() == 1);

  on.run_for(2ms);

  CHECK(log == "detached");
}

TEST_CASE_TEMPLATE("assigning to a DelayedCall cancels what it held", On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  DelayedCall call = on.reactor.call_later(1ms, [&] { log += "old"; });

  call = on.reactor.call_later(1ms, [&] { log += "new"; });
  on.run_for(2ms);

  CHECK(log == "new");
}

TEST_CASE_TEMPLATE("a timer set in a timer's call waits for the next turn, even with no delay", On,
                   OnPoll, OnVirtualTime) {
  On on;
  int calls = 0;
  DelayedCall inner;
  const DelayedCall outer = on.reactor.call_later(0s, [&] {
    ++calls;
    inner = on.reactor.call_later(0s, [&] { ++calls; });
  });

  on.turn();
  CHECK(calls == 1);
  on.turn();

  CHECK(calls == 2);
}

TEST_CASE_TEMPLATE("a zero or negative delay is due in the next turn, in the order they were set",
                   On, OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  const DelayedCall zero = on.reactor.call_later(0s, [&] { log += "zero "; });
  const DelayedCall negative = on.reactor.call_later(-1h, [&] { log += "negative "; });
  const DelayedCall least = on.reactor.call_later(Duration::min(), [&] { log += "least "; });
  CHECK(log.empty());

  on.turn();

  CHECK(log == "zero negative least ");
}

TEST_CASE_TEMPLATE(
    "a timer that a timer sets for the past does not get in front of those that are due", On,
    OnPoll, OnVirtualTime) {
  On on;
  std::string log;
  DelayedCall late;
  const TimePoint deadline = on.reactor.now();
  const DelayedCall first = on.reactor.call_at(deadline, [&] {
    log += "first ";
    late = on.reactor.call_at(deadline - 1h, [&] { log += "late "; });
  });
  const DelayedCall second = on.reactor.call_at(deadline, [&] { log += "second "; });

  on.turn();
  CHECK(log == "first second ");
  on.turn();

  CHECK(log == "first second late ");
}

TEST_CASE_TEMPLATE("a timer that a timer sets for the past is set for the present", On, OnPoll,
                   OnVirtualTime) {
  On on;
  TimePoint told;
  TimePoint present;
  DelayedCall late;
  const DelayedCall first = on.reactor.call_later(0s, [&] {
    present = on.reactor.now();
    late = on.reactor.call_at(present - 1h, [] {});
    told = late.time();
  });

  on.turn();

  CHECK(told == present);
}

TEST_CASE_TEMPLATE(
    "a timer may cancel most of those that are due with it, and the others keep their order", On,
    OnPoll, OnVirtualTime) {
  On on;
  constexpr std::size_t many = 1000;
  std::vector<DelayedCall> calls(many);
  std::vector<std::size_t> called;
  const TimePoint deadline = on.reactor.now();
  const DelayedCall first = on.reactor.call_at(deadline, [&] {
    for (std::size_t i = 0; i < many; ++i) {
      if (i % 10 != 0) calls[i].cancel();
    }
  });
  for (std::size_t i = 0; i < many; ++i) {
    calls[i] = on.reactor.call_at(deadline, [&called, i] { called.push_back(i); });
  }

  on.turn();

  CHECK(called.size() == many / 10);
  CHECK(std::is_sorted(called.begin(), called.end()));
}

// The time left was computed as deadline - now, which overflowed to centuries.
TEST_CASE_TEMPLATE("a deadline far in the past does not make run() wait", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const DelayedCall call = on.reactor.call_later(Duration::min(), [&] { on.reactor.stop(); });

  on.reactor.run();

  CHECK_FALSE(call.active());
}

TEST_CASE_TEMPLATE("a far future overflows nowhere", On, OnPoll, OnVirtualTime) {
  On on;
  DelayedCall longest = on.reactor.call_later(Duration::max(), [] {});
  DelayedCall long_one = on.reactor.call_later(Duration::max() - 1ns, [] {});
  DelayedCall moved = on.reactor.call_later(1h, [] {});
  DelayedCall reset = on.reactor.call_later(1h, [] {});
  if (on.reactor.now() == TimePoint()) on.run_for(1ms);  // or virtual time has nothing to add to
  moved.delay(Duration::max());
  reset.reset(Duration::max());

  on.run_for(1ms);

  CHECK(longest.active());
  CHECK(long_one.active());
  CHECK(moved.time() == TimePoint::max());
  CHECK(reset.time() == TimePoint::max());
}

TEST_CASE_TEMPLATE("a timer cancels another that is due in the same turn", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  std::string log;
  DelayedCall second;
  const DelayedCall first = on.reactor.call_later(0s, [&] {
    log += "first";
    CHECK(second.active());
    CHECK(second.cancel());
    CHECK(held.use_count() == 1);
  });
  second = on.reactor.call_later(0s, [&log, held] { log += "second"; });

  on.turn();

  CHECK(log == "first");
}

TEST_CASE_TEMPLATE("a timer postpones another that is due in the same turn", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  DelayedCall second;
  const DelayedCall first = on.reactor.call_later(0s, [&] {
    log += "first ";
    second.reset(0s);
  });
  second = on.reactor.call_later(0s, [&] { log += "second "; });
  const DelayedCall third = on.reactor.call_later(0s, [&] { log += "third "; });

  on.turn();
  CHECK(log == "first third ");
  on.turn();

  CHECK(log == "first third second ");
}

TEST_CASE_TEMPLATE("a timer that is due can be postponed and then cancelled", On, OnPoll,
                   OnVirtualTime) {
  On on;
  bool called = false;
  DelayedCall second;
  const DelayedCall first = on.reactor.call_later(0s, [&] {
    second.delay(1h);
    second.reset(0s);
    CHECK(second.cancel());
  });
  second = on.reactor.call_later(0s, [&] { called = true; });

  on.turn();
  on.turn();

  CHECK_FALSE(called);
  CHECK(on.reactor.timer_count() == 0);
}

TEST_CASE_TEMPLATE("inside its own call a timer is no longer active", On, OnPoll, OnVirtualTime) {
  On on;
  bool refused = false;
  DelayedCall call;
  call = on.reactor.call_later(0s, [&] {
    CHECK_FALSE(call.active());
    CHECK_FALSE(call.cancel());
    try {
      call.reset(1s);
    } catch (const AlreadyCalledError&) {
      refused = true;
    }
  });

  on.turn();

  CHECK(refused);
}

TEST_CASE_TEMPLATE("a timer may drop its own DelayedCall, which lives until it returns", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  long uses = 0;
  DelayedCall call;
  call = on.reactor.call_later(0s, [&call, &uses, &held, kept = held] {
    long& uses_outside = uses;
    auto& held_outside = held;
    call = DelayedCall();
    uses_outside = held_outside.use_count();
  });

  on.turn();

  CHECK(uses == 2);
  CHECK(held.use_count() == 1);
}

TEST_CASE_TEMPLATE("a timer may own its DelayedCall", On, OnPoll, OnVirtualTime) {
  On on;
  bool called = false;
  const auto own = std::make_shared<DelayedCall>();
  const std::weak_ptr<DelayedCall> watched = own;
  *own = on.reactor.call_later(0s, [&called, own] { called = true; });
  std::shared_ptr<DelayedCall>(own).reset();

  on.turn();

  CHECK(called);
  CHECK(own.use_count() == 1);
}

// The node was freed under its own callable's destructor.
TEST_CASE_FIXTURE(Loop, "a timer's callable may own the handle that cancels it") {
  struct Owner : std::enable_shared_from_this<Owner> {
    DelayedCall timer;
  };
  auto owner = std::make_shared<Owner>();
  const std::weak_ptr<Owner> gone = owner;
  Owner& alive = *owner;
  alive.timer =
      reactor.call_later(1s, [name = std::string(100, 'x'), owner] { CHECK(!name.empty()); });
  owner.reset();

  alive.timer.cancel();

  CHECK(gone.expired());
}

TEST_CASE_TEMPLATE("its callable is destroyed right after the call, not with the DelayedCall", On,
                   OnPoll, OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  const DelayedCall call = on.reactor.call_later(0s, [held] {});
  const DelayedCall next = on.reactor.call_later(0s, [&held] { CHECK(held.use_count() == 1); });

  on.turn();

  CHECK_FALSE(next.active());
}

// The list of due timers was reallocated under the loop that went through it.
TEST_CASE_TEMPLATE("a timer may set any number of timers while others are due", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::vector<DelayedCall> kept;
  int others = 0;
  const DelayedCall first = on.reactor.call_later(0s, [&] {
    for (int i = 0; i < 1000; ++i) kept.push_back(on.reactor.call_later(1h, [] {}));
  });
  const DelayedCall second = on.reactor.call_later(0s, [&] { ++others; });
  const DelayedCall third = on.reactor.call_later(0s, [&] { ++others; });

  on.turn();

  CHECK(others == 2);
  CHECK(on.reactor.timer_count() == 1000);
}

TEST_CASE_TEMPLATE("reset() counts from now and delay() from the deadline", On, OnPoll,
                   OnVirtualTime) {
  On on;
  DelayedCall call = on.reactor.call_later(1h, [] {});
  const TimePoint deadline = call.time();

  call.delay(1h);
  CHECK(call.time() == deadline + 1h);
  call.delay(-90min);
  CHECK(call.time() == deadline - 30min);
  call.reset(1min);

  CHECK(call.time() < deadline - 30min);
  CHECK(call.time() >= on.reactor.now());
}

TEST_CASE_TEMPLATE("reset() puts a timer behind those that are set for the same time", On, OnPoll,
                   OnVirtualTime) {
  On on;
  std::string log;
  const TimePoint deadline = on.reactor.now();
  DelayedCall first = on.reactor.call_at(deadline, [&] { log += "first "; });
  const DelayedCall second = on.reactor.call_at(deadline, [&] { log += "second "; });

  first.delay(0s);
  on.turn();

  CHECK(log == "second first ");
}

TEST_CASE_TEMPLATE("an earlier deadline wakes a reactor that has a later one", On, OnPoll,
                   OnVirtualTime) {
  On on;
  DelayedCall call = on.reactor.call_later(1h, [&] { on.reactor.stop(); });
  on.turn();

  call.reset(1ms);
  on.reactor.run();

  CHECK_FALSE(call.active());
}

TEST_CASE_TEMPLATE("after the call reset() and delay() throw AlreadyCalledError", On, OnPoll,
                   OnVirtualTime) {
  On on;
  DelayedCall call = on.reactor.call_later(0s, [] {});
  DelayedCall cancelled = on.reactor.call_later(1h, [] {});
  on.turn();
  cancelled.cancel();

  CHECK_THROWS_AS(call.reset(1s), AlreadyCalledError);
  CHECK_THROWS_AS(call.delay(1s), AlreadyCalledError);
  CHECK_THROWS_AS(cancelled.reset(1s), AlreadyCalledError);
  CHECK_THROWS_AS(cancelled.delay(1s), AlreadyCalledError);
  CHECK_THROWS_AS(DelayedCall().reset(1s), AlreadyCalledError);
}

TEST_CASE_TEMPLATE("time() is the last deadline of a timer that is over", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const TimePoint now = on.reactor.now();
  DelayedCall called = on.reactor.call_at(now, [] {});
  DelayedCall cancelled = on.reactor.call_at(now + 1h, [] {});

  on.turn();
  cancelled.cancel();

  CHECK(called.time() == now);
  CHECK(cancelled.time() == now + 1h);
  CHECK(DelayedCall().time() == TimePoint::max());
}

TEST_CASE_TEMPLATE("a timer that throws is reported, destroyed, and over", On, OnPoll,
                   OnVirtualTime) {
  On on;
  const auto held = std::make_shared<int>();
  DelayedCall call = on.reactor.call_later(0s, [held] { throw std::runtime_error("late"); });

  on.turn();

  CHECK(on.unhandled.take() == std::vector<std::string>{"late"});
  CHECK(held.use_count() == 1);
  CHECK_FALSE(call.active());
  CHECK(on.reactor.timer_count() == 0);
}
