// SPDX-License-Identifier: MIT
//
// How a handler is found and called, and how long its undo lives.
#include "deferred/tasks/yield_to.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/tasks/value.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/probes.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// Says which of its handlers was called.
struct Handled {
  void yield_to(Waiter<std::string> w) const { w.resume("member"); }
};
struct Both : Handled {};
struct ByReference : Handled {};
// Somebody else's types, with a handler that takes what is given away, or looks at it only.
struct GivenAway {};
struct LookedAt {};

}  // namespace

template <>
struct deferred::yieldable<Both> {
  static void yield_to(Both&, Waiter<std::string> w) { w.resume("yieldable<X>"); }
};
template <>
struct deferred::yieldable<ByReference> {
  static void yield_to(ByReference&&, Waiter<std::string> w) { w.resume("yieldable<X>"); }
};
template <>
struct deferred::yieldable<ByReference&> {
  static void yield_to(ByReference&, Waiter<std::string> w) { w.resume("yieldable<X&>"); }
};

template <>
struct deferred::yieldable<GivenAway> {
  static void yield_to(GivenAway&&, Waiter<std::string> w) { w.resume("X&&"); }
};
template <>
struct deferred::yieldable<LookedAt> {
  static void yield_to(const LookedAt&, Waiter<std::string> w) { w.resume("const X&"); }
};

namespace {

TEST_CASE_FIXTURE(Loop, "a member yield_to handles an object without any other handler") {
  const auto outcome = outcome_of([]() -> Task<std::string> {
    Handled x;
    co_return co_await x;
  });

  CHECK(outcome.value() == "member");
}

TEST_CASE_FIXTURE(Loop, "a static handler takes what its parameter says: X&& or const X&") {
  const auto outcome = outcome_of([]() -> Task<std::string> {
    const LookedAt named;
    std::string text = co_await GivenAway();
    text += ", " + co_await named;
    text += ", " + co_await LookedAt();
    co_return text;
  });

  CHECK(outcome.value() == "X&&, const X&, const X&");
}

TEST_CASE_FIXTURE(Loop, "yieldable<X> is asked before the member") {
  const auto outcome = outcome_of([]() -> Task<std::string> {
    Both x;
    co_return co_await x;
  });

  CHECK(outcome.value() == "yieldable<X>");
}

TEST_CASE_FIXTURE(Loop, "yieldable<X&> is asked first for an lvalue") {
  const auto outcome = outcome_of([]() -> Task<std::string> {
    ByReference x;
    co_return co_await x;
  });

  CHECK(outcome.value() == "yieldable<X&>");
}

TEST_CASE_FIXTURE(Loop, "yieldable<X&> is not asked for an rvalue") {
  const auto outcome = outcome_of([]() -> Task<std::string> {
    ByReference x;
    co_return co_await std::move(x);
  });

  CHECK(outcome.value() == "yieldable<X>");
}

TEST_CASE_FIXTURE(Loop, "a handler registered for the type is asked before those of the type") {
  auto registration = reactor.registry().when_type<Both>(
      [](const Both&, Waiter<std::string> w) { w.resume("registered type"); });

  const auto outcome = outcome_of([]() -> Task<std::string> {
    Both x;
    co_return co_await x;
  });

  CHECK(outcome.value() == "registered type");
}

TEST_CASE_FIXTURE(Loop, "a handler registered for the object is asked before the type's") {
  Both x;
  auto of_type = reactor.registry().when_type<Both>(
      [](const Both&, Waiter<std::string> w) { w.resume("registered type"); });
  auto of_object = reactor.registry().when_object(
      x, [](const Both&, Waiter<std::string> w) { w.resume("registered object"); });

  const auto outcome = outcome_of([&]() -> Task<std::string> { co_return co_await x; });

  CHECK(outcome.value() == "registered object");
}

TEST_CASE_FIXTURE(Loop, "an object's handler is not asked for another object") {
  Both x;
  Both other;
  auto of_object = reactor.registry().when_object(
      x, [](const Both&, Waiter<std::string> w) { w.resume("registered object"); });

  const auto outcome = outcome_of([&]() -> Task<std::string> { co_return co_await other; });

  CHECK(outcome.value() == "yieldable<X>");
}

template <class Y>
Task<int> await_copy(Y y) {
  co_return co_await std::move(y);
}

struct ConstHandler {
  void yield_to(Waiter<int> w) const { w.resume(1); }
};
struct LvalueHandler {
  void yield_to(Waiter<int> w) & { w.resume(2); }
};
struct RvalueHandler {
  void yield_to(Waiter<int> w) && { w.resume(3); }
};
struct NoexceptHandler {
  void yield_to(Waiter<int> w) noexcept { w.resume(4); }
};
struct AllOfThem {
  void yield_to(Waiter<int> w) const& noexcept { w.resume(5); }
};
struct StaticHandler {
  static void yield_to(StaticHandler&, Waiter<int> w) { w.resume(6); }
};

TEST_CASE_FIXTURE(Loop, "a const handler counts, also for a const object") {
  const auto outcome = outcome_of([]() -> Task<int> {
    const ConstHandler x;
    co_return co_await x;
  });

  CHECK(outcome.value() == 1);
}

TEST_CASE_FIXTURE(Loop, "an &-qualified handler counts for a named object") {
  const auto outcome = outcome_of([]() -> Task<int> {
    LvalueHandler x;
    co_return co_await x;
  });

  CHECK(outcome.value() == 2);
}

TEST_CASE_FIXTURE(Loop, "an &&-qualified handler counts for a temporary") {
  CHECK(outcome_of(await_copy(RvalueHandler())).value() == 3);
}

TEST_CASE_FIXTURE(Loop, "a noexcept handler counts") {
  CHECK(outcome_of(await_copy(NoexceptHandler())).value() == 4);
}

TEST_CASE_FIXTURE(Loop, "a const& noexcept handler counts") {
  CHECK(outcome_of(await_copy(AllOfThem())).value() == 5);
}

class Coroutine {
 public:
  explicit Coroutine(int value) : value_(value) {}
  Task<int> yield_to() && {
    co_await Pause(1s);
    co_return value_;
  }

