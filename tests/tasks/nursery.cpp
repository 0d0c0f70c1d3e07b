// SPDX-License-Identifier: MIT
//
// Nurseries: what comes of body and children, whoever ends first and however. The cases are those
// of the table in docs/cancelling.md.
#include "deferred/tasks/nursery.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/in_time.hpp"
#include "tests/tasks/children.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(InTime, "a nursery ends with its last child, and gives the body's value") {
  int grown = 0;
  const auto outcome = outcome_of([&]() -> Task<int> {
    const auto grow = [&](Duration time) -> Task<> {
      co_await Pause{time};
      ++grown;
    };
    const int value = co_await with_nursery([&](Nursery& nursery) -> Task<int> {
      nursery.spawn(grow, 1ms);
      nursery.spawn([&]() -> Task<> {
        co_await Pause{1ms};
        nursery.spawn(grow, 5ms);  // one more while the body is done already
      });
      nursery.spawn(Pause{2ms});
      CHECK(nursery.size() == 3);
      co_return 7;
    });
    CHECK(grown == 2);
    co_return value;
  });

  CHECK(outcome.value() == 7);
  CHECK(passed() == 6ms);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(InTime, "a child's handle gives its value") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      Spawned<int> one = nursery.spawn(after(2ms, 1));
      Spawned<int> other = nursery.spawn(after, 1ms, 2);
      const int first = co_await std::move(one);
      const int second = co_await std::move(other);
      co_return first + second;
    });
  });

  CHECK(outcome.value() == 3);
}

TEST_CASE_FIXTURE(InTime,
                  "a body that throws before it is a coroutine is waited for as one that does") {
  bool child = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        child = true;
        co_await Pause{1h};
      });
      throw Broken{3};
    });
  });

  CHECK(number_of(outcome.failure()) == 3);
  CHECK(child);  // it has begun, and was cancelled at its first await
  CHECK(passed() < 1h);
}

TEST_CASE_FIXTURE(InTime,
                  "a cancel from outside reaches body, children and grandchildren at once") {
  CancelScope scope;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  bool body = false, child = false, grandchild = false;
  TimePoint told;
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto family = [&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        co_await with_nursery([&](Nursery& inner) -> Task<> {
          inner.spawn([&]() -> Task<> { co_await unwinds(grandchild); });
          co_await unwinds(child, 5ms);
        });
      });
      co_await unwinds(body, 3ms);
    };
    const bool finished = co_await scope.run(with_nursery(family));
    CHECK(!finished);
    told = reactor.now();
  });

  CHECK(outcome.has_value());
  CHECK(body);
  CHECK(child);
  CHECK(grandchild);
  CHECK(told.time_since_epoch() == 6ms);  // side by side
}

TEST_CASE_FIXTURE(InTime, "a cancel reaches the children of a body that is shielded or swallows") {
  CancelScope scope;
  bool child = false;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  const DelayedCall looks = reactor.call_later(2ms, [&] { CHECK(child); });
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto family = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(unwinds, std::ref(child), 0ms);
      co_await shield(Pause{5ms});
    };
    const bool finished = co_await scope.run(with_nursery(family));
    CHECK(!finished);  // a child ended as Cancelled
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "values that came all the same win over a cancel from outside") {
  const auto outcome = outcome_of([]() -> Task<> {
    const auto family = [](Nursery& nursery) -> Task<int> {
      nursery.spawn(gives_all_the_same, 1);
      co_return co_await gives_all_the_same(2);
    };
    const std::optional<int> value = co_await move_on_after(1ms, with_nursery(family));
    CHECK(value == 2);
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "an error is not lost to a cancel from outside") {
  CancelScope scope;
  const DelayedCall cuts = reactor.call_later(1ms, [&] { scope.cancel(); });
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto family = [](Nursery& nursery) -> Task<> {
      nursery.spawn([]() -> Task<> {
        const Outcome<void> paused = co_await as_outcome(Pause{1h});
        CHECK(paused.check<Cancelled>());
        throw Broken{4};
      });
      co_return;
    };
    co_await scope.run(with_nursery(family));
  });

  CHECK(number_of(outcome.failure()) == 4);
}

TEST_CASE_FIXTURE(InTime, "a one-shot cancel goes to the body's leaf, or to the children") {
  SUBCASE("while the body runs") {
    bool child = false;
    auto spawned = spawn(reactor, [&]() -> Task<> {
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn(unwinds, std::ref(child), 0ms);
        co_await Pause{1h};
      });
    });
    time.advance(1ms);
    spawned.task().cancel_once();
    const auto outcome = end_of(std::move(spawned));
    CHECK(outcome.check<Cancelled>());
    CHECK(child);
  }
  SUBCASE("while it waits for the children") {
    bool child = false;
    auto spawned = spawn(reactor, [&]() -> Task<> {
      co_await with_nursery([&](Nursery& nursery) -> Task<> {
        nursery.spawn(unwinds, std::ref(child), 3ms);
        co_return;
      });
    });
    time.advance(1ms);
    spawned.task().cancel_once();
    time.advance(1ms);
    spawned.task().cancel_once();  // once more does not harm
    const auto outcome = end_of(std::move(spawned));
    CHECK(outcome.check<Cancelled>());
    CHECK(child);
    CHECK(passed() == 4ms);
  }
}

