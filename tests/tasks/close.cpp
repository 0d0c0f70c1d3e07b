// SPDX-License-Identifier: MIT
//
// close(): frames are destroyed at once, leaf first.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <vector>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/counted.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

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

TEST_CASE_FIXTURE(Loop, "close() destroys the frames leaf first") {
  std::vector<std::string> notes;
  const auto leaf = [&]() -> Task<> {
    const NotesEnd local(notes, "leaf");
    co_await Pause(1s);
  };
  const auto middle = [&]() -> Task<> {
    const NotesEnd local(notes, "middle");
    co_await leaf();
  };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const NotesEnd local(notes, "root");
    co_await middle();
  });
  settle();

  spawned.task().close();

  CHECK(notes == std::vector<std::string>{"leaf", "middle", "root"});
  CHECK(spawned.done());
  CHECK(reactor.task_count() == 0);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "nothing can catch a close()") {
  bool caught = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    try {
      co_await Pause(1s);
    } catch (...) {
      caught = true;
    }
  });
  settle();

  spawned.task().close();
  time.run_until_idle();

  CHECK_FALSE(caught);
}

TEST_CASE_FIXTURE(Loop, "the result of a closed microthread is an AbandonedError by closing") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  settle();

  spawned.task().close();

  const auto outcome = outcome_of(std::move(spawned));
  REQUIRE(outcome.check<AbandonedError>());
  CHECK(outcome.check<AbandonedError>()->by_closing());
}

// pyos: KillTask left the WaitTask waiters hanging.
TEST_CASE_FIXTURE(Loop, "a closed microthread leaves nobody waiting for it in the dark") {
  auto victim = spawn(reactor, []() -> Task<> { co_await Pause(1h); });
  TaskRef task = victim.task();
  auto waiter =
      spawn(reactor, [](Spawned<void> s) -> Task<> { co_await std::move(s); }, std::move(victim));
  settle();

  task.close();
  settle();

  CHECK(outcome_of(std::move(waiter)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop,
                  "a Deferred of a closed microthread fires, and its failure is not reported") {
  Deferred<void> kept = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  TaskRef second = spawned.task();
  std::move(spawned).deferred().detach();
  settle();

  kept.cancel();
  second.close();
  settle();

  CHECK(std::move(kept).result().check<Cancelled>());
  CHECK(unhandled.take().empty());
}

TEST_CASE_FIXTURE(Loop, "a microthread that is closed before its first turn never runs") {
  bool ran = false;
  Counted::reset();
  auto spawned = spawn(reactor, [&, held = Counted()]() -> Task<> {
    ran = true;
    co_return;
  });
  REQUIRE(Counted::live == 1);

  spawned.task().close();
  CHECK(Counted::live == 0);
  settle();

  CHECK_FALSE(ran);
}

TEST_CASE_FIXTURE(Loop, "a microthread that closes itself goes on until it gives control back") {
  std::vector<std::string> notes;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const NotesEnd local(notes, "frame");
    TaskRef self = co_await current_task;
    self.close();
    notes.push_back("still here");
    co_await Pause(1s);
    notes.push_back("never");
  });

  settle();

  CHECK(notes == std::vector<std::string>{"still here", "frame"});
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a microthread that closes itself and returns has its result") {
  auto spawned = spawn(reactor, []() -> Task<int> {
    TaskRef self = co_await current_task;
    self.close();
    co_return 5;
  });

  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 5);
}

TEST_CASE_FIXTURE(Loop, "a microthread can be closed by what it waits for") {
  struct Closes {
    void yield_to(Waiter<int> waiter) const {
      waiter.task().close();
      waiter.resume(1);
    }
  };
  bool went_on = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const Closes closes;
    co_await closes;
    went_on = true;
    co_await Pause(1s);
    went_on = false;
  });

  settle();

  CHECK(went_on);
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a microthread that was answered and queued can be closed") {
  Later<int> probe;
  bool went_on = false;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    co_await probe;
    went_on = true;
  });
  settle();
  probe.waiter().resume(1);

  spawned.task().close();
  settle();

  CHECK_FALSE(went_on);
}

TEST_CASE_FIXTURE(Loop, "a microthread that was cancelled and queued can be closed") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  settle();
  spawned.task().cancel();

  spawned.task().close();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "closing twice does nothing more") {
  auto spawned = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  settle();

  spawned.task().close();
  spawned.task().close();

  CHECK(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "a destructor in a closed frame may close another microthread") {
  auto other = spawn(reactor, []() -> Task<> { co_await Pause(1s); });
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const AtEnd end([&] { other.task().close(); });
    co_await Pause(1s);
  });
  settle();

  spawned.task().close();

  CHECK(other.done());
}

TEST_CASE_FIXTURE(Loop, "a destructor in a closed frame may look at, cancel, and close its own") {
  // What it waited on was gone already when it was looked at.
  std::string where;
  std::optional<TaskRef> self;
  Never probe;
  const auto leaf = [&]() -> Task<> { co_await probe; };
  Deferred<void> deferred;
  deferred = spawn(reactor, [&]() -> Task<> {
    const AtEnd end([&] {
      where = self->where() + reactor.dump_tasks();
      self->cancel();
      deferred.cancel();
      self->throw_(Oops{});
      self->close();
    });
    self = co_await current_task;
    co_await leaf();
  });
  settle();

  self->close();
  settle();

  CHECK(where == "task #1 is being closedtask #1 is being closed\n");
  CHECK(std::move(deferred).result().check<AbandonedError>());
  CHECK(unhandled.take() == std::vector<std::string>{"oops"});  // nobody caught it
}