 private:
  int value_;
};

TEST_CASE_FIXTURE(Loop, "a handler may be a coroutine, which runs as a subtask") {
  const auto outcome = outcome_of([]() -> Task<int> { co_return co_await Coroutine(7); });

  CHECK(outcome.value() == 7);
  CHECK(now() == 1s);
}

class ThrowingCoroutine {
 public:
  Task<int> yield_to() const {
    co_await Pause(1s);
    throw std::runtime_error("from the handler");
  }
};

TEST_CASE_FIXTURE(Loop, "what a coroutine handler throws is thrown at the co_await") {
  const auto outcome = outcome_of([]() -> Task<int> { co_return co_await ThrowingCoroutine(); });

  REQUIRE(outcome.check<std::runtime_error>());
  CHECK(outcome.failure().what() == "from the handler");
}

TEST_CASE_FIXTURE(Loop, "a yieldable is a description: an lvalue can be awaited again") {
  outcome_of([]() -> Task<> {
    const Pause pause(2s);
    co_await pause;
    co_await pause;
  }).value();

  CHECK(now() == 4s);
}

class MoveOnly {
 public:
  explicit MoveOnly(int value) : value_(std::make_unique<int>(value)) {}
  DelayedCall yield_to(Waiter<int> waiter) {
    return waiter.reactor().call_later(1s, [this, waiter] { waiter.resume(*value_); });
  }

