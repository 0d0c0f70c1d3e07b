// SPDX-License-Identifier: MIT
//
// What threads do with a reactor on poll(2), in every order of their steps: RemoteWaiters, stop(),
// calls, functions in a pool, tasks on another reactor.
#include <doctest/doctest.h>

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/on.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/interleavings/checks.hpp"
#include "tests/interleavings/remote_mutants.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {
// ---- RemoteWaiter.

/// A value that knows how many of it there are, on whatever thread.
struct Tracked {
  explicit Tracked(int& count) : live(&count) { ++*live; }
  Tracked(Tracked&& other) noexcept : live(other.live) { ++*live; }
  Tracked(const Tracked& other) noexcept : live(other.live) { ++*live; }
  ~Tracked() { --*live; }
  int* live;
};

template <template <class> class RemoteWaiter>
using Hand = std::optional<RemoteWaiter<Tracked>>;

/// A yieldable that gives its RemoteWaiter away.
template <template <class> class RemoteWaiter>
class Handed {
 public:
  explicit Handed(Hand<RemoteWaiter>& to) : to_(to) {}
  void yield_to(Waiter<Tracked> waiter) const {
    to_.emplace(RemoteWaiter<Tracked>(std::move(waiter)));
  }

 private:
  Hand<RemoteWaiter>& to_;
};

/// What a wait ended with.
enum class End { none, value, cancelled, abandoned };

template <template <class> class RemoteWaiter>
Task<> wait_for(Hand<RemoteWaiter>& hand, End& end) {
  const Handed<RemoteWaiter> handed(hand);
  const Outcome<Tracked> outcome = co_await as_outcome(handed);
  end = outcome.has_value()               ? End::value
        : outcome.check<Cancelled>()      ? End::cancelled
        : outcome.check<AbandonedError>() ? End::abandoned
                                          : End::none;
}

template <template <class> class RemoteWaiter>
std::function<void()> answering(Hand<RemoteWaiter>& hand, int& live, bool drop = false) {
  return [&hand, &live, drop] {
    exploring::wait_until([&] { return hand.has_value(); }, "the RemoteWaiter");
    if (drop) {
      hand.reset();
    } else {
      std::move(*hand).resume(Tracked(live));
    }
  };
}

/// A thread answers, or drops its end, and wakes a reactor that waits.
template <template <class> class RemoteWaiter, bool drop>
void answer(Interleaving& run) {
  Hand<RemoteWaiter> hand;
  End end = End::none;
  int live = 0;
  run.run({[&] {
             Reactor reactor;
             reactor.run(wait_for<RemoteWaiter>(hand, end));
           },
           answering<RemoteWaiter>(hand, live, drop)});
  run.check(end == (drop ? End::abandoned : End::value), "the wait ended otherwise");
  run.check(live == 0, "a value was lost");
}

/// The wait is cancelled while the answer comes: one of the two ends it.
template <template <class> class RemoteWaiter>
void answer_or_cancel(Interleaving& run) {
  Hand<RemoteWaiter> hand;
  End end = End::none;
  int live = 0;
  run.run({[&] {
             Reactor reactor;
             auto spawned = spawn(reactor, wait_for<RemoteWaiter>(hand, end));
             for (int turns = 0; turns < 3; ++turns) reactor.backend().run_once(false);
             spawned.task().cancel();
             while (!spawned.done()) reactor.backend().run_once(false);
           },
           answering<RemoteWaiter>(hand, live)});
  run.check(end == End::value || end == End::cancelled, "the wait did not end");
  run.check(live == 0, "a value was lost");
}

/// The reactor ends while the answer comes.
template <template <class> class RemoteWaiter, bool drop>
void answer_or_end(Interleaving& run) {
  Hand<RemoteWaiter> hand;
  End end = End::none;
  int live = 0;
  run.run({[&] {
             Reactor reactor;
             spawn(reactor, wait_for<RemoteWaiter>(hand, end)).detach();
             for (int turns = 0; turns < 2; ++turns) reactor.backend().run_once(false);
           },
           answering<RemoteWaiter>(hand, live, drop)});
  run.check(live == 0, "a value was lost");
}

TEST_CASE("RemoteWaiter: an answer wakes a reactor that waits, and so does dropping it") {
  check_all("answer", answer<RemoteWaiter, false>);
  check_all("drop", answer<RemoteWaiter, true>);
}

TEST_CASE("RemoteWaiter: an answer and a cancel: one of them ends the wait") {
  check_all("answer or cancel", answer_or_cancel<RemoteWaiter>);
}