// The cancel wrote into the frame of the pause, which was gone, for its answer was there already.
TEST_CASE_FIXTURE(Loop, "a destructor in a closed frame may cancel its own, which pauses") {
  const auto leaf = []() -> Task<> { co_await Pause{}; };
  auto spawned = spawn(reactor, [&]() -> Task<> {
    TaskRef self = co_await current_task;
    const AtEnd end([&] { self.cancel(); });
    co_await leaf();
  });
  time.run_once(false);
  time.run_once(false);

  spawned.task().close();

  CHECK(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "a destructor in a closed frame may resume others and spawn") {
  Later<int> probe;
  auto waiting = spawn(reactor, [&]() -> Task<int> { co_return co_await probe; });
  bool spawned_ran = false;
  auto closed = spawn(reactor, [&]() -> Task<> {
    const AtEnd end([&] {
      probe.waiter().resume(3);
      spawn(reactor, [&]() -> Task<> {
        spawned_ran = true;
        co_return;
      });
    });
    co_await Pause(1s);
  });
  settle();

  closed.task().close();
  settle();

  CHECK(outcome_of(std::move(waiting)).value() == 3);
  CHECK(spawned_ran);
}

TEST_CASE_FIXTURE(Loop, "Waiters of a closed microthread are stale, also those that die with it") {
  Later<int> probe;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const AtEnd end([&] { CHECK_FALSE(probe.waiter().resume(1)); });
    co_await probe;
  });
  settle();

  spawned.task().close();

  CHECK_FALSE(probe.waiter().pending());
  CHECK_FALSE(probe.waiter().resume(1));
  probe.drop_waiter();
  settle();
}

TEST_CASE_FIXTURE(Loop, "closing cancels a Deferred that is awaited, and ignores its failure") {
  int cancels = 0;
  auto [promise, deferred] = make_deferred<int>([&] { ++cancels; });
  auto spawned = spawn(
      reactor, [](Deferred<int> d) -> Task<int> { co_return co_await std::move(d); },
      std::move(deferred));
  settle();

  spawned.task().close();

  CHECK(cancels == 1);
}

TEST_CASE_FIXTURE(Loop, "closing inside with_timeout leaves no timer") {
  auto spawned = spawn(reactor, []() -> Task<> {
    const auto inner = []() -> Task<> { co_await Pause(5s); };
    co_await with_timeout(9s, inner());
  });
  settle();
  REQUIRE(reactor.timer_count() == 2);

  spawned.task().close();

  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Loop, "a microthread that closes the one it is called from by a Deferred") {
  // The callee is a coroutine of its own, called while the caller runs.
  std::optional<TaskRef> caller;
  const auto closes_caller = [&](Reactor&) -> Deferred<int> {
    caller->close();
    co_return 5;
  };
  int got = 0;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    caller = co_await current_task;
    got = co_await closes_caller(reactor);
    co_await Pause(1s);
    got = -1;
  });

  settle();

  CHECK(got == 5);
  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

TEST_CASE("the reactor closes all microthreads at its end") {
  std::vector<std::string> notes;
  {
    Loop loop;
    const auto waits = [&](std::string name) -> Task<> {
      const NotesEnd local(notes, name);
      co_await Pause(1s);
    };
    spawn(loop.reactor, waits, "one");
    spawn(loop.reactor, waits, "two");
    loop.settle();
  }

  CHECK(notes.size() == 2);
}

TEST_CASE("the reactor closes what destructors spawn at its end") {
  Counted::reset();
  {
    Loop loop;
    Reactor& reactor = loop.reactor;
    spawn(reactor, [&reactor]() -> Task<> {
      const AtEnd end([&] {
        const auto never = [](Counted) -> Task<> { co_return; };
        spawn(reactor, never, Counted());
      });
      co_await Pause(1s);
    });
    loop.settle();
  }

  CHECK(Counted::live == 0);
}

TEST_CASE("a handle may outlive the reactor that closed its microthread") {
  std::optional<Spawned<int>> spawned;
  Deferred<int> deferred;
  {
    Loop loop;
    const auto waits = []() -> Task<int> {
      co_await Pause(1s);
      co_return 1;
    };
    spawned = spawn(loop.reactor, waits());
    deferred = spawn(loop.reactor, waits());
    loop.settle();
  }

  CHECK(Loop::outcome_of(*std::move(spawned)).check<AbandonedError>());
  CHECK(std::move(deferred).result().check<AbandonedError>());
}

TEST_CASE("a handle of a finished microthread may outlive its reactor") {
  std::optional<Spawned<int>> spawned;
  {
    Loop loop;
    spawned = spawn(loop.reactor, []() -> Task<int> { co_return 1; });
    loop.settle();
  }

  CHECK(Loop::outcome_of(*std::move(spawned)).value() == 1);
}

}  // namespace

// Vanished.
TEST_CASE_FIXTURE(Loop, "an error thrown into a microthread that waits no more is reported") {
  TaskRef task = spawn(reactor, []() -> Task<> { co_await Pause{1s}; }).task();
  settle();
  reactor.call_later(1s, [&] { task.throw_(Oops{"too late"}); }).detach();

  time.advance(1s);
  REQUIRE(task.done());
  task = {};

  CHECK(unhandled.take() == std::vector<std::string>{"too late"});
}