 private:
  std::unique_ptr<int> value_;
};

TEST_CASE_FIXTURE(Loop, "an rvalue is moved into the await and lives through it") {
  const auto outcome = outcome_of([]() -> Task<int> { co_return co_await MoveOnly(9); });

  CHECK(outcome.value() == 9);
}

// ---- The undo.

TEST_CASE_FIXTURE(Loop,
                  "the undo of a wait that was answered at once ends before the code goes on") {
  outcome_of([]() -> Task<> {
    AtOnce<int> probe(5);
    const auto goes_on = [&](int got) {  // inside the expression that awaits
      CHECK(got == 5);
      CHECK(probe.undone() == 1);
    };
    goes_on(co_await probe);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "the undo of a wait ends before the code goes on with a later answer") {
  Later<int> probe;
  bool went_on = false;
  const auto goes_on = [&](int got) {  // inside the expression that awaits
    CHECK(got == 6);
    CHECK(probe.undone() == 1);
    went_on = true;
  };
  auto waiting = spawn(reactor, [&]() -> Task<> { goes_on(co_await probe); });
  settle();
  REQUIRE(probe.started() == 1);

  probe.waiter().resume(6);
  CHECK(probe.undone() == 0);
  settle();

  CHECK(went_on);
}

TEST_CASE_FIXTURE(Loop, "the undo of a wait ends before its error is caught") {
  outcome_of([]() -> Task<> {
    Failing<Oops> probe(Oops{"no"});
    bool caught = false;
    try {
      co_await probe;
    } catch (const Oops&) {
      CHECK(probe.undone() == 1);
      caught = true;
    }
    CHECK(caught);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "the undo of a wait ends when the task is cancelled") {
  Never probe;
  auto waiting = spawn(reactor, [&]() -> Task<> { co_await probe; });
  settle();

  waiting.task().cancel();
  settle();

  CHECK(probe.undone() == 1);
  CHECK(outcome_of(std::move(waiting)).check<Cancelled>());
}

TEST_CASE_FIXTURE(Loop, "the undo of a wait ends when the task is closed") {
  Never probe;
  auto waiting = spawn(reactor, [&]() -> Task<> { co_await probe; });
  settle();

  waiting.task().close();

  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "the undo of a wait ends when it times out") {
  Never probe;

  const auto outcome = outcome_of([&]() -> Task<> { co_await with_timeout(1s, probe); });

  CHECK(probe.undone() == 1);
  CHECK(outcome.check<TimeoutError>());
}

TEST_CASE("the undo of a wait ends with the reactor") {
  Never probe;
  {
    Loop loop;
    spawn(loop.reactor, [&]() -> Task<> { co_await probe; });
    loop.settle();
    REQUIRE(probe.undone() == 0);
  }
  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "the undo ends before what the yieldable holds") {
  std::vector<std::string> notes;
  class Yieldable {
   public:
    explicit Yieldable(std::vector<std::string>& notes)
        : notes_(notes), held_(std::make_unique<NotesEnd>(notes, "yieldable")) {}
    std::unique_ptr<NotesEnd> yield_to(Waiter<void> waiter) {
      waiter.resume();
      return std::make_unique<NotesEnd>(notes_, "undo");
    }

   private:
    std::vector<std::string>& notes_;
    std::unique_ptr<NotesEnd> held_;
  };

  outcome_of([&]() -> Task<> { co_await Yieldable(notes); }).value();

  CHECK(notes == std::vector<std::string>{"undo", "yieldable"});
}

// ---- Handlers that throw, and Waiters that are dropped.

class HandlerThrows {
 public:
  explicit HandlerThrows(std::optional<Waiter<int>>& kept) : kept_(kept) {}
  void yield_to(Waiter<int> waiter) const {
    kept_ = std::move(waiter);
    throw std::runtime_error("from the handler");
  }

 private:
  std::optional<Waiter<int>>& kept_;
};

TEST_CASE_FIXTURE(Loop, "what a handler throws is thrown at the co_await") {
  std::optional<Waiter<int>> kept;

  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await HandlerThrows(kept); });

  CHECK(outcome.failure().what() == "from the handler");
}

// PJE's microthreads: errors of a `yieldable` function were not caught.
TEST_CASE_FIXTURE(Loop, "an error of a handler does not escape into the reactor") {
  struct Fails {
    void yield_to(Waiter<void>) const { throw Oops("of the handler"); }
  };

  const auto outcome = outcome_of([]() -> Task<> {
    const Fails fails;
    co_await fails;
  });

  CHECK(outcome.check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a Waiter that a throwing handler has kept is stale") {
  std::optional<Waiter<int>> kept;
  bool answered = true;

  outcome_of([&]() -> Task<> {
    const Outcome<int> thrown = co_await as_outcome(HandlerThrows(kept));
    CHECK_FALSE(thrown.has_value());
    answered = kept->resume(1);
    co_await Pause(1s);
  }).value();

  CHECK_FALSE(answered);
  CHECK(now() == 1s);
}

TEST_CASE_FIXTURE(Loop, "what a registered handler throws is thrown at the co_await") {
  std::optional<Waiter<std::string>> kept;
  auto registration =
      reactor.registry().when_type<Handled>([&](const Handled&, Waiter<std::string> w) {
        kept = w;
        throw std::runtime_error("from the registered");
      });

  const auto outcome = outcome_of([]() -> Task<std::string> {
    Handled x;
    co_return co_await x;
  });

  CHECK(outcome.failure().what() == "from the registered");
  CHECK_FALSE(kept->pending());
}

TEST_CASE_FIXTURE(Loop, "a handler that answers and then throws has thrown") {
  class AnswersAndThrows {
   public:
    void yield_to(Waiter<std::string> waiter) const {
      waiter.resume("lost");
      throw std::runtime_error("after the answer");
    }
  };

  const auto outcome =
      outcome_of([]() -> Task<std::string> { co_return co_await AnswersAndThrows(); });

  CHECK(outcome.failure().what() == "after the answer");
}

TEST_CASE_FIXTURE(Loop, "a handler that answers for the next turn and then throws has thrown") {
  class SchedulesAndThrows {
   public:
    void yield_to(Waiter<std::string> waiter) const {
      schedule(waiter, 0s, "lost").cancel();
      throw std::runtime_error("after the answer");
    }
  };

  const auto outcome =
      outcome_of([]() -> Task<std::string> { co_return co_await SchedulesAndThrows(); });

  CHECK(outcome.failure().what() == "after the answer");
}

TEST_CASE_FIXTURE(Loop, "a handler that answered for the next turn and threw wakes no later wait") {
  class SchedulesAndThrows {
   public:
    void yield_to(Waiter<void> waiter) const {
      schedule(waiter, 0s).cancel();
      throw std::runtime_error("after the answer");
    }
  };
  Later<int> probe;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    try {
      co_await SchedulesAndThrows();
    } catch (const std::runtime_error&) {
    }
    co_return co_await probe;
  });
  settle();
  REQUIRE(probe.waiting());

  probe.waiter().resume(7);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 7);
}

TEST_CASE_FIXTURE(Loop,
                  "a handler that keeps no Waiter and does not answer: AbandonedError at once") {
  Dropped probe;
  bool others_ran = false;

  outcome_of([&]() -> Task<> {
    reactor.post([&] { others_ran = true; });
    const Outcome<void> outcome = co_await as_outcome(probe);
    CHECK(outcome.check<AbandonedError>());
    CHECK_FALSE(others_ran);
  }).value();
}

TEST_CASE_FIXTURE(Loop, "an abandoned wait names its yieldable and its place") {
  Dropped probe;

  const auto outcome = outcome_of([&]() -> Task<> { co_await probe; });

  const std::string text = outcome.failure().what();
  CHECK(text.find("Dropped at yield_to.cpp:") != std::string::npos);
  CHECK(text.find("all its Waiters were dropped") != std::string::npos);
}

TEST_CASE_FIXTURE(Loop, "the last Waiter being dropped later throws AbandonedError") {
  Later<int> probe;
  auto spawned = spawn(reactor, [&]() -> Task<int> { co_return co_await probe; });
  settle();
  std::optional<Waiter<int>> copy = probe.waiter();
  probe.drop_waiter();
  settle();
  REQUIRE_FALSE(spawned.done());

  copy.reset();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<AbandonedError>());
}