TEST_CASE_FIXTURE(InTime, "cancel() of a nursery, by its body, a child or anybody") {
  SUBCASE("the body returns: its value") {
    bool child = false;
    const auto outcome = outcome_of([&]() -> Task<int> {
      co_return co_await with_nursery([&](Nursery& nursery) -> Task<int> {
        nursery.spawn(unwinds, std::ref(child), 0ms);
        co_await Pause{1ms};
        nursery.cancel();
        co_return 5;
      });
    });
    CHECK(outcome.value() == 5);
    CHECK(child);
  }
  SUBCASE("the body is cut, and has no value to give: it returns") {
    const auto outcome = outcome_of([]() -> Task<> {
      co_await with_nursery([](Nursery& nursery) -> Task<> {
        nursery.spawn([&]() -> Task<> {
          co_await Pause{1ms};
          nursery.cancel();
        });
        co_await Pause{1h};
      });
    });
    CHECK(outcome.has_value());
  }
  SUBCASE("the body is cut, and should have given a value: Cancelled") {
    const auto outcome = outcome_of([]() -> Task<int> {
      co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
        nursery.cancel();
        CHECK(nursery.cancelled());
        co_await Pause{1h};
        co_return 5;
      });
    });
    CHECK(outcome.check<Cancelled>());
  }
}

TEST_CASE_FIXTURE(InTime, "a child that is cancelled or closed by its own handle is no error") {
  const auto outcome = outcome_of([]() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      Spawned<int> cancelled = nursery.spawn(after(1h, 1));
      Spawned<int> closed = nursery.spawn(after(1h, 2));
      Spawned<int> sibling = nursery.spawn(after(5ms, 3));
      co_await Pause{1ms};
      cancelled.task().cancel();
      closed.task().close();
      const Outcome<int> one = co_await as_outcome(std::move(cancelled));
      const Outcome<int> other = co_await as_outcome(std::move(closed));
      CHECK(one.check<Cancelled>());
      CHECK(other.check<AbandonedError>());
      co_return co_await std::move(sibling);
    });
  });

  CHECK(outcome.value() == 3);
}

TEST_CASE_FIXTURE(InTime,
                  "spawn into a cancelled nursery begins, and is cancelled at its first await") {
  int begun = 0, behind = 0;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.cancel();
      nursery.spawn([&]() -> Task<> {
        ++begun;
        co_await Pause{};
        ++behind;
      });
      co_return;
    });
  });

  CHECK(outcome.has_value());
  CHECK(begun == 1);
  CHECK(behind == 0);
}

TEST_CASE_FIXTURE(InTime, "a Nursery that is an object is waited for, and says what failed") {
  Nursery nursery(reactor);
  bool child = false;
  nursery.spawn(after, 1ms, 1);
  nursery.spawn(unwinds, std::ref(child), 1ms);
  nursery.spawn(fails_after, 2ms, 1);
  const auto outcome = outcome_of([&]() -> Task<> { co_await nursery; });

  CHECK(number_of(outcome.failure()) == 1);
  CHECK(child);
  CHECK(nursery.size() == 0);
  CHECK(passed() == 3ms);
}

TEST_CASE_FIXTURE(InTime, "a cancel of who waits for a Nursery goes to its children") {
  Nursery nursery(reactor);
  bool child = false;
  nursery.spawn(unwinds, std::ref(child), 2ms);
  const auto outcome = outcome_of([&]() -> Task<> {
    const bool in_time = co_await move_on_after(1ms, nursery);  // graceful shutdown
    CHECK(!in_time);
    CHECK(nursery.size() == 0);
  });

  CHECK(outcome.has_value());
  CHECK(child);
  CHECK(passed() == 3ms);
}

TEST_CASE_FIXTURE(InTime, "co_await of with_nursery()'s nursery in its body says what is wrong") {
  const auto outcome = outcome_of([]() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> { co_await nursery; });
  });

  CHECK(outcome.check<std::logic_error>());
}

TEST_CASE_FIXTURE(InTime, "a nursery in a Deferred coroutine") {
  const auto made = [](Reactor&) -> Deferred<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      Spawned<int> child = nursery.spawn(after(1ms, 4));
      co_return co_await std::move(child);
    });
  };
  Deferred<int> deferred = made(reactor);
  time.run_until_idle();

  CHECK(std::move(deferred).result().value() == 4);
}

TEST_CASE("a nursery without a reactor") {
  const auto made = []() -> Deferred<int> {
    co_return co_await with_nursery([](Nursery&) -> Task<int> { co_return 4; });
  };

  CHECK(made().result().check<NoReactorError>());
  CHECK_THROWS_AS(Nursery(), NoReactorError);
}

