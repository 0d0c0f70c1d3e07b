// SPDX-License-Identifier: MIT
#include "deferred/yieldables/with_timeout.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

Task<std::string> waits_long() {
  co_await Pause{2s};
  co_return "late";
}

TEST_CASE_FIXTURE(Loop,
                  "an answer in time is given as if there were no limit, and leaves no timer") {
  const auto outcome = outcome_of([this]() -> Task<int> {
    const int got = co_await with_timeout(5s, succeed(1));
    co_await with_timeout(5s, Pause(1s));
    CHECK(reactor.timer_count() == 0);
    co_return got;
  });

  CHECK(outcome.value() == 1);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "a Pause that is too long times out at exactly the limit") {
  const auto outcome = outcome_of([]() -> Task<> { co_await with_timeout(2s, Pause(5s)); });

  REQUIRE(outcome.check<TimeoutError>());
  CHECK(now() == 2s);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "an error in time passes, and leaves no timer") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_timeout(5s, fail<int>(std::runtime_error("early")));
  });

  CHECK(outcome.check<std::runtime_error>());
  CHECK_FALSE(outcome.check<TimeoutError>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "an answer at the very moment of the limit: the one that was set first wins") {
  const auto outcome = outcome_of([]() -> Task<> { co_await with_timeout(2s, Pause(2s)); });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(Loop, "a limit of zero lets what is ready through") {
  outcome_of([]() -> Task<> {
    const int ready = co_await with_timeout(0s, succeed(1));
    const Outcome<void> late = co_await as_outcome(with_timeout(0s, Pause(1s)));
    CHECK(ready == 1);
    CHECK(late.check<TimeoutError>());
  }).value();
}

// The timer counted as somebody who might answer, and the await ended after the limit only.
TEST_CASE_FIXTURE(Loop, "with_timeout does not hide that all Waiters were dropped") {
  struct Dropped {
    Dropped() {}
    void yield_to(Waiter<int> waiter) const { const Waiter<int> dropped = std::move(waiter); }
  };
  auto spawned =
      spawn(reactor, []() -> Task<int> { co_return co_await with_timeout(1h, Dropped()); });

  time.advance();

  CHECK(std::move(spawned).deferred().result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a Deferred is cancelled when it times out, and its failure is ignored") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&](Promise<int>& p) {
    ++cancels;
    p.errback(std::runtime_error("torn down"));
  });

  const auto outcome = outcome_of([d = std::move(deferred)]() mutable -> Task<int> {
    co_return co_await with_timeout(1s, std::move(d));
  });

  CHECK(outcome.check<TimeoutError>());
  CHECK(cancels == 1);
  CHECK(unhandled.take().empty());
}

// PJE's microthreads: it resumed the task later, at the wrong yield, with the wrong value.
TEST_CASE_FIXTURE(Loop, "a Deferred that fires after its timeout resumes nothing") {
  auto [promise, deferred] = make_deferred<int>();
  auto spawned = spawn(reactor, [d = std::move(deferred)]() mutable -> Task<int> {
    const Outcome<int> late = co_await as_outcome(with_timeout(1s, std::move(d)));
    CHECK(late.check<TimeoutError>());
    auto [other_promise, other] = make_deferred<int>();
    auto fire = [p = std::make_shared<Promise<int>>(std::move(other_promise))] { p->callback(7); };
    const TaskRef self = co_await current_task;
    self.reactor().call_later(5s, std::move(fire)).detach();
    co_return co_await std::move(other);
  });
  time.advance(1s);

  promise.callback(666);
  settle();
  CHECK_FALSE(spawned.done());
  time.advance(5s);

  CHECK(outcome_of(std::move(spawned)).value() == 7);
}