// ---- Decorators.

// Counts how often what it wraps is awaited.
template <class Y>
class CountedAwait {
  using R = detail::AwaitedResult<Y>;

 public:
  CountedAwait(int& count, Y&& x) : count_(count), x_(std::forward<Y>(x)) {}
  Undo<Y> yield_to(Waiter<R> waiter) && {
    ++count_;
    return deferred::yield_to(std::forward<Y>(x_), std::move(waiter));
  }

 private:
  int& count_;
  Y x_;
};
template <class Y>
CountedAwait<Y> counted(int& count, Y&& x) {
  return CountedAwait<Y>(count, std::forward<Y>(x));
}

TEST_CASE_FIXTURE(Loop, "a decorator hands its Waiter on and keeps the undo") {
  int count = 0;
  AtOnce<int> probe(3);

  const auto outcome = outcome_of([&]() -> Task<int> { co_return co_await counted(count, probe); });

  CHECK(outcome.value() == 3);
  CHECK(count == 1);
  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "a decorator's wait is undone through it") {
  int count = 0;
  Never probe;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await counted(count, probe); });
  settle();

  spawned.task().cancel();
  settle();

  CHECK(probe.undone() == 1);
}

TEST_CASE_FIXTURE(Loop, "what a decorator wraps is looked up in the registry too") {
  int count = 0;
  auto registration = reactor.registry().when_type<Pause>(
      [](const Pause&, Waiter<void> waiter) { waiter.resume(); });

  outcome_of([&]() -> Task<> { co_await with_timeout(1s, counted(count, Pause(1h))); }).value();

  CHECK(count == 1);
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Loop, "a decorator can answer with an Outcome by unwrapping its Waiter") {
  class Quiet {
   public:
    explicit Quiet(Failing<Oops>& x) : x_(x) {}
    Undo<Failing<Oops>&> yield_to(Waiter<Outcome<void>> waiter) {
      return deferred::yield_to(x_, std::move(waiter).unwrapped());
    }

   private:
    Failing<Oops>& x_;
  };
  Failing<Oops> failing(Oops{"quiet"});

  outcome_of([&]() -> Task<> {
    Quiet quiet(failing);
    const Outcome<void> outcome = co_await quiet;
    CHECK(outcome.check<Oops>());
  }).value();
}

