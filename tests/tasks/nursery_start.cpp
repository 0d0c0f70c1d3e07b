// SPDX-License-Identifier: MIT
//
// Nursery::start(): what is spawned says when it is ready.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/in_time.hpp"
#include "tests/tasks/children.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(InTime, "start() goes on when its child says so, and the child goes on too") {
  bool served = false;
  const auto outcome = outcome_of([&]() -> Task<int> {
    co_return co_await with_nursery([&](Nursery& nursery) -> Task<int> {
      const auto serve = [&](Started<int>& started) -> Task<> {
        co_await Pause{1ms};
        started(80);
        co_await Pause{1ms};
        served = true;
      };
      const int port = co_await nursery.start(serve);
      CHECK(!served);
      co_return port;
    });
  });

  CHECK(outcome.value() == 80);
  CHECK(served);
}

TEST_CASE_FIXTURE(InTime, "start() of what fails before it has started throws that, there only") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      const auto fails = [](Started<int>&) -> Task<> { co_await fails_after(1ms, 1); };
      const Outcome<int> failed = co_await as_outcome(nursery.start(fails));
      CHECK(number_of(failed.failure()) == 1);
      const auto ends = [](Started<void>&) -> Task<> { co_return; };
      const Outcome<void> ended = co_await as_outcome(nursery.start(ends));
      CHECK(ended.check<std::logic_error>());
      const auto throws_late = [](Started<void>& started) -> Task<> {
        started();
        co_await fails_after(1ms, 2);
      };
      co_await nursery.start(throws_late);  // and that is the nursery's
      co_await Pause{1h};
      co_return 0;
    });
  });

  CHECK(number_of(outcome.failure()) == 2);
}

TEST_CASE_FIXTURE(InTime, "a start() that is cancelled cancels what it started") {
  bool unwound = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      const auto slow = [&](Started<void>& started) -> Task<> {
        co_await unwinds(unwound, 1ms);
        started();
      };
      const bool started = co_await move_on_after(1ms, nursery.start(slow));
      CHECK(!started);
      co_await Pause{5ms};
      CHECK(nursery.size() == 0);
    });
  });

  CHECK(outcome.has_value());
  CHECK(unwound);
}

TEST_CASE_FIXTURE(InTime, "what is said after a start() was cancelled does nothing") {
  bool said = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      const auto late = [&](Started<int>& started) -> Task<> {
        co_await shield(Pause{2ms});
        started(4);
        said = started.said();
      };
      const Outcome<int> cut = co_await as_outcome(with_timeout(1ms, nursery.start(late)));
      CHECK(cut.check<TimeoutError>());
      co_await Pause{5ms};
    });
  });

  CHECK(outcome.has_value());
  CHECK(said);
}

TEST_CASE_FIXTURE(InTime, "said a second time is an error, and the child's") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      const auto twice = [](Started<int>& started) -> Task<> {
        started(1);
        started(2);
        co_return;
      };
      const int first = co_await nursery.start(twice);
      CHECK(first == 1);
    });
  });

  CHECK(outcome.check<AlreadyCalledError>());
}

TEST_CASE_FIXTURE(InTime, "an error of a start() that nobody waits for any more is the nursery's") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      const auto fails = [](Started<void>&) -> Task<> {
        const Outcome<void> paused = co_await as_outcome(Pause{1h});
        if (paused.check<Cancelled>()) throw Broken{3};
      };
      const bool started = co_await move_on_after(1ms, nursery.start(fails));
      CHECK(!started);
      co_await Pause{1h};
    });
  });

  CHECK(number_of(outcome.failure()) == 3);
}

TEST_CASE_FIXTURE(InTime, "start() of a function that throws at once throws that") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      const auto refuses = [](Started<void>&) -> Task<> { throw Broken{1}; };
      const Outcome<void> failed = co_await as_outcome(nursery.start(refuses));
      CHECK(number_of(failed.failure()) == 1);
    });
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "start() where nothing can be spawned says why, once") {
  std::optional<Nursery> nursery;
  {
    reactors::VirtualTime other_time;
    Reactor other{other_time};
    nursery.emplace(other);
  }
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto serve = [](Started<void>& started) -> Task<> {
      started();
      co_return;
    };
    co_await nursery->start(serve);
  });

  CHECK(outcome.check<NoReactorError>());
}
