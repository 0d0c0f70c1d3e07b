// SPDX-License-Identifier: MIT
#include "deferred/yieldables/to_deferred.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/yieldables/all.hpp"
#include "deferred/yieldables/any.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/race.hpp"
#include "deferred/yieldables/reply.hpp"
#include "tests/support/both_ways.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Loop, "to_deferred fires inside the call that answers") {
  Later<int> probe;
  int got = 0;
  auto done = to_deferred(reactor, probe).add_callback([&](int value) { got = value; });

  CHECK(probe.waiter().resume(7));

  CHECK(got == 7);
  CHECK(probe.undone() == 0);
  settle();
  CHECK(probe.undone() == 1);
  CHECK(done.has_result());
}

TEST_CASE_FIXTURE(Loop, "to_deferred of what answers at once has fired") {
  CHECK(to_deferred(reactor, succeed(1)).has_result());
  AtOnce<int> probe(2);
  Deferred<int> ready = to_deferred(reactor, probe);
  CHECK(std::move(ready).result().value() == 2);
  CHECK(to_deferred(reactor, fail<int>(Oops()))
            .add_errback([](const Oops&) { return 1; })
            .has_result());
}

TEST_CASE_FIXTURE(Loop, "to_deferred of an Outcome fires with what is in it") {
  Deferred<int> value = to_deferred(reactor, as_outcome(succeed(1)));
  Deferred<int> failed = to_deferred(reactor, as_outcome(fail<int>(Oops())));
  const auto fails = []() -> Task<int> {
    co_await Pause{};
    throw Oops();
  };
  Deferred<int> of_task = to_deferred(reactor, as_outcome(fails()));
  settle();

  CHECK(std::move(value).result().value() == 1);
  CHECK(std::move(failed).result().check<Oops>());
  CHECK(std::move(of_task).result().check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "to_deferred spawns a task") {
  Deferred<int> done = to_deferred(reactor, []() -> Task<int> {
    co_await Pause{1s};
    co_return 7;
  }());
  time.advance(1s);

  CHECK(std::move(done).result().value() == 7);
}

TEST_CASE_FIXTURE(Loop, "to_deferred says in the trace where it was called") {
  Deferred<int> failed = to_deferred(reactor, fail<int>(Oops()));
  const Failure failure = std::move(failed).result().failure();

  CHECK(failure.report().find("awaited at to_deferred.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "cancel of a Deferred of a wait is a one-shot cancel of that") {
  Deferred<void> pause = to_deferred(reactor, Pause{1h});
  Stubborn<int> stubborn;
  Deferred<int> asked = to_deferred(reactor, std::move(stubborn.result));

  pause.cancel();
  asked.cancel();
  asked.cancel();
  CHECK(stubborn.asked == 2);
  CHECK_FALSE(asked.has_result());
  stubborn.promise.callback(1);
  settle();

  CHECK(std::move(pause).result().check<Cancelled>());
  CHECK(std::move(asked).result().value() == 1);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "dropping the Deferred of a wait leaves the wait as it is") {
  Later<int> probe;
  to_deferred(reactor, probe).detach();

  CHECK(probe.waiting());
  CHECK(probe.waiter().resume(1));
  settle();
  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "dropped Waiters, and handlers that throw, fail the Deferred") {
  struct HandlerThrows {
    void yield_to(Waiter<int>) const { throw Oops("from the handler"); }
  };
  Later<int> probe;
  Deferred<int> abandoned = to_deferred(reactor, probe);
  probe.drop_waiter();

  CHECK(std::move(abandoned).result().check<AbandonedError>());
  CHECK(to_deferred(reactor, HandlerThrows())
            .add_errback([](const Oops&) { return 0; })
            .has_result());
}

TEST_CASE_FIXTURE(Loop,
                  "a wait by to_deferred is listed as a task, and can be cancelled and closed") {
  Later<int> first;
  Later<int> second;
  Deferred<int> cut = to_deferred(reactor, first);
  Deferred<int> closed = to_deferred(reactor, second);
  CHECK(reactor.task_count() == 2);
  CHECK(reactor.dump_tasks().find("waiting on deferred::testing::Later<int> at to_deferred.cpp:") !=
        std::string::npos);

  first.waiter().task().cancel();
  second.waiter().task().close();
  settle();

  CHECK(std::move(cut).result().check<Cancelled>());
  CHECK(std::move(closed).result().check<AbandonedError>());
  CHECK(second.undone() == 1);
  CHECK(reactor.task_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a handler of to_deferred may cancel, close or throw into its wait") {
  struct Acts {
    explicit Acts(void (*what)(TaskRef)) : act(what) {}
    void yield_to(Waiter<int> waiter) const {
      CHECK(waiter.task() == current_task());
      act(waiter.task());
      kept = std::move(waiter);
    }
    void (*act)(TaskRef);
    mutable Waiter<int> kept;
  };
  const auto after = [this](void (*act)(TaskRef)) {
    const Acts acts(act);
    Deferred<int> done = to_deferred(reactor, acts);
    settle();
    REQUIRE(done.has_result());
    return std::move(done).result();
  };

  CHECK(after([](TaskRef task) { task.cancel(); }).check<Cancelled>());
  CHECK(after([](TaskRef task) { task.cancel_once(); }).check<Cancelled>());
  CHECK(after([](TaskRef task) { task.close(); }).check<AbandonedError>());
  CHECK(after([](TaskRef task) { task.throw_(Oops()); }).check<TaskRunningError>());
  CHECK(reactor.task_count() == 0);
}

TEST_CASE("a wait by to_deferred ends with its reactor") {
  const Unhandled unhandled;
  Later<int> probe;
  std::optional<reactors::VirtualTime> time(std::in_place);
  std::optional<Reactor> reactor(std::in_place, *time);
  Deferred<int> closed = to_deferred(*reactor, probe);
  Deferred<void> ahead = to_deferred(*reactor, Pause{});
  AtOnce<int> at_once(1);
  Deferred<int> ready = to_deferred(*reactor, at_once);

  reactor.reset();

  CHECK(probe.undone() == 1);
  CHECK(at_once.undone() == 1);
  CHECK(std::move(closed).result().check<AbandonedError>());
  CHECK(std::move(ahead).result().check<AbandonedError>());
  CHECK(std::move(ready).result().value() == 1);
}

TEST_CASE_FIXTURE(Loop, "to_deferred without a reactor takes the one of the thread") {
  Deferred<void> pause = to_deferred(Pause{1s});
  time.advance(1s);

  CHECK(pause.has_result());
}

TEST_CASE("joins of Deferreds need no reactor") {
  const Unhandled unhandled;
  auto [first, a] = make_deferred<int>();
  auto [second, b] = make_deferred<std::unique_ptr<int>>();
  int got = 0;
  auto both = to_deferred(all(std::move(a), std::move(b)))
                  .add_callback([&](std::tuple<int, std::unique_ptr<int>> values) {
                    got = std::get<0>(values) + *std::get<1>(values);
                  });
  second.callback(std::make_unique<int>(2));
  CHECK(got == 0);
  first.callback(1);
  CHECK(got == 3);
  CHECK(both.has_result());

  int cancels = 0;
  auto [third, c] = make_deferred<int>([&] { ++cancels; });
  auto [fourth, d] = make_deferred<int>();
  Deferred<std::variant<int, int>> won = to_deferred(race(std::move(c), std::move(d)));
  fourth.callback(4);
  CHECK(cancels == 1);
  CHECK(std::get<1>(std::move(won).result().value()) == 4);

  auto [fifth, e] = make_deferred<int>();
  Deferred<std::tuple<int>> cut = to_deferred(all(std::move(e)));
  cut.cancel();
  CHECK(std::move(cut).result().check<Cancelled>());
}

TEST_CASE("without a reactor what needs one fails, and the rest ends inside its answer") {
  const Unhandled unhandled;
  Later<int> probe;
  Deferred<void> pause = to_deferred(Pause{1s});
  Deferred<int> done = to_deferred(probe);
  const TaskRef task = probe.waiter().task();

  CHECK(std::move(pause).result().check<NoReactorError>());
  CHECK(probe.waiter().resume(1));
  CHECK(probe.undone() == 1);
  CHECK(std::move(done).result().value() == 1);
  CHECK(task.done());

  Later<int> other;
  Deferred<int> closed = to_deferred(other);
  other.waiter().task().close();
  CHECK(other.undone() == 1);
  CHECK(std::move(closed).result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a value whose move throws fails the Deferred") {
  Later<ThrowsOnMove> probe;
  Deferred<ThrowsOnMove> done = to_deferred(reactor, probe);

  probe.waiter().resume(1);
  ThrowsOnMove::throwing = false;
  CHECK(done.has_result());
  CHECK(std::move(done).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "long ways of waits for Deferreds of waits use no stack") {
  auto [promise, first] = make_deferred<int>();
  Deferred<int> last = std::move(first);
  for (int i = 0; i < 100'000; ++i) last = to_deferred(reactor, std::move(last));

  promise.callback(7);

  CHECK(std::move(last).result().value() == 7);
}

}  // namespace
