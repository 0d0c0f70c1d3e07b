// SPDX-License-Identifier: MIT
//
// Scopes: who is cut by which, and what comes of it. The rules are a table in docs/cancelling.md.
#include "deferred/tasks/cancel_scope.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/timer.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/in_time.hpp"
#include "tests/support/million.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

struct Broken {};

Task<int> after(Duration time, int value) {
  co_await Pause{time};
  co_return value;
}
Task<int> swallows(Duration time, int value) {
  const Outcome<void> paused = co_await as_outcome(Pause{time});
  static_cast<void>(paused.has_value());
  co_return value;
}

}  // namespace

TEST_CASE_FIXTURE(InTime, "a scope gives what its child gives") {
  const auto outcome = outcome_of([]() -> Task<> {
    CancelScope scope;
    const std::optional<int> value = co_await scope.run(after(1ms, 5));
    CHECK(value == 5);
    const bool finished = co_await scope.run(Pause{1ms});
    CHECK(finished);
    const std::optional<Outcome<int>> whole = co_await scope.run(as_outcome(after(1ms, 6)));
    REQUIRE(whole);
    CHECK(whole->value() == 6);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "a cancelled scope gives nothing, when its child has unwound") {
  CancelScope scope;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  bool unwound = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto child = [&]() -> Task<int> {
      bool cancelled = false;
      try {
        co_await Pause{1h};
      } catch (const Cancelled&) {
        cancelled = true;
      }
      CHECK(cancelled);
      // Level: again at each later await.
      const Outcome<void> again = co_await as_outcome(Pause{1h});
      CHECK(again.check<Cancelled>());
      unwound = true;
      again.value();
      co_return 5;
    };
    const std::optional<int> value = co_await scope.run(child());
    CHECK(!value);
    CHECK(unwound);
    const bool finished = co_await scope.run(Pause{1ms});  // for good
    CHECK(!finished);
    co_await Pause{1ms};  // nothing is cancelled behind it
  });

  CHECK(outcome.has_value());
  CHECK(scope.cancelled());
  CHECK(passed() < 1h);
}

