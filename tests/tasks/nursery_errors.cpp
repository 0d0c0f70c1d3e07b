// SPDX-License-Identifier: MIT
//
// The errors of a nursery: which is thrown, and what becomes of the others.
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

TEST_CASE_FIXTURE(InTime,
                  "the first error cancels the others, and is thrown when they have unwound") {
  bool body = false, child = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn(fails_after, 1ms, 1);
      nursery.spawn(unwinds, std::ref(child), 5ms);
      co_await unwinds(body);
    });
  });

  CHECK(number_of(outcome.failure()) == 1);
  CHECK(outcome.failure().suppressed().empty());
  CHECK(body);
  CHECK(child);
  CHECK(passed() == 6ms);
}

TEST_CASE_FIXTURE(InTime, "an error of the body cancels the children") {
  bool child = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn(unwinds, std::ref(child), 0ms);
      co_await fails_after(1ms, 2);
    });
  });

  CHECK(number_of(outcome.failure()) == 2);
  CHECK(child);
}

TEST_CASE_FIXTURE(InTime,
                  "later errors are suppressed in the first, in the order in which they came") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      const auto in_clean_up = [](Duration time, int number) -> Task<> {
        const Outcome<void> paused = co_await as_outcome(Pause{1h});
        static_cast<void>(paused.has_value());
        co_await shield(Pause{time});
        throw Broken{number};
      };
      nursery.spawn(in_clean_up, 2ms, 3);
      nursery.spawn(in_clean_up, 1ms, 2);
      nursery.spawn(fails_after, 1ms, 1);
      co_return;
    });
  });

  const Failure failure = outcome.failure();
  CHECK(number_of(failure) == 1);
  REQUIRE(failure.suppressed().size() == 2);
  CHECK(number_of(failure.suppressed()[0]) == 2);
  CHECK(number_of(failure.suppressed()[1]) == 3);
  CHECK(failure.report().find("and suppressed ") != std::string::npos);
}

TEST_CASE_FIXTURE(InTime, "in a catch the suppressed errors are Failure::current()'s") {
  std::size_t suppressed = 0;
  const auto outcome = outcome_of([&]() -> Task<> {
    try {
      co_await with_nursery([](Nursery& nursery) -> Task<> {
        nursery.spawn(fails_after, 1ms, 1);
        nursery.spawn(fails_after, 1ms, 2);
        co_return;
      });
    } catch (const Broken& broken) {
      CHECK(broken.number == 1);
      suppressed = Failure::current().suppressed().size();
    }
  });

  CHECK(outcome.has_value());
  CHECK(suppressed == 1);
}

TEST_CASE_FIXTURE(InTime,
                  "a sibling that awaits a failing child is cancelled, and the error is once") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      Spawned<void> failing = nursery.spawn(fails_after, 1ms, 1);
      nursery.spawn([](Spawned<void> other) -> Task<> { co_await std::move(other); },
                    std::move(failing));
      co_return;
    });
  });

  CHECK(number_of(outcome.failure()) == 1);
  CHECK(outcome.failure().suppressed().empty());
}

TEST_CASE_FIXTURE(InTime, "a child that never fails is one as an Outcome: the supervisor") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      auto supervised = nursery.spawn([]() -> Task<int> {
        const Outcome<void> ended = co_await as_outcome(fails_after(1ms, 1));
        co_return number_of(ended.failure());
      });
      co_await Pause{2ms};
      co_return co_await std::move(supervised);
    });
  });

  CHECK(outcome.value() == 1);
}

TEST_CASE_FIXTURE(InTime, "what is spawned as an Outcome is no error of the nursery's") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      nursery.spawn(as_outcome(fails_after(1ms, 1)));
      co_await Pause{2ms};
      co_return 7;
    });
  });

  CHECK(outcome.value() == 7);
  CHECK(take().size() == 1);  // it is reported, for nobody has asked
}

TEST_CASE_FIXTURE(InTime, "the handle of a child that gives an Outcome tells what it has come to") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      Spawned<int> gives = nursery.spawn(as_outcome(after(1ms, 4)));
      Spawned<void> fails = nursery.spawn(as_outcome(fails_after(1ms, 3)));
      const int value = co_await std::move(gives);
      const Outcome<void> failed = co_await as_outcome(std::move(fails));
      co_return value + number_of(failed.failure());
    });
  });

  CHECK(outcome.value() == 7);
}