TEST_CASE_FIXTURE(Loop, "a Deferred coroutine is cancelled when it times out") {
  bool cancelled = false;
  const auto body = [&](Reactor&) -> Deferred<int> {
    try {
      co_await Pause(10s);
    } catch (const Cancelled&) {
      cancelled = true;
      throw;
    }
    co_return 1;
  };

  const auto outcome =
      outcome_of([&]() -> Task<int> { co_return co_await with_timeout(1s, body(reactor)); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(cancelled);
  CHECK(reactor.task_count() == 0);
}

// ---- Tasks.

TEST_CASE_FIXTURE(Loop, "a task in time gives its value") {
  const auto quick = []() -> Task<int> {
    co_await Pause(1s);
    co_return 4;
  };

  const auto outcome =
      outcome_of([&]() -> Task<int> { co_return co_await with_timeout(5s, quick()); });

  CHECK(outcome.value() == 4);
  CHECK(reactor.timer_count() == 0);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "a task's own error in time passes") {
  const auto fails = []() -> Task<int> {
    co_await Pause(1s);
    throw Oops("own");
  };

  const auto outcome =
      outcome_of([&]() -> Task<int> { co_return co_await with_timeout(5s, fails()); });

  CHECK(outcome.check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a task that times out is cancelled, and waited for before TimeoutError") {
  std::vector<std::string> notes;
  const auto slow = [&]() -> Task<> {
    const NotesEnd local(notes, "destructor");
    try {
      co_await Pause(10s);
    } catch (const Cancelled&) {
      notes.push_back("cancelled");
      throw;
    }
  };

  outcome_of([&]() -> Task<> {
    try {
      co_await with_timeout(1s, slow());
    } catch (const TimeoutError&) {
      notes.push_back("timed out");
    }
  }).value();

  CHECK(notes == std::vector<std::string>{"cancelled", "destructor", "timed out"});
  CHECK(now() == 1s);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "awaits in the clean-up of a timed-out task throw too, and are not lost") {
  int thrown = 0;
  const auto stubborn = [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const Outcome<void> slept = co_await as_outcome(Pause(10s));
      if (slept.check<Cancelled>()) ++thrown;
    }
    throw Cancelled();
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, stubborn()); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(thrown == 3);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "a task that answers in spite of its timeout gives its value") {
  const auto saves = []() -> Task<int> {
    const Outcome<void> slept = co_await as_outcome(Pause(10s));
    co_return slept.check<Cancelled>() ? 1 : 2;
  };

  const auto outcome =
      outcome_of([&]() -> Task<int> { co_return co_await with_timeout(1s, saves()); });

  CHECK(outcome.value() == 1);
}

TEST_CASE_FIXTURE(Loop, "a task that fails while it is cancelled gives that error") {
  const auto fails = []() -> Task<> {
    const Outcome<void> slept = co_await as_outcome(Pause(10s));
    throw Oops("in clean-up");
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, fails()); });

  CHECK(outcome.check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "after a timeout the caller is not cancelled") {
  const auto slow = []() -> Task<> { co_await Pause(10s); };

  const auto outcome = outcome_of([&]() -> Task<> {
    const Outcome<void> timed_out = co_await as_outcome(with_timeout(1s, slow()));
    CHECK(timed_out.check<TimeoutError>());
    co_await Pause(1s);
  });

  CHECK(outcome.has_value());
  CHECK(now() == 2s);
}

TEST_CASE_FIXTURE(Loop, "an inner limit that ends first is the inner one's TimeoutError") {
  std::vector<std::string> notes;
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  const auto inner = [&]() -> Task<> {
    try {
      co_await with_timeout(1s, slow());
    } catch (const TimeoutError&) {
      notes.push_back("inner");
    }
    co_await Pause(1s);
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(5s, inner()); });

  CHECK(notes == std::vector<std::string>{"inner"});
  CHECK(outcome.has_value());
  CHECK(now() == 2s);
}

TEST_CASE_FIXTURE(Loop, "an outer limit that ends first passes the inner one as Cancelled") {
  std::vector<std::string> notes;
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  const auto inner = [&]() -> Task<> {
    try {
      co_await with_timeout(5s, slow());
    } catch (const TimeoutError&) {
      notes.push_back("inner");
    }
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, inner()); });

  CHECK(notes.empty());
  CHECK(outcome.check<TimeoutError>());
  CHECK(now() == 1s);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "two limits that end at once: the outer one's TimeoutError") {
  bool inner_timed_out = false;
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  const auto inner = [&]() -> Task<> {
    try {
      co_await with_timeout(1s, slow());
    } catch (const TimeoutError&) {
      inner_timed_out = true;
      throw;
    }
  };

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, inner()); });

  CHECK_FALSE(inner_timed_out);
  CHECK(outcome.check<TimeoutError>());
}