// The cancel took the place of the error, which nobody heard of.
TEST_CASE_FIXTURE(Loop,
                  "what a handler throws is not replaced by a cancel, though it answered before") {
  class AnswersAndThrows {
   public:
    DelayedCall yield_to(Waiter<void> waiter) const {
      const DelayedCall answered = schedule(std::move(waiter), Duration(0));
      throw Oops{"after the answer"};
    }
  };
  const AnswersAndThrows x;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await x; });
  time.run_once(false);

  spawned.task().cancel();
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "what an undo answers at its end is too late") {
  class AnswersAtItsEnd {
   public:
    explicit AnswersAtItsEnd(std::vector<bool>& taken) : taken_(taken) {}
    class Undo {
     public:
      Undo(std::vector<bool>& taken, Waiter<int> waiter)
          : taken_(taken), waiter_(std::move(waiter)) {}
      Undo(const Undo&) = delete;
      Undo& operator=(const Undo&) = delete;
      ~Undo() { taken_.push_back(waiter_.resume(7)); }

     private:
      std::vector<bool>& taken_;
      Waiter<int> waiter_;
    };
    Undo yield_to(Waiter<int> waiter) const {
      Waiter<int> kept = waiter;
      if (taken_.empty()) waiter.resume(1);
      return Undo(taken_, std::move(kept));
    }

   private:
    std::vector<bool>& taken_;
  };
  std::vector<bool> taken;
  const AnswersAtItsEnd x(taken);
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int answered = co_await x;
    const Outcome<int> cancelled = co_await as_outcome(x);
    CHECK(cancelled.check<Cancelled>());
    CHECK(answered == 1);
    co_return co_await x;
  });
  settle();
  spawned.task().cancel_once();
  settle();

  spawned.task().close();

  CHECK(taken == std::vector<bool>{false, false, false});
}

