// SPDX-License-Identifier: MIT
//
// Answering a wait: the first answer wins, and nothing runs inside it.
#include "deferred/tasks/waiter.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

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

template <class Y>
Task<int> await_int(Y& probe) {
  co_return co_await probe;
}

TEST_CASE_FIXTURE(Loop, "an answer inside the handler wins, and a second one does nothing") {
  Twice probe;

  CHECK(outcome_of(await_int(probe)).value() == 1);
}

// resumeback: a callback that came before the yield was a ValueError.
TEST_CASE_FIXTURE(Loop, "an answer from inside the handler is only taken down") {
  struct CallsBack {
    void yield_to(Waiter<int> waiter) const {
      Waiter<int> copy = waiter;
      copy.resume(5);
    }
  };

  const auto outcome = outcome_of([]() -> Task<int> {
    const CallsBack calls_back;
    co_return co_await calls_back;
  });

  CHECK(outcome.value() == 5);
}

TEST_CASE_FIXTURE(Loop, "resume() never runs the microthread") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  CHECK(probe.waiter().resume(2));
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "throw_() never runs the microthread") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  CHECK(probe.waiter().throw_(Oops{"no"}));
  CHECK_FALSE(spawned.done());
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "of two answers the first wins, and the second returns false") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  CHECK(probe.waiter().resume(1));
  CHECK_FALSE(probe.waiter().resume(2));
  CHECK_FALSE(probe.waiter().throw_(Oops{}));
  CHECK_FALSE(probe.waiter().fire(3));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

TEST_CASE_FIXTURE(Loop, "all copies of a Waiter answer the same wait") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();
  const Waiter<int> copy = probe.waiter();

  CHECK(copy.resume(4));

  CHECK_FALSE(probe.waiter().pending());
  settle();
  CHECK(outcome_of(std::move(spawned)).value() == 4);
}

TEST_CASE_FIXTURE(Loop, "a Waiter of an earlier wait cannot answer a later one") {
  Later<int> first;
  Later<int> second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int a = co_await first;
    co_return a + co_await second;
  });
  settle();
  first.waiter().resume(1);
  settle();
  REQUIRE(second.waiting());

  CHECK_FALSE(first.waiter().resume(100));
  settle();
  CHECK_FALSE(spawned.done());
  second.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

// PJE's microthreads: it was popped and killed. resumeback: "generator already executing".
TEST_CASE_FIXTURE(Loop, "a running microthread cannot be resumed") {
  Later<int> first;
  Later<int> second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int one = co_await first;
    CHECK_FALSE(first.waiter().resume(99));
    CHECK_FALSE(first.waiter().throw_(Oops()));
    TaskRef self = co_await current_task;
    CHECK_THROWS_AS(self.throw_(Oops()), TaskRunningError);
    co_return one + co_await second;
  });
  settle();
  first.waiter().resume(1);
  settle();
  REQUIRE_FALSE(spawned.done());

  second.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

TEST_CASE_FIXTURE(Loop,
                  "a copy kept from a handler that answered at once cannot answer a later wait") {
  struct AnswersAndKeeps {
    std::optional<Waiter<int>>* kept;
    void yield_to(Waiter<int> waiter) const {
      *kept = waiter;
      waiter.resume(1);
    }
  };
  std::optional<Waiter<int>> kept;
  Later<int> later;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const AnswersAndKeeps at_once{&kept};
    const int a = co_await at_once;
    co_return a + co_await later;
  });
  settle();
  REQUIRE(later.waiting());

  CHECK_FALSE(kept->pending());
  CHECK_FALSE(kept->resume(100));
  later.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

TEST_CASE_FIXTURE(Loop, "a copy made after the answer in a handler cannot answer a later wait") {
  struct AnswersThenKeeps {
    std::optional<Waiter<int>>* kept;
    void yield_to(Waiter<int> waiter) const {
      waiter.resume(1);
      *kept = std::move(waiter);
    }
  };
  std::optional<Waiter<int>> kept;
  Later<int> later;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const AnswersThenKeeps at_once{&kept};
    const int a = co_await at_once;
    co_return a + co_await later;
  });
  settle();
  REQUIRE(later.waiting());

  CHECK_FALSE(kept->pending());
  CHECK_FALSE(kept->throw_(Oops{}));
  kept.reset();
  settle();
  REQUIRE_FALSE(spawned.done());
  later.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 3);
}