TEST_CASE_FIXTURE(InTime, "a child that gives a value all the same has given it") {
  CancelScope scope;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  const auto outcome = outcome_of([&]() -> Task<> {
    const std::optional<int> value = co_await scope.run(swallows(1h, 5));
    CHECK(value == 5);
    const int limited = co_await with_timeout(1ms, swallows(1h, 6));
    CHECK(limited == 6);
    const std::optional<int> moved_on = co_await move_on_after(1ms, swallows(1h, 7));
    CHECK(moved_on == 7);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "another error passes, cancelled or not") {
  CancelScope scope;
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto fails = []() -> Task<> {
      const Outcome<void> paused = co_await as_outcome(Pause{1h});
      CHECK(paused.check<Cancelled>());
      throw Broken();
    };
    scope.cancel();
    const Outcome<bool> failed = co_await as_outcome(scope.run(fails()));
    CHECK(failed.check<Broken>());
    const Outcome<bool> late = co_await as_outcome(move_on_after(1ms, fails()));
    CHECK(late.check<Broken>());
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "of scopes that are cancelled the outermost has the say") {
  SUBCASE("the task") {
    CancelScope scope;
    bool behind = false;
    auto spawned = spawn(reactor, [&]() -> Task<> {
      co_await scope.run(Pause{1h});
      behind = true;
    });
    TaskRef task = spawned.task();
    const DelayedCall cuts = reactor.call_later(1ms, [&] {
      scope.cancel();
      task.cancel();
    });
    time.run_until_idle();
    CHECK(!behind);
    CHECK(std::move(spawned).deferred().result().check<Cancelled>());
  }
  SUBCASE("a scope") {
    CancelScope outer, inner;
    const DelayedCall cuts = reactor.call_later(1ms, [&] {
      inner.cancel();
      outer.cancel();
    });
    const auto outcome = outcome_of([&]() -> Task<> {
      bool between = false;
      const auto nested = [&]() -> Task<> {
        co_await inner.run(Pause{1h});
        between = true;
      };
      const bool finished = co_await outer.run(nested());
      CHECK(!finished);
      CHECK(!between);
    });
    CHECK(outcome.has_value());
  }
  SUBCASE("of equal deadlines the outer one's") {
    const auto outcome = outcome_of([]() -> Task<> {
      const auto nested = []() -> Task<> { co_await with_timeout(1ms, after(1h, 1)); };
      const bool finished = co_await move_on_after(1ms, nested());
      CHECK(!finished);
      const auto other = []() -> Task<> { co_await move_on_after(1ms, after(1h, 1)); };
      const Outcome<void> limited = co_await as_outcome(with_timeout(1ms, other()));
      CHECK(limited.check<TimeoutError>());
      CancelScope scope;
      scope.cancel_after(1ms);
      const auto in_scope = [&]() -> Task<> { co_await scope.run(Pause{1h}); };
      const bool moved_on = co_await move_on_after(1ms, in_scope());
      CHECK(!moved_on);
      CancelScope around;
      around.cancel_after(1ms);
      const std::optional<int> ran = co_await around.run(with_timeout(1ms, after(1h, 1)));
      CHECK(!ran);
    });
    CHECK(outcome.has_value());
  }
  SUBCASE("of two scopes of which one is around the other, and a limit between them") {
    CancelScope outer, inner;
    const DelayedCall cuts = reactor.call_later(1ms, [&] {
      outer.cancel();
      inner.cancel();
    });
    const auto outcome = outcome_of([&]() -> Task<> {
      const auto limited = [&]() -> Task<> { co_await with_timeout(1ms, inner.run(Pause{1h})); };
      const bool finished = co_await outer.run(limited());
      CHECK(!finished);
    });
    CHECK(outcome.has_value());
  }
}

TEST_CASE_FIXTURE(InTime, "a scope ends at its deadline, which can be moved") {
  const auto outcome = outcome_of([&]() -> Task<> {
    CancelScope scope;
    scope.cancel_after(1ms);
    scope.cancel_after(5ms);  // instead
    const TimePoint begun = reactor.now();
    const bool finished = co_await scope.run(Pause{1h});
    CHECK(!finished);
    CHECK(reactor.now() == begun + 5ms);

    CancelScope moved;
    moved.cancel_at(reactor.now() + 1ms);
    const DelayedCall later = reactor.call_later(500us, [&] { moved.cancel_after(1ms); });
    const TimePoint again = reactor.now();
    co_await moved.run(after(1h, 0));
    CHECK(reactor.now() == again + 1500us);

    const bool on_time = co_await move_on_at(reactor.now() + 2ms, Pause{1ms});
    CHECK(on_time);
    const bool late = co_await move_on_at(reactor.now() + 1ms, Pause{2ms});
    CHECK(!late);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "current_deadline is the earliest around, up to a shield") {
  const auto outcome = outcome_of([&]() -> Task<> {
    CHECK(current_deadline() == TimePoint::max());
    const TimePoint begun = reactor.now();
    const auto inner = [&]() -> Task<> {
      CHECK(current_deadline() == begun + 1ms);
      co_return;
    };
    const auto outer = [&]() -> Task<> {
      CHECK(current_deadline() == begun + 1ms);
      co_await move_on_after(5ms, inner());
      const auto shielded = [&]() -> Task<> {
        CHECK(current_deadline() == TimePoint::max());
        co_return;
      };
      co_await shield(shielded());
      const auto limited = [&]() -> Task<> {
        CHECK(current_deadline() == begun + 2ms);
        co_return;
      };
      co_await shield(with_timeout(2ms, limited()));
      current_task().cancel();
      CHECK(current_deadline() == TimePoint::min());
    };
    co_await move_on_after(1ms, outer());
  });

  CHECK(outcome.has_value());
  CHECK(current_deadline() == TimePoint::max());
}

TEST_CASE_FIXTURE(InTime, "a shield holds a level cancel until its end") {
  CancelScope scope;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  bool shielded = false, behind = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto child = [&]() -> Task<> {
      co_await shield(after(5ms, 1));
      shielded = true;
      co_await Pause{1h};
      behind = true;
    };
    const bool finished = co_await scope.run(child());
    CHECK(!finished);
  });

  CHECK(outcome.has_value());
  CHECK(shielded);
  CHECK(!behind);
}

TEST_CASE_FIXTURE(InTime, "a shield holds a one-shot cancel until the first await behind it") {
  bool shielded = false, thrown = false, after_that = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    co_await shield(after(5ms, 1));
    shielded = true;
    try {
      co_await Pause{1ms};
    } catch (const Cancelled&) {
      thrown = true;
    }
    co_await Pause{1ms};
    after_that = true;
  });
  TaskRef task = spawned.task();
  const DelayedCall cuts = reactor.call_later(1ms, [&] { task.cancel_once(); });
  time.run_until_idle();

  CHECK(shielded);
  CHECK(thrown);
  CHECK(after_that);
  CHECK(std::move(spawned).deferred().result().has_value());
}

