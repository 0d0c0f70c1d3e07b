// SPDX-License-Identifier: MIT
//
// The two cancels: TaskRef::cancel() is level, Deferred::cancel() of a coroutine is one-shot.
// ("row" is the number of the behaviour in Twisted's checklist.)
#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// ---- Level.

TEST_CASE_FIXTURE(Loop, "cancel() throws Cancelled at the leaf") {
  std::vector<std::string> notes;
  const auto leaf = [&]() -> Task<> {
    try {
      co_await Pause(1h);
    } catch (const Cancelled&) {
      notes.push_back("leaf");
      throw;
    }
  };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const NotesEnd end(notes, "root");
    co_await leaf();
  });
  settle();

  spawned.task().cancel();
  CHECK(notes.empty());
  settle();

  CHECK(notes == std::vector<std::string>{"leaf", "root"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "catch (const std::exception&) does not catch Cancelled") {
  bool swallowed = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    try {
      co_await Pause(1h);
    } catch (const std::exception&) {
      swallowed = true;
    }
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK_FALSE(swallowed);
}

TEST_CASE_FIXTURE(Loop, "a cancelled microthread throws again at every later await") {
  int thrown = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 5; ++i) {
      try {
        co_await Pause(1h);
      } catch (const Cancelled&) {
        ++thrown;
      }
    }
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(thrown == 5);
  CHECK(outcome_of(std::move(spawned)).has_value());
}

TEST_CASE_FIXTURE(Loop, "an await in a cancelled microthread does not call its handler") {
  struct Handles {
    int* calls;
    void yield_to(Waiter<void> waiter) const {
      ++*calls;
      waiter.resume();
    }
  };
  int calls = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Handles handles{&calls};
    const Outcome<void> first = co_await as_outcome(Pause(1h));
    const Outcome<void> second = co_await as_outcome(handles);
    CHECK(first.check<Cancelled>());
    CHECK(second.check<Cancelled>());
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(spawned.done());
  CHECK(calls == 0);
}

TEST_CASE_FIXTURE(Loop, "a loop that swallows every Cancelled cannot hang the reactor") {
  int thrown = 0;
  auto loop = spawn(reactor, [&]() -> Task<> {
    for (;;) {
      try {
        co_await Pause(1h);
      } catch (...) {
        ++thrown;
      }
    }
  });
  settle();
  loop.task().cancel();
  bool others_run = false;
  reactor.call_later(0s, [&] { others_run = true; }).detach();

  for (int i = 0; i < 5; ++i) time.run_once(false);
  CHECK(others_run);
  CHECK(thrown <= 5);
  loop.task().close();

  CHECK(outcome_of(std::move(loop)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "an answered wait gives its value, and the cancel hits the next await") {
  Later<int> probe;
  std::vector<std::string> notes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const int item = co_await probe;
    notes.push_back("item " + std::to_string(item));
    co_await Pause(1h);
    notes.push_back("never");
  });
  settle();
  probe.waiter().resume(1);

  spawned.task().cancel();
  settle();

  CHECK(notes == std::vector<std::string>{"item 1"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop,
                  "a microthread that is cancelled before its first turn runs to its first await") {
  std::vector<std::string> notes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    notes.push_back("begun");
    co_await Pause();
    notes.push_back("never");
  });

  spawned.task().cancel();
  settle();

  CHECK(notes == std::vector<std::string>{"begun"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a microthread that cancels itself goes on to its next await") {
  std::vector<std::string> notes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    TaskRef self = co_await current_task;
    self.cancel();
    notes.push_back("still here");
    co_await Pause();
    notes.push_back("never");
  });

  settle();

  CHECK(notes == std::vector<std::string>{"still here"});
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a cancel from inside a handler hits the wait that it begins") {
  struct Cancels {
    std::optional<Waiter<void>>* kept;
    void yield_to(Waiter<void> waiter) const {
      waiter.task().cancel();
      *kept = std::move(waiter);
    }
  };
  std::optional<Waiter<void>> kept;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Cancels cancels{&kept};
    co_await cancels;
  });

  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a cancelled microthread that returns has its value") {
  auto spawned = spawn(reactor, []() -> Task<int> {
    const Outcome<void> slept = co_await as_outcome(Pause(1h));
    co_return slept.check<Cancelled>() ? 1 : 2;
  });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