TEST_CASE_FIXTURE(Loop, "a stale Waiter that is dropped does not abandon a later wait") {
  Later<int> first;
  Later<int> second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    co_await first;
    co_return co_await second;
  });
  settle();
  first.waiter().resume(1);
  settle();

  first.drop_waiter();
  settle();
  CHECK_FALSE(spawned.done());
  second.waiter().resume(2);
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "fire() answers with either side of an Outcome") {
  Later<int> good;
  Later<int> bad;
  auto value = spawn(reactor, await_int(good));
  auto failure = spawn(reactor, await_int(bad));
  settle();

  good.waiter().fire(7);
  bad.waiter().fire(Failure(Oops{"failed"}));
  settle();

  CHECK(outcome_of(std::move(value)).value() == 7);
  CHECK(outcome_of(std::move(failure)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "an answer whose value throws when it is made leaves the wait open") {
  struct ThrowsWhenMade {
    ThrowsWhenMade(int v) : value(v) {
      if (v < 0) throw std::runtime_error("negative");
    }
    int value;
  };
  Later<ThrowsWhenMade> probe;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const ThrowsWhenMade made = co_await probe;
    co_return made.value;
  });
  settle();

  CHECK_THROWS_AS(probe.waiter().resume(-1), std::runtime_error);
  settle();
  CHECK(probe.waiting());
  CHECK(probe.waiter().resume(1));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

TEST_CASE_FIXTURE(Loop, "an answer whose move throws leaves the wait open") {
  Later<ThrowsOnMove> probe;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const ThrowsOnMove made = co_await probe;
    co_return made.value;
  });
  settle();

  ThrowsOnMove::throwing = true;
  CHECK_THROWS_AS(probe.waiter().resume(ThrowsOnMove(1)), std::runtime_error);
  ThrowsOnMove::throwing = false;
  CHECK(probe.waiter().resume(2));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "an answer that nobody took is destroyed with its microthread") {
  Counted::reset();
  Later<Counted> probe;
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await probe; });
  settle();
  probe.waiter().resume(1);
  REQUIRE(Counted::live == 1);

  spawned.task().close();

  CHECK(Counted::live == 0);
}

TEST_CASE_FIXTURE(Loop, "a Waiter knows its reactor and its microthread") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  CHECK(&probe.waiter().reactor() == &reactor);
  CHECK(probe.waiter().task() == spawned.task());
}

TEST_CASE("a Waiter may outlive its reactor, and then does nothing") {
  Later<int> probe;
  std::optional<Spawned<int>> spawned;
  {
    Loop loop;
    spawned = spawn(loop.reactor, await_int(probe));
    loop.settle();
    REQUIRE(probe.waiting());
  }

  CHECK_FALSE(probe.waiter().pending());
  CHECK_FALSE(probe.waiter().resume(1));
  CHECK_THROWS_AS(probe.waiter().reactor(), NoReactorError);
  CHECK(Loop::outcome_of(*std::move(spawned)).check<AbandonedError>());
}