TEST_CASE_FIXTURE(Loop, "a cancel from outside passes with_timeout as Cancelled") {
  bool timed_out = false;
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    try {
      co_await with_timeout(5s, slow());
    } catch (const TimeoutError&) {
      timed_out = true;
    }
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK_FALSE(timed_out);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(reactor.timer_count() == 0);
}

// Its first await was one of the library's own, which threw.
TEST_CASE_FIXTURE(Loop, "with_timeout of a task is no cancel point: its leaf is") {
  bool started = false;
  const auto body = [&]() -> Task<> {
    started = true;
    co_await Pause{1h};
  };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Outcome<void> first = co_await as_outcome(Pause{1h});
    CHECK(first.check<Cancelled>());
    co_await with_timeout(1h, body());
  });
  time.advance();

  spawned.task().cancel();
  time.advance();

  CHECK(started);
  CHECK(std::move(spawned).deferred().result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a cancel from outside and a timeout at once: Cancelled passes") {
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await with_timeout(1s, slow()); });
  TaskRef task = spawned.task();
  settle();
  reactor.call_later(1s, [&] { task.cancel(); }).detach();

  time.advance(1s);

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel from outside passes with_timeout as Cancelled") {
  const auto slow = []() -> Task<> { co_await Pause(10s); };
  Deferred<void> result = spawn(reactor, [&]() -> Task<> { co_await with_timeout(5s, slow()); });
  settle();

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "limits of plain yieldables nest, and the earlier one wins") {
  outcome_of([this]() -> Task<> {
    const Outcome<void> inner = co_await as_outcome(with_timeout(5s, with_timeout(1s, Pause(9s))));
    CHECK(inner.check<TimeoutError>());
    CHECK(now() == 1s);
    const Outcome<void> outer = co_await as_outcome(with_timeout(1s, with_timeout(5s, Pause(9s))));
    CHECK(outer.check<TimeoutError>());
    CHECK(now() == 2s);
  }).value();
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a task that gives an Outcome has its TimeoutError in it") {
  const auto slow = []() -> Task<Outcome<int>> {
    co_await Pause(10s);
    co_return 1;
  };

  const auto outcome = outcome_of([&]() -> Task<bool> {
    const Outcome<int> inside = co_await with_timeout(1s, slow());
    co_return inside.check<TimeoutError>() != nullptr;
  });

  CHECK(outcome.value());
}

TEST_CASE_FIXTURE(Loop, "a timed-out wait can be begun again") {
  const Pause pause(3s);

  outcome_of([&]() -> Task<> {
    const Outcome<void> first = co_await as_outcome(with_timeout(1s, pause));
    const Outcome<void> second = co_await as_outcome(with_timeout(5s, pause));
    CHECK(first.check<TimeoutError>());
    CHECK(second.has_value());
  }).value();
  CHECK(now() == 4s);
}

}  // namespace

TEST_CASE_FIXTURE(Loop, "a TimeoutError says what was waited for, and where") {
  const auto outcome = outcome_of([&]() -> Task<> {
    auto limited = with_timeout(1s, Pause{2s});
    co_await std::move(limited);
  });
  const auto of_task = outcome_of([]() -> Task<> {
    auto limited = with_timeout(1s, waits_long());
    co_await std::move(limited);
  });

  const std::string text = outcome.failure().what();
  CHECK(text.find("timed out after 1 s waiting on deferred::Pause at with_timeout.cpp:") == 0);
  const std::string task_text = of_task.failure().what();
  CHECK(task_text.find("timed out after 1 s waiting on deferred::Task<std::string> at "
                       "with_timeout.cpp:") == 0);
  CHECK(task_text.find(" in {anonymous}::waits_long, from with_timeout.cpp:") != std::string::npos);
}