TEST_CASE_FIXTURE(Loop, "a subtask call is no cancel point: its leaf is") {
  bool callee_began = false;
  const auto callee = [&]() -> Task<> {
    callee_began = true;
    co_await Pause();
  };
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await callee(); });

  spawned.task().cancel();
  settle();

  CHECK(callee_began);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "cancel() cancels a Deferred that is awaited, and does not wait for it") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&](Promise<int>&) { ++cancels; });
  auto spawned = spawn(
      reactor, [](Deferred<int> d) -> Task<int> { co_return co_await std::move(d); },
      std::move(deferred));
  settle();

  spawned.task().cancel();
  settle();

  CHECK(cancels == 1);
  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
}

// Its handler was not called, and the operation went on without anybody.
TEST_CASE_FIXTURE(Loop,
                  "a Deferred awaited in a cancelled microthread is cancelled, not left alone") {
  bool cancelled = false;
  auto [promise, operation] = make_deferred<int>([&] { cancelled = true; });
  auto spawned = spawn(
      reactor,
      [](Deferred<int> on) -> Task<> {
        const Outcome<void> first = co_await as_outcome(Pause{1h});
        CHECK(first.check<Cancelled>());
        co_await with_timeout(1h, std::move(on));
      },
      std::move(operation));
  time.advance();

  spawned.task().cancel();
  time.advance();

  CHECK(cancelled);
  CHECK(std::move(spawned).deferred().result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "an awaited Deferred that fails when it is cancelled is not reported") {
  auto [promise, deferred] =
      make_deferred<int>([](Promise<int>& p) { p.errback(std::runtime_error("torn down")); });
  auto spawned = spawn(
      reactor, [](Deferred<int> d) -> Task<int> { co_return co_await std::move(d); },
      std::move(deferred));
  settle();

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Cancelled>());
  CHECK(unhandled.take().empty());
}

TEST_CASE_FIXTURE(Loop, "a detached microthread that ends with Cancelled is not reported") {
  TaskRef task = spawn(reactor, []() -> Task<> { co_await Pause(1h); }).task();
  settle();

  task.cancel();
  settle();

  CHECK(task.done());
  CHECK(unhandled.take().empty());
}

TEST_CASE_FIXTURE(Loop, "cancelling a microthread that awaits another's handle cancels the other") {
  auto inner = spawn(reactor, []() -> Task<> { co_await Pause(1h); });
  TaskRef inner_task = inner.task();
  auto outer =
      spawn(reactor, [](Spawned<void> s) -> Task<> { co_await std::move(s); }, std::move(inner));
  settle();

  outer.task().cancel();
  settle();

  CHECK(inner_task.done());
  CHECK(outcome_of(std::move(outer)).check<Cancelled>());
}

// ---- One-shot: a coroutine's Deferred (rows 106 to 110).

struct Inner {
  explicit Inner(std::vector<std::string>& notes) {
    auto made = make_deferred<int>([&notes] { notes.push_back("leaf canceller"); });
    promise = std::move(made.first);
    deferred = std::move(made.second);
  }
  Promise<int> promise;
  Deferred<int> deferred;
};