TEST_CASE_FIXTURE(InTime, "a shield in a cancelled scope begins, with a limit of its own") {
  CancelScope scope;
  scope.cancel();
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto child = [&]() -> Task<> {
      const TimePoint begun = reactor.now();
      const bool cleaned = co_await shield(move_on_after(2ms, Pause{1ms}));
      CHECK(cleaned);
      CHECK(reactor.now() == begun + 1ms);
      const bool in_time = co_await shield(move_on_after(2ms, Pause{1h}));
      CHECK(!in_time);
      CHECK(reactor.now() == begun + 3ms);
      // The other way round the limit is held back, too.
      const bool held = co_await shield(move_on_after(1ms, shield(Pause{3ms})));
      CHECK(held);
      CHECK(reactor.now() == begun + 6ms);
      co_await Pause{1h};
    };
    const bool finished = co_await scope.run(child());
    CHECK(!finished);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "close() and thrown errors pass scopes and shields") {
  const auto body = []() -> Task<> {
    CancelScope scope;
    co_await scope.run(shield(move_on_after(1h, Pause{10h})));
  };
  auto closed = spawn(reactor, body);
  auto failed = spawn(reactor, body);
  time.advance(1ms);

  closed.task().close();
  failed.task().throw_(Broken());
  CHECK(closed.done());
  time.run_until_idle();

  CHECK(std::move(closed).deferred().result().check<AbandonedError>());
  CHECK(std::move(failed).deferred().result().check<Broken>());
}

TEST_CASE_FIXTURE(InTime, "a scope that dies during a run leaves it alone") {
  auto scope = std::make_unique<CancelScope>();
  const DelayedCall drops = reactor.call_later(1ms, [&] {
    scope->cancel_after(1ms);
    scope.reset();
  });
  const auto outcome = outcome_of([&]() -> Task<> {
    const bool finished = co_await scope->run(Pause{5ms});
    CHECK(finished);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "a scope has any number of runs, also side by side") {
  CancelScope scope;
  int ended = 0;
  const auto body = [&]() -> Task<> {
    const bool finished = co_await scope.run(after(1h, 1)) == std::nullopt;
    if (finished) ++ended;
  };
  for (int i = 0; i < 3; ++i) spawn(reactor, body).detach();
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  time.run_until_idle();

  CHECK(ended == 3);
}

TEST_CASE_FIXTURE(InTime, "any await in a cancelled scope throws, in the next turn, uncalled") {
  CancelScope scope;
  scope.cancel();
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto child = []() -> Task<> {
      const Outcome<int> ready = co_await as_outcome(succeed(1));
      CHECK(ready.check<Cancelled>());
      const TaskRef self = current_task();  // no await: for clean-up
      CHECK(self.valid());
      co_await current_task;
    };
    const bool finished = co_await scope.run(child());
    CHECK(!finished);
  });

  CHECK(outcome.has_value());
}

TEST_CASE("current_task() outside of a task says so") {
  CHECK_THROWS_WITH_AS(static_cast<void>(current_task()), "current_task(): no task runs here",
                       std::logic_error);
}

TEST_CASE_FIXTURE(InTime, "a TimeoutError names what was waited for, and where") {
  const auto outcome = outcome_of([]() -> Task<> { co_await with_timeout(1ms, after(1h, 1)); });

  const auto* const error = outcome.check<TimeoutError>();
  REQUIRE(error);
  CHECK(std::string(error->what()).starts_with("timed out after 1 ms waiting on "));
  CHECK(std::string(error->what()).find("cancel_scope.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(InTime, "scopes in each other, deep, are cancelled and closed in a loop") {
  constexpr int depth = million / 10;
  struct Nest {
    static Task<> in(CancelScope& scope, int left) {
      if (left == 0) {
        co_await Pause{1h};
        co_return;
      }
      co_await scope.run(in(scope, left - 1));
    }
  };
  CancelScope scope;
  auto cancelled = spawn(reactor, Nest::in(scope, depth));
  auto closed = spawn(reactor, Nest::in(scope, depth));
  time.advance(1ms);
  closed.task().close();
  CHECK(closed.done());
  cancelled.task().cancel();
  time.advance(1ms);
  CHECK(std::move(cancelled).deferred().result().check<Cancelled>());
  std::move(closed).detach();
}