TEST_CASE("RemoteWaiter: an answer while the reactor ends is destroyed once") {
  check_all("answer or end", answer_or_end<RemoteWaiter, false>);
  check_all("drop or end", answer_or_end<RemoteWaiter, true>);
}

TEST_CASE("RemoteWaiter: faulty copies are found") {
  namespace m = mutants;
  check_found("one_reference", answer_or_end<m::one_reference::RemoteWaiter, false>,
              "used after its end");
  check_found("refused_not_released", answer_or_end<m::refused_not_released::RemoteWaiter, false>,
              "lost");
  check_found("no_hold_on_inbox", answer_or_end<m::no_hold_on_inbox::RemoteWaiter, false>,
              "used after its end");
}

// ---- stop().

TEST_CASE("stop: a reactor that waits is woken by it") {
  check_all("stop", [](Interleaving& run) {
    detail::Atomic<Reactor*> there{nullptr};
    bool ended = false;
    run.run({[&] {
               Reactor reactor;
               there.store(&reactor);
               reactor.run();
               ended = true;
             },
             [&] {
               exploring::wait_until([&] { return there.load() != nullptr; }, "the reactor");
               there.load()->stop();
             }});
    run.check(ended, "run() did not end");
  });
}

// ---- Calls of a reactor that runs, stops, runs again and ends.

TEST_CASE("reactor: a call is made once, in a run that has not ended, or is refused") {
  check_all("calls", [](Interleaving& run) {
    std::optional<RemoteReactor> remote;
    std::vector<int> made;
    std::size_t accepted = 0;
    bool running = false;
    int ended = 0;
    run.run({[&] {
               Reactor reactor;
               remote.emplace(reactor.remote());
               for (int i = 0; i < 2; ++i) {
                 running = true;
                 reactor.run();
                 running = false;
                 ++ended;
               }
             },
             [&] {
               exploring::wait_until([&] { return remote.has_value(); }, "the reactor");
               for (int i = 1; i <= 3; ++i) {
                 const auto call = [&, i] {
                   run.check(running, "called outside of run()");
                   made.push_back(i);
                 };
                 if (remote->call_from_thread(call)) ++accepted;
                 if (i != 2) remote->stop();
               }
               exploring::wait_until([&] { return ended > 0; }, "the end of a run");
               remote->stop();  // the two before may have counted as one
             }});
    run.check(made.size() == accepted, "accepted, and not called");
    for (std::size_t i = 1; i < made.size(); ++i) {
      run.check(made[i - 1] < made[i], "out of order");
    }
  });
}

// ---- A function's hand-over to a pool and back.

/// A pool whose thread is one of the scenario's.
class OneThread final : public Pool {
 public:
  void submit(Job& job) override {
    const std::lock_guard lock(mutex_);
    queue_.push(job);
  }
  bool withdraw(Job& job) noexcept override {
    const std::lock_guard lock(mutex_);
    return queue_.remove(job);
  }
  /// Runs jobs until `over`.
  void work(const bool& over) {
    while (exploring::wait_until([&] { return over || !queue_.empty(); }, "a job")) {
      Job* job = nullptr;
      {
        const std::lock_guard lock(mutex_);
        job = queue_.pop();
      }
      if (job) job->run();
      if (!job && over) return;
    }
  }

 private:
  detail::Mutex mutex_;
  JobQueue queue_;
};

Task<> call_tracked(Pool& pool, int& calls, int& live, End& end) {
  const auto function = [&calls, &live] {
    ++calls;
    return Tracked(live);
  };
  const auto call = in_thread(pool, function);
  const Outcome<Tracked> outcome = co_await as_outcome(call);
  end = outcome.has_value() ? End::value : End::cancelled;
}

TEST_CASE("in_thread: a cancel takes the function back before it begins, or its value comes") {
  check_all("cancel a call", [](Interleaving& run) {
    OneThread pool;
    End end = End::none;
    int live = 0, calls = 0;
    bool over = false;
    run.run({[&] {
               Reactor reactor;
               auto spawned = spawn(reactor, call_tracked(pool, calls, live, end));
               reactor.backend().run_once(false);
               spawned.task().cancel();
               reactor.run_until(std::move(spawned).deferred());
               over = true;
             },
             [&] { pool.work(over); }});
    run.check(end == (calls == 1 ? End::value : End::cancelled), "called, and no value came");
    run.check(live == 0, "a value was lost");
  });
}