TEST_CASE_FIXTURE(Loop, "an error that is thrown into a wait does not ask the undo to end early") {
  class Asked {
   public:
    explicit Asked(bool& asked) : asked_(asked) {}
    class Undo {
     public:
      explicit Undo(bool& asked) : asked_(asked) {}
      Cancelling request_cancel() {
        asked_ = true;
        return Cancelling::answer_follows;
      }

     private:
      bool& asked_;
    };
    Undo yield_to(Waiter<void> waiter) {
      waiter_ = std::move(waiter);
      return Undo(asked_);
    }

   private:
    bool& asked_;
    Waiter<void> waiter_;
  };
  bool asked = false;
  Asked x(asked);
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await x; });
  settle();

  spawned.task().throw_(Oops{});
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
  CHECK_FALSE(asked);
}

TEST_CASE_FIXTURE(Loop, "a cancel asks the undo to end early, and waits for its answer") {
  class Asked {
   public:
    explicit Asked(std::optional<Waiter<std::string>>& waiter) : waiter_(waiter) {}
    struct Ask {
      Cancelling request_cancel() { return Cancelling::answer_follows; }
    };
    Ask yield_to(Waiter<std::string> waiter) {
      waiter_ = std::move(waiter);
      return {};
    }

   private:
    std::optional<Waiter<std::string>>& waiter_;
  };
  std::optional<Waiter<std::string>> waiter;
  Deferred<std::string> asked = spawn(reactor, [&]() -> Task<std::string> {
    Asked x(waiter);
    co_return co_await x;
  });
  settle();

  asked.cancel();
  settle();
  CHECK_FALSE(asked.has_result());
  waiter->resume("ended early");
  settle();

  CHECK(std::move(asked).result().value() == "ended early");
}

TEST_CASE_FIXTURE(Loop, "an undo that answers when asked to end early, and says no, has answered") {
  // The answer was overwritten with Cancelled, and the microthread queued twice.
  class Answers {
   public:
    struct Ask {
      Waiter<std::string> waiter;
      void request_cancel() { waiter.resume("early"); }
    };
    Ask yield_to(Waiter<std::string> waiter) { return {std::move(waiter)}; }
  };
  Deferred<std::string> asked = spawn(reactor, [&]() -> Task<std::string> {
    Answers x;
    co_return co_await x;
  });
  settle();

  asked.cancel();
  settle();

  CHECK(std::move(asked).result().value() == "early");
}

TEST_CASE_FIXTURE(Loop, "what an undo throws when asked to end early becomes the answer") {
  class Throws {
   public:
    struct Ask {
      Waiter<void> waiter;
      void request_cancel() { throw Oops{"cannot end"}; }
    };
    Ask yield_to(Waiter<void> waiter) { return {std::move(waiter)}; }
  };
  bool thrown_at_await = false;
  Deferred<void> asked = spawn(reactor, [&]() -> Task<> {
    Throws x;
    try {
      co_await x;
    } catch (const Oops&) {
      thrown_at_await = true;
    }
  });
  settle();

  asked.cancel();
  settle();

  CHECK(thrown_at_await);
  CHECK(std::move(asked).result().has_value());
}

TEST_CASE_FIXTURE(Loop, "an undo may close its own microthread when asked to end early") {
  class Closes {
   public:
    struct Ask {
      Waiter<void> waiter;
      void request_cancel() {
        TaskRef task = waiter.task();
        task.close();
      }
    };
    Ask yield_to(Waiter<void> waiter) { return {std::move(waiter)}; }
  };
  Deferred<void> asked = spawn(reactor, [&]() -> Task<> {
    Closes x;
    co_await x;
  });
  settle();

  asked.cancel();
  settle();

  CHECK(std::move(asked).result().check<AbandonedError>());
}

}  // namespace