TEST_CASE_FIXTURE(InTime, "a thrown-in error while it waits for the children is the nursery's") {
  bool child = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn(unwinds, std::ref(child), 1ms);
      co_return;
    });
  });
  time.advance(1ms);
  spawned.task().throw_(Broken{9});
  const auto outcome = end_of(std::move(spawned));

  CHECK(number_of(outcome.failure()) == 9);
  CHECK(child);
}

TEST_CASE_FIXTURE(InTime, "deadlines are inherited by children") {
  const auto outcome = outcome_of([&]() -> Task<> {
    const TimePoint begun = reactor.now();
    const auto family = [&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        CHECK(current_deadline() == begun + 5ms);
        co_return;
      });
      co_return;
    };
    co_await move_on_after(5ms, with_nursery(family));
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "children have names, which dumps show") {
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn(Pause{1ms}).named("napping");
      co_await Pause{};
      CHECK(reactor.dump_tasks().find("'napping' waiting on Pause") != std::string::npos);
    });
  });

  CHECK(outcome.has_value());
}

TEST_CASE_FIXTURE(InTime, "a child that cancels its owner is cancelled with it") {
  bool child = false, sibling = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    TaskRef owner = current_task();
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        owner.cancel();
        co_await unwinds(child);
      });
      nursery.spawn(unwinds(sibling));
      co_await Pause{1h};
    });
  });
  const auto outcome = end_of(std::move(spawned));

  CHECK(outcome.check<Cancelled>());
  CHECK(child);
  CHECK(sibling);
  CHECK(passed() == 0ms);
}

TEST_CASE_FIXTURE(InTime, "a child that is spawned by one that unwinds is cancelled as well") {
  bool begun = false, unwound = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn([&]() -> Task<> {
        const Outcome<void> paused = co_await as_outcome(Pause{1h});
        CHECK(paused.check<Cancelled>());
        nursery.spawn([&]() -> Task<> {
          begun = true;
          co_await unwinds(unwound);
        });
      });
      co_await Pause{1ms};
      nursery.cancel();
    });
  });

  CHECK(outcome.has_value());
  CHECK(begun);
  CHECK(unwound);
  CHECK(passed() == 1ms);
}

TEST_CASE_FIXTURE(InTime, "of two one-shot cancels the second goes to the next wait") {
  int cut = 0;
  const auto twice = [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      const Outcome<void> paused = co_await as_outcome(Pause{1h});
      if (paused.check<Cancelled>()) ++cut;
    }
  };
  Deferred<void> owner = spawn(reactor, [&]() -> Task<> {
    co_await with_nursery([&](Nursery&) -> Task<> { co_await twice(); });
  });
  time.advance(1ms);
  owner.cancel();
  time.advance(1ms);
  owner.cancel();
  time.advance(1ms);

  CHECK(cut == 2);
  CHECK(std::move(owner).result().has_value());
}

TEST_CASE_FIXTURE(InTime, "a Nursery takes more when its last has ended, and is waited for again") {
  Nursery nursery(reactor);
  int ended = 0;
  const auto child = [&](Duration time) -> Task<> {
    co_await Pause{time};
    ++ended;
  };
  nursery.spawn(child, 1ms);
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await nursery;
    CHECK(ended == 1);
    nursery.spawn(child, 1ms);
    co_await nursery;
  });

  CHECK(outcome.has_value());
  CHECK(ended == 2);
}

TEST_CASE_FIXTURE(InTime, "a limit around a nursery waits for a child that is shielded") {
  const auto outcome = outcome_of([&]() -> Task<> {
    const auto family = [](Nursery& nursery) -> Task<> {
      nursery.spawn(shield(Pause{5ms}));
      co_await Pause{1h};
    };
    const Outcome<void> limited = co_await as_outcome(with_timeout(1ms, with_nursery(family)));
    CHECK(limited.check<TimeoutError>());
  });

  CHECK(outcome.has_value());
  CHECK(passed() == 5ms);
}

TEST_CASE_FIXTURE(InTime,
                  "a child belongs to the nursery that it was spawned in, whoever did that") {
  bool foreign = false;
  const auto outcome = outcome_of([&]() -> Task<> {
    co_await with_nursery([&](Nursery& outer) -> Task<> {
      co_await with_nursery([&](Nursery& inner) -> Task<> {
        inner.spawn([&]() -> Task<> {
          outer.spawn([&]() -> Task<> {
            co_await Pause{2ms};
            foreign = true;
          });
          co_await Pause{1h};
        });
        co_await Pause{1ms};
        inner.cancel();
      });
      CHECK(passed() == 1ms);
      CHECK(outer.size() == 1);
    });
  });

  CHECK(outcome.has_value());
  CHECK(foreign);
}

TEST_CASE_FIXTURE(InTime, "an error that is thrown into the owner is the body's") {
  bool child = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    co_await with_nursery([&](Nursery& nursery) -> Task<> {
      nursery.spawn(unwinds, std::ref(child), 1ms);
      co_await Pause{1h};
    });
  });
  time.advance(1ms);
  spawned.task().throw_(Broken{9});
  const auto outcome = end_of(std::move(spawned));

  CHECK(number_of(outcome.failure()) == 9);
  CHECK(child);
  CHECK(passed() == 2ms);
}