TEST_CASE_FIXTURE(InTime, "an error that comes by two ways is not suppressed in itself") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      Spawned<void> failing = nursery.spawn(fails_after, 1ms, 1);
      co_await shield(std::move(failing));
    });
  });

  CHECK(number_of(outcome.failure()) == 1);
  CHECK(outcome.failure().suppressed().empty());
}

TEST_CASE_FIXTURE(InTime, "what a Nursery that nobody waited for has failed with is reported") {
  {
    Nursery nursery(reactor);
    nursery.spawn(fails_after, 1ms, 1);
    time.run_until_idle();
  }
  CHECK(take().size() == 1);
}

TEST_CASE_FIXTURE(InTime, "a failed child's handle reports nothing, whoever has it") {
  SUBCASE("a handle") {
    std::optional<Spawned<void>> kept;
    const auto outcome = outcome_of([&]() -> Task<> {
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        kept.emplace(nursery.spawn(fails_after, 1ms, 1));
        co_return;
      });
    });
    CHECK(number_of(outcome.failure()) == 1);
    CHECK(kept->failed());
  }
  SUBCASE("a Deferred, made before it failed, with a callback") {
    const auto outcome = outcome_of([&]() -> Task<> {
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        Deferred<void> failing = nursery.spawn(fails_after, 1ms, 1);
        std::move(failing).add_callback([] {}).detach();
        co_return;
      });
    });
    CHECK(number_of(outcome.failure()) == 1);
  }
  SUBCASE("a Deferred, made afterwards") {
    const auto outcome = outcome_of([&]() -> Task<> {
      std::optional<Spawned<void>> kept;
      const auto family = [&](Nursery& nursery) -> Task<> {
        kept.emplace(nursery.spawn(fails_after, 1ms, 1));
        co_return;
      };
      const Outcome<void> failed = co_await as_outcome(with_nursery(family));
      CHECK(number_of(failed.failure()) == 1);
      const Deferred<void> late = *std::move(kept);
    });
    CHECK(outcome.has_value());
  }
}

TEST_CASE_FIXTURE(InTime, "another error that comes of a failed child's handle is reported") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      nursery.spawn(fails_after, 1ms, 1)
          .add_errback([](const Broken&) { throw std::runtime_error("in an errback"); })
          .detach();
      co_return;
    });
  });

  CHECK(number_of(outcome.failure()) == 1);
  const auto reports = take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("in an errback") != std::string::npos);
}

TEST_CASE_FIXTURE(InTime, "an error that somebody outside has awaited is theirs, and reported") {
  std::optional<Spawned<void>> kept;
  auto owner = spawn(reactor, [&]() -> Task<> {
    const auto family = [&](Nursery& nursery) -> Task<> {
      kept.emplace(nursery.spawn(fails_after, 1ms, 1));
      co_return;
    };
    const Outcome<void> failed = co_await as_outcome(with_nursery(family));
    CHECK(number_of(failed.failure()) == 1);
  });
  time.advance(Duration::zero());
  spawn(reactor, [&]() -> Task<> { co_await *std::move(kept); });
  time.run_until_idle();

  CHECK(owner.done());
  CHECK(take_reports().size() == 1);
}

TEST_CASE_FIXTURE(InTime,
                  "an error thrown into a child that waits no more, and is cut, is reported") {
  outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      TaskRef child = nursery.spawn(fails_after, 1h, 1).task();
      co_await Pause{1ms};
      child.cancel_once();
      child.throw_(Broken{2});
    });
  }).value();

  CHECK(take_reports().size() == 1);
}

TEST_CASE_FIXTURE(InTime, "an error of a child's clean-up is suppressed in what cut it") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      nursery.spawn([]() -> Task<> {
        const Outcome<void> paused = co_await as_outcome(Pause{1h});
        if (paused.check<Cancelled>()) throw Broken{2};
      });
      co_await fails_after(1ms, 1);
    });
  });

  CHECK(number_of(outcome.failure()) == 1);
  REQUIRE(outcome.failure().suppressed().size() == 1);
  CHECK(number_of(outcome.failure().suppressed()[0]) == 2);
}