TEST_CASE_FIXTURE(Loop, "row 106: cancel() of a coroutine's Deferred cancels what it waits on") {
  std::vector<std::string> notes;
  Inner inner(notes);
  const auto waits = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    co_return co_await std::move(d);
  };
  Deferred<int> result = waits(reactor, std::move(inner.deferred));

  result.cancel();
  CHECK(notes == std::vector<std::string>{"leaf canceller"});
  settle();

  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "row 106: cancel() passes through Deferred coroutines to the innermost") {
  std::vector<std::string> notes;
  Inner inner(notes);
  struct Nest {
    static Deferred<int> call(Reactor& reactor, int depth, Deferred<int> d) {
      if (depth == 0) co_return co_await std::move(d);
      co_return co_await call(reactor, depth - 1, std::move(d));
    }
  };
  Deferred<int> result = Nest::call(reactor, 5, std::move(inner.deferred));

  result.cancel();
  settle();

  CHECK(notes == std::vector<std::string>{"leaf canceller"});
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "row 106: cancel() passes through tasks and decorators to the innermost") {
  std::vector<std::string> notes;
  Inner inner(notes);
  const auto task = [](Deferred<int> d) -> Task<int> {
    const Outcome<int> outcome = co_await as_outcome(with_timeout(1h, std::move(d)));
    co_return outcome.value();
  };
  Deferred<int> result =
      spawn(reactor, [&]() -> Task<int> { co_return co_await task(std::move(inner.deferred)); });
  settle();

  result.cancel();
  settle();

  CHECK(notes == std::vector<std::string>{"leaf canceller"});
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "row 106: what a canceller answers is what the coroutine gets") {
  auto [promise, deferred] = make_deferred<int>([](Promise<int>& p) { p.callback(42); });
  const auto waits = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    co_return co_await std::move(d);
  };
  Deferred<int> result = waits(reactor, std::move(deferred));

  result.cancel();
  settle();

  CHECK(std::move(result).result().value() == 42);
}

TEST_CASE_FIXTURE(Loop, "row 106: cancel() answers what is not a Deferred with Cancelled") {
  Deferred<void> result = spawn(reactor, []() -> Task<> { co_await Pause(1h); });
  settle();

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<Cancelled>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "row 107: a coroutine may catch Cancelled and return") {
  const auto swallows = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    try {
      co_return co_await std::move(d);
    } catch (const Cancelled&) {
      co_return 5;
    }
  };
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> result = swallows(reactor, std::move(deferred));

  result.cancel();
  settle();

  CHECK(std::move(result).result().value() == 5);
}

TEST_CASE_FIXTURE(Loop, "row 107: a coroutine may catch Cancelled and throw another error") {
  const auto throws = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    try {
      co_return co_await std::move(d);
    } catch (const Cancelled&) {
      throw Oops{"instead"};
    }
  };
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> result = throws(reactor, std::move(deferred));

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "row 107: a coroutine may catch Cancelled and go on waiting") {
  const auto goes_on = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    const Outcome<int> ignored = co_await as_outcome(std::move(d));
    CHECK(ignored.check<Cancelled>());
    co_await Pause(1s);
    co_return 6;
  };
  auto [promise, deferred] = make_deferred<int>();
  Deferred<int> result = goes_on(reactor, std::move(deferred));

  result.cancel();
  settle();
  CHECK_FALSE(result.has_result());
  time.advance(1s);

  CHECK(std::move(result).result().value() == 6);
}

TEST_CASE_FIXTURE(Loop, "row 108: the result stays pending until what was cancelled has answered") {
  auto [really_done, done] = make_deferred<int>();
  auto [promise, deferred] = make_deferred<int>();
  auto slow_to_end =
      std::move(deferred).add_errback([&done = done](const Cancelled&) { return std::move(done); });
  const auto waits = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    co_return co_await std::move(d);
  };
  Deferred<int> result = waits(reactor, std::move(slow_to_end));

  result.cancel();
  settle();
  CHECK_FALSE(result.has_result());
  really_done.callback(7);
  settle();

  CHECK(std::move(result).result().value() == 7);
}