TEST_CASE_FIXTURE(Loop, "a Waiter can be assigned, and then answers the other wait") {
  Later<int> first;
  Later<int> second;
  auto one = spawn(reactor, await_int(first));
  auto two = spawn(reactor, await_int(second));
  settle();
  Waiter<int> waiter = first.waiter();

  waiter = second.waiter();
  waiter.resume(2);
  settle();

  CHECK_FALSE(one.done());
  CHECK(outcome_of(std::move(two)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "an empty Waiter answers nobody, until one is assigned to it") {
  Waiter<int> kept;
  CHECK_FALSE(kept.pending());
  CHECK_FALSE(kept.task().valid());
  CHECK_THROWS_AS(static_cast<void>(kept.reactor()), std::logic_error);
  CHECK_FALSE(kept.resume(1));
  CHECK_FALSE(kept.throw_(Oops{"no"}));
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  kept = probe.waiter();
  CHECK(kept.resume(2));
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 2);
}

TEST_CASE_FIXTURE(Loop, "schedule() answers after its delay") {
  struct After {
    auto yield_to(Waiter<std::string> w) const { return schedule(std::move(w), 3s, "later"); }
  };

  const auto outcome = outcome_of([]() -> Task<std::string> { co_return co_await After(); });

  CHECK(outcome.value() == "later");
  CHECK(now() == 3s);
}

TEST_CASE_FIXTURE(Loop, "schedule() without a delay answers for the next turn") {
  std::vector<std::string> notes;
  Later<int> probe;
  auto spawned = spawn(reactor, [&]() -> Task<> {
    const int got = co_await probe;
    CHECK(got == 5);
    notes.push_back("microthread");
  });
  settle();

  reactor.post([&] {
    CHECK_FALSE(schedule(probe.waiter(), 0s, 5).active());
    CHECK_FALSE(probe.waiter().pending());
    reactor.post([&] { notes.push_back("next round"); });
  });
  settle();

  CHECK(notes == std::vector<std::string>{"next round", "microthread"});
}

TEST_CASE_FIXTURE(Loop, "schedule() on a stale Waiter does nothing") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();
  probe.waiter().resume(1);

  CHECK_FALSE(schedule(probe.waiter(), 0s, 2).active());
  settle();

  CHECK(outcome_of(std::move(spawned)).value() == 1);
}

// schedule() threw NoReactorError where resume() returns false.
TEST_CASE_FIXTURE(Loop, "schedule() on a Waiter whose microthread is done does nothing") {
  std::optional<Waiter<void>> kept;
  struct Keep {
    explicit Keep(std::optional<Waiter<void>>& into) : kept(&into) {}
    void yield_to(Waiter<void> waiter) const { *kept = std::move(waiter); }
    std::optional<Waiter<void>>* kept;
  };
  spawn(reactor, [&]() -> Task<> { co_await Keep(kept); }).detach();
  time.advance();
  kept->resume();
  time.advance();

  DelayedCall call = schedule(*kept, 1s);

  CHECK(!call.active());
}

TEST_CASE_FIXTURE(Loop, "dropping the DelayedCall of schedule() withdraws the answer") {
  Later<int> probe;
  auto spawned = spawn(reactor, await_int(probe));
  settle();

  {
    const DelayedCall call = schedule(probe.waiter(), 1s, 5);
  }
  time.advance(2s);

  CHECK_FALSE(spawned.done());
}

TEST_CASE_FIXTURE(Loop, "an unwrapped Waiter delivers failures in the Outcome") {
  struct Outcomes {
    std::optional<Waiter<int>>* inner;
    void yield_to(Waiter<Outcome<int>> waiter) const { *inner = std::move(waiter).unwrapped(); }
  };
  std::optional<Waiter<int>> inner;
  const Outcomes outcomes{&inner};
  auto spawned = spawn(reactor, [&]() -> Task<bool> {
    const Outcome<int> outcome = co_await outcomes;
    co_return outcome.check<Oops>() != nullptr;
  });
  settle();

  CHECK(inner->throw_(Oops{}));
  settle();

  CHECK(outcome_of(std::move(spawned)).value());
}

TEST_CASE_FIXTURE(Loop, "an answer is taken in the order of the answers, not of the awaits") {
  std::vector<int> order;
  Later<int> first;
  Later<int> second;
  const auto note = [&](Later<int>& probe) -> Task<> { order.push_back(co_await probe); };
  spawn(reactor, note, std::ref(first));
  spawn(reactor, note, std::ref(second));
  settle();

  second.waiter().resume(2);
  first.waiter().resume(1);
  settle();

  CHECK(order == std::vector<int>{2, 1});
}

/// Hands its Waiter on, and keeps a weak one.
template <class R>
class Watched {
 public:
  Watched(Later<R>& inner, WeakWaiter<R>& seen) : inner_(inner), seen_(seen) {}
  ProbeUndo yield_to(Waiter<R> waiter) const {
    seen_ = waiter.weak();
    return inner_.yield_to(std::move(waiter));
  }

 private:
  Later<R>& inner_;
  WeakWaiter<R>& seen_;
};