TEST_CASE("in_thread: the reactor may end at any step of the function's way") {
  check_all("call and end", [](Interleaving& run) {
    OneThread pool;
    End end = End::none;
    int live = 0, calls = 0;
    bool over = false;
    run.run({[&] {
               {
                 Reactor reactor;
                 spawn(reactor, call_tracked(pool, calls, live, end)).detach();
                 reactor.backend().run_once(false);
                 reactor.backend().run_once(false);
               }
               over = true;
             },
             [&] { pool.work(over); }});
    run.check(live == 0, "a value was lost");
  });
}

// ---- A call on another thread's reactor.

TEST_CASE("on: whenever the other reactor stops or ends, the wait for it ends") {
  const auto other_ends = [](bool stops, bool cancels) {
    return [stops, cancels](Interleaving& run) {
      std::optional<RemoteReactor> there;
      bool over = false;
      run.run({[&] {
                 Reactor reactor;
                 there.emplace(reactor.remote());
                 reactor.backend().run_once(false);
                 if (!stops) return;
                 reactor.stop();
                 reactor.run();
                 exploring::wait_until([&] { return over; }, "the other thread");
               },
               [&] {
                 exploring::wait_until([&] { return there.has_value(); }, "the reactor");
                 Reactor home;
                 const auto work = []() -> Task<int> {
                   co_await Pause{};
                   co_return 1;
                 };
                 auto spawned =
                     spawn(home, [&]() -> Task<int> { co_return co_await on(*there, work); });
                 TaskRef task = spawned.task();
                 home.backend().run_once(false);
                 if (cancels) task.cancel();
                 try {
                   run.check(home.run_until(std::move(spawned).deferred()) == 1, "another value");
                 } catch (const AbandonedError&) {
                 } catch (const NoReactorError&) {
                 } catch (const Cancelled&) {
                   run.check(cancels, "nobody has cancelled");
                 }
                 over = true;
               }});
    };
  };
  check_all("it ends", other_ends(false, false));
  check_all("it ends, and a cancel", other_ends(false, true));
  check_all("it stops", other_ends(true, false));
  check_all("it stops, and a cancel", other_ends(true, true));
}

/// Home's task notes what a call there gave it, and whether its next await was cancelled.
struct Called {
  int calls = 0;           // there
  bool cancelled = false;  // the task there
  End end = End::none;
  bool next = false;
};
template <class F>
Task<> call_there(RemoteReactor there, F work, Called& called) {
  const Outcome<int> outcome = co_await as_outcome(on(std::move(there), std::move(work)));
  called.end = outcome.has_value()               ? End::value
               : outcome.check<Cancelled>()      ? End::cancelled
               : outcome.check<AbandonedError>() ? End::abandoned
                                                 : End::none;
  const Outcome<void> next = co_await as_outcome(Pause{});
  called.next = !next.has_value();
}
/// The other reactor takes so many turns and ends, home cancels once.
template <class Make>
void cancel_once_there(Interleaving& run, Make make, int turns) {
  std::optional<RemoteReactor> there;
  Called called;
  bool over = false;
  run.run({[&] {
             Reactor reactor;
             there.emplace(reactor.remote());
             for (int turn = 0; turn < turns; ++turn) reactor.backend().run_once(false);
           },
           [&] {
             exploring::wait_until([&] { return there.has_value(); }, "the reactor");
             Reactor home;
             Deferred<void> done = spawn(home, call_there(*there, make(called), called));
             home.backend().run_once(false);
             done.cancel();
             home.run_until(std::move(done));
             over = true;
           }});
  run.check(over, "the wait did not end");
  if (called.end == End::value) {
    run.check(called.calls == 1, "a value, and no call");
    run.check(called.cancelled != called.next, "the cancel was lost, or came twice");
  } else if (called.end == End::cancelled) {
    run.check(called.calls == 0 && !called.next, "withdrawn, and called, or cancelled twice");
  } else {
    run.check(!(called.cancelled && called.next), "the cancel came twice");
  }
}

TEST_CASE("on: a one-shot cancel takes the call back, or hits one await, there or here") {
  check_all("a function", [](Interleaving& run) {
    const auto make = [](Called& called) { return [&called] { return ++called.calls; }; };
    cancel_once_there(run, make, 2);
  });
  check_all("a task", [](Interleaving& run) {
    const auto make = [](Called& called) {
      return [&called]() -> Task<int> {
        ++called.calls;
        const Outcome<void> paused = co_await as_outcome(Pause{});
        called.cancelled = !paused.has_value();
        co_return 1;
      };
    };
    cancel_once_there(run, make, 3);
  });
}

}  // namespace