TEST_CASE_FIXTURE(Loop,
                  "row 109: after a swallowed cancel, a second one hits what is waited on next") {
  std::vector<std::string> notes;
  Inner first(notes);
  Inner second(notes);
  const auto waits = [](Reactor&, Deferred<int> a, Deferred<int> b) -> Deferred<int> {
    const Outcome<int> ignored = co_await as_outcome(std::move(a));
    CHECK(ignored.check<Cancelled>());
    co_return co_await std::move(b);
  };
  Deferred<int> result = waits(reactor, std::move(first.deferred), std::move(second.deferred));
  result.cancel();
  settle();
  REQUIRE(notes.size() == 1);
  REQUIRE_FALSE(second.promise.fired());

  result.cancel();
  settle();

  CHECK(notes.size() == 2);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "row 110: first the leaf's canceller, then destructors, then errbacks") {
  std::vector<std::string> notes;
  Inner inner(notes);
  const auto waits = [&](Reactor&, Deferred<int> d) -> Deferred<int> {
    const NotesEnd finally(notes, "finally");
    co_return co_await std::move(d);
  };
  Deferred<int> result = waits(reactor, std::move(inner.deferred));
  auto end = std::move(result).add_errback([&](const Cancelled&) {
    notes.push_back("errback");
    return 0;
  });

  end.cancel();
  settle();

  CHECK(notes == std::vector<std::string>{"leaf canceller", "finally", "errback"});
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel before the start hits the first wait") {
  bool began = false;
  Deferred<void> result = spawn(reactor, [&]() -> Task<> {
    began = true;
    co_await Pause(1h);
  });

  result.cancel();
  settle();

  CHECK(began);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel before the start is thrown once") {
  std::vector<bool> cancelled;
  Deferred<void> result = spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 2; ++i) {
      const Outcome<void> slept = co_await as_outcome(Pause(1s));
      cancelled.push_back(slept.check<Cancelled>() != nullptr);
    }
  });

  result.cancel();
  time.run_until_idle();

  CHECK(cancelled == std::vector<bool>{true, false});
  CHECK(result.has_result());
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel of an answered wait hits the next one") {
  Later<int> probe;
  int got = 0;
  Deferred<void> result = spawn(reactor, [&]() -> Task<> {
    got = co_await probe;
    co_await Pause(1h);
  });
  settle();
  probe.waiter().resume(3);

  result.cancel();
  settle();

  CHECK(got == 3);
  CHECK(std::move(result).result().check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "a one-shot cancel is thrown once") {
  int thrown = 0;
  Deferred<void> result = spawn(reactor, [&]() -> Task<> {
    for (int i = 0; i < 3; ++i) {
      const Outcome<void> slept = co_await as_outcome(Pause(1s));
      if (slept.check<Cancelled>()) ++thrown;
    }
  });
  settle();

  result.cancel();
  time.run_until_idle();

  CHECK(thrown == 1);
  CHECK(std::move(result).result().has_value());
}

TEST_CASE_FIXTURE(Loop,
                  "a one-shot cancel of a coroutine that finishes without a wait does nothing") {
  Deferred<int> result = spawn(reactor, []() -> Task<int> { co_return 1; });

  result.cancel();
  settle();

  CHECK(std::move(result).result().value() == 1);
}

TEST_CASE_FIXTURE(Loop, "a request_cancel() may close its own microthread") {
  struct ClosesItself {
    struct Undo {
      TaskRef task;
      Waiter<void> waiter;
      void request_cancel() { task.close(); }
    };
    Undo yield_to(Waiter<void> waiter) const {
      TaskRef task = waiter.task();
      return {std::move(task), std::move(waiter)};
    }
  };
  const auto waits = []() -> Task<> {
    const ClosesItself never;
    co_await never;
  };
  Deferred<void> result = spawn(reactor, waits());
  settle();

  result.cancel();
  settle();

  CHECK(reactor.task_count() == 0);
  CHECK(std::move(result).result().check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "what an awaited Deferred's canceller throws is thrown at the await") {
  auto [promise, deferred] = make_deferred<int>([] { throw Oops{"cannot"}; });
  const auto waits = [](Reactor&, Deferred<int> d) -> Deferred<int> {
    co_return co_await std::move(d);
  };
  Deferred<int> result = waits(reactor, std::move(deferred));

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a canceller may close the coroutine that waits") {
  std::optional<TaskRef> task;
  auto [promise, deferred] = make_deferred<int>([&] { task->close(); });
  Deferred<int> result = spawn(reactor, [&task, d = std::move(deferred)]() mutable -> Task<int> {
    task = co_await current_task;
    co_return co_await std::move(d);
  });
  settle();

  result.cancel();
  settle();

  CHECK(std::move(result).result().check<AbandonedError>());
}

}  // namespace