TEST_CASE_FIXTURE(Loop, "a WeakWaiter answers as a Waiter does, and the first answer wins") {
  WeakWaiter<int> weak;
  Later<int> later;
  const Watched<int> watched(later, weak);
  auto spawned = spawn(reactor, [&]() -> Task<int> { co_return co_await watched; });
  settle();
  REQUIRE(weak.pending());

  CHECK(weak.resume(7));

  CHECK_FALSE(weak.pending());
  CHECK_FALSE(weak.throw_(Oops{}));
  CHECK_FALSE(later.waiter().resume(8));
  settle();
  CHECK(*outcome_of(std::move(spawned)) == 7);
}

TEST_CASE_FIXTURE(Loop, "a WeakWaiter throws into the wait of another's answer") {
  WeakWaiter<void> weak;
  Later<void> later;
  const Watched<void> watched(later, weak);
  auto spawned = spawn(reactor, [&]() -> Task<> { co_await watched; });
  settle();

  CHECK(weak.throw_(Oops{}));
  settle();

  CHECK(outcome_of(std::move(spawned)).check<Oops>());
}

TEST_CASE_FIXTURE(Loop, "a WeakWaiter does not keep a wait open") {
  WeakWaiter<void> weak;
  class KeepsWeak {
   public:
    explicit KeepsWeak(WeakWaiter<void>& kept) : kept_(kept) {}
    void yield_to(Waiter<void> waiter) const { kept_ = waiter.weak(); }

   private:
    WeakWaiter<void>& kept_;
  };
  const KeepsWeak keeps(weak);

  const auto outcome = outcome_of([&]() -> Task<> { co_await keeps; });

  CHECK(outcome.check<AbandonedError>());
  CHECK_FALSE(weak.pending());
}

// The waits of one microthread have one epoch, as long as each is answered inside its handler.
TEST_CASE_FIXTURE(Loop, "a WeakWaiter does not answer a later wait") {
  WeakWaiter<int> weak;
  class AnswersAtOnce {
   public:
    explicit AnswersAtOnce(WeakWaiter<int>& kept) : kept_(kept) {}
    void yield_to(Waiter<int> waiter) const {
      kept_ = waiter.weak();
      waiter.resume(1);
    }

   private:
    WeakWaiter<int>& kept_;
  };
  const AnswersAtOnce first(weak);
  Later<int> second;
  auto spawned = spawn(reactor, [&]() -> Task<int> {
    const int one = co_await first;
    const int two = co_await second;
    co_return one + two;
  });
  settle();

  CHECK_FALSE(weak.pending());
  CHECK_FALSE(weak.resume(40));
  CHECK(second.waiting());

  second.waiter().resume(2);
  settle();
  CHECK(*outcome_of(std::move(spawned)) == 3);
}

TEST_CASE_FIXTURE(Loop, "a WeakWaiter may outlive its task and its reactor") {
  WeakWaiter<int> weak;
  {
    reactors::VirtualTime other_time;
    Reactor other{other_time};
    Later<int> later;
    const Watched<int> watched(later, weak);
    spawn(other, [&]() -> Task<int> { co_return co_await watched; }).detach();
    other_time.advance();
    REQUIRE(weak.pending());
  }

  CHECK_FALSE(weak.pending());
  CHECK_FALSE(weak.resume(1));
}

}  // namespace

// Kept without being counted: it was answered as abandoned, and looked at a task that had gone.
TEST_CASE_FIXTURE(Loop, "an unwrapped Waiter may be kept where it is made") {
  struct Box {
    Waiter<int> waiter;
  };
  struct Keeps {
    std::unique_ptr<Box>* box;
    void yield_to(Waiter<Outcome<int>> waiter) const {
      box->reset(new Box{std::move(waiter).unwrapped()});
    }
  };
  std::unique_ptr<Box> box;
  auto waits = spawn(reactor, [&]() -> Task<int> {
    const Keeps keeps{&box};
    const Outcome<int> outcome = co_await keeps;
    co_return outcome.value();
  });
  settle();

  box->waiter.resume(5);
  settle();

  CHECK(outcome_of(std::move(waits)).value() == 5);
}
