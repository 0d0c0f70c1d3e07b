// SPDX-License-Identifier: MIT
//
// What threads share - the inbox, the wake flag, RemoteWaiter, a function's hand-over to a pool -
// in every order of their steps, with two preemptions. The same scenarios find what is wrong with
// faulty copies (mutants.py), and show the run by its choices.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "deferred/backend.hpp"
#include "deferred/detail/inbox.hpp"
#include "deferred/remote_waiter.hpp"
#include "deferred/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/in_thread.hpp"
#include "deferred/yieldables/on.hpp"
#include "deferred/yieldables/pause.hpp"
#include "reactors/detail/poll_set.hpp"
#include "reactors/poll.hpp"
#include "tests/interleavings/explore.hpp"
#include "tests/interleavings/mutants.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

/// No run goes wrong, and all were made.
void check_all(const std::string& name, const Scenario& scenario) {
  const Explored explored = explore(scenario);
  INFO(name << ": " << explored.runs << " runs; choices " << explored.choices);
  MESSAGE(name << ": " << explored.runs << " runs");
  CHECK(explored.error == "");
  CHECK(explored.complete);
  CHECK(explored.runs > 1);
}

/// Some run goes wrong, and goes wrong again when it is replayed.
void check_found(const std::string& name, const Scenario& scenario, const std::string& error) {
  const Explored explored = explore(scenario);
  MESSAGE(name << ": run " << explored.runs << ", choices " << explored.choices << ": "
               << explored.error);
  REQUIRE(explored.error.find(error) != std::string::npos);
  const Explored again = replay(scenario, explored.choices);
  CHECK(again.error == explored.error);
  CHECK(again.choices == explored.choices);
}

// ---- The explorer itself.

TEST_CASE("explore: an update that is lost between a load and a store is found") {
  check_found(
      "lost update",
      [](Interleaving& run) {
        detail::Atomic<int> x{0};
        const auto add = [&] { x.store(x.load() + 1); };
        run.run({add, add});
        run.check(x.load() == 2, "an update was lost");
      },
      "an update was lost");
  check_all("no lost update", [](Interleaving& run) {
    detail::Atomic<int> x{0};
    const auto add = [&] { x.fetch_add(1); };
    run.run({add, add, add});
    run.check(x.load() == 3, "an update was lost");
  });
}

TEST_CASE("explore: two threads that take two locks in two orders are found") {
  check_found(
      "two orders",
      [](Interleaving& run) {
        detail::Mutex first, second;
        const auto take = [](detail::Mutex& one, detail::Mutex& other) {
          const std::lock_guard lock(one);
          const std::lock_guard inner(other);
        };
        run.run({[&] { take(first, second); }, [&] { take(second, first); }});
      },
      "thread 0 waits for a Mutex, thread 1 waits for a Mutex");
}

TEST_CASE("explore: what is leaked, and what is used after its end, is found") {
  check_found(
      "leak", [](Interleaving& run) { run.run({[] { new detail::Atomic<int>; }}); }, "leaked");
  check_found(
      "late use",
      [](Interleaving& run) {
        auto x = std::make_unique<detail::Atomic<int>>(0);
        detail::Atomic<int>* const seen = x.get();
        run.run({[&] { seen->store(1); }, [&] { x.reset(); }});
      },
      "an Atomic was used after its end");
}

TEST_CASE("explore: the steps of two threads come in all orders that two preemptions allow") {
  std::vector<std::string> orders;
  const Explored explored = explore([&](Interleaving& run) {
    std::string order;
    const auto step = [&order](char who) {
      exploring::point();
      order += who;
    };
    run.run({[&] { step('a'), step('a'); }, [&] { step('b'), step('b'); }});
    orders.push_back(order);
  });

  CHECK(explored.complete);
  for (const char* order : {"aabb", "abab", "abba", "baab", "baba", "bbaa"}) {
    CHECK_MESSAGE(std::count(orders.begin(), orders.end(), order) > 0, order);
  }
}

// ---- The inbox.

/// A backend of which only the wake-up matters.
struct WakeFlag final : Backend {
  explicit WakeFlag(Interleaving& of) : run(of) {}
  ~WakeFlag() override { gone = true; }
  TimePoint now() noexcept override { return {}; }
  void arm(TimePoint) noexcept override {}
  void wake() noexcept override {
    exploring::point();
    run.check(!gone, "the backend was woken after its end");
    woken = true;
  }
  void watch(int, Ready, IoHandler&) override {}
  void rewatch(int, Ready) override {}
  void unwatch(int) noexcept override {}
  void run_once(bool) override {}
  /// Waits for a wake-up. False if none will come.
  bool wait() {
    const bool came = exploring::wait_until([this] { return woken; }, "a wake-up");
    woken = false;
    return came;
  }

  Interleaving& run;
  bool woken = false;
  bool gone = false;
};

/// A message that notes its end in a list: its number, or minus that if it was disposed of.
template <class Message>
struct Noted : Message {
  Noted(std::vector<int>& notes, int number) : to(&notes), number(number) {
    this->run = [](Message& self, bool alive) noexcept {
      const auto& noted = static_cast<Noted&>(self);
      noted.to->push_back(alive ? noted.number : -noted.number);
    };
  }
  std::vector<int>* to;
  int number;
};

/// Two threads push two messages each; the reactor takes them whenever it is woken.
template <class Inbox, class Message>
void two_pushers(Interleaving& run) {
  WakeFlag backend(run);
  auto* const inbox = new Inbox(backend);
  std::vector<int> got;
  std::array<std::optional<Noted<Message>>, 4> messages;
  for (int i = 0; i < 4; ++i) messages[static_cast<std::size_t>(i)].emplace(got, i + 1);
  const auto push = [&](std::size_t first) {
    run.check(inbox->push(*messages[first]) && inbox->push(*messages[first + 1]), "refused");
  };
  run.run({[&] {
             while (got.size() < 4 && backend.wait()) inbox->drain();
           },
           [&] { push(0); }, [&] { push(2); }});
  std::vector<int> first, second;
  for (const int number : got) (number <= 2 ? first : second).push_back(number);
  run.check(first == std::vector{1, 2} && second == std::vector{3, 4},
            "lost, doubled or out of order");
  inbox->close();
  inbox->release();
}

/// The reactor ends while a thread pushes: each message is run, disposed of or refused.
template <class Inbox, class Message>
void push_and_close(Interleaving& run) {
  std::optional<WakeFlag> backend(run);
  auto* const inbox = new Inbox(*backend);
  inbox->retain();  // the thread's, as of a remote end
  std::vector<int> ends;
  Noted<Message> one(ends, 1), two(ends, 2);
  run.run({[&] {
             inbox->drain();
             inbox->close();
             backend->gone = true;
             inbox->release();
           },
           [&] {
             if (!inbox->push(one)) ends.push_back(-1);
             if (!inbox->push(two)) ends.push_back(-2);
             inbox->release();
           }});
  int of[3] = {};
  for (const int number : ends) ++of[number < 0 ? -number : number];
  run.check(of[1] == 1 && of[2] == 1, "a message was lost or doubled");
}

/// The message has the last hold on the inbox beside the reactor, which ends when it has run it: as
/// an answer has.
template <class Inbox, class Message>
void message_outlives_reactor(Interleaving& run) {
  struct Last : Message {
    explicit Last(Inbox& of) : inbox(of) {
      inbox.retain();
      this->run = [](Message& self, bool) noexcept { static_cast<Last&>(self).inbox.release(); };
    }
    Inbox& inbox;
  };
  std::optional<WakeFlag> backend(run);
  auto* const inbox = new Inbox(*backend);
  Last last(*inbox);
  run.run({[&] {
             exploring::wait_until([&] { return !inbox->empty(); }, "the message");
             inbox->drain();
             inbox->close();
             backend->gone = true;
             inbox->release();
           },
           [&] { run.check(last.inbox.push(last), "refused"); }});
}

/// A run ends while a thread calls: what was accepted has been called when it has ended.
template <class Inbox, class Message>
void call_and_refuse(Interleaving& run) {
  WakeFlag backend(run);
  auto* const inbox = new Inbox(backend);
  std::vector<int> got;
  Noted<Message> one(got, 1), two(got, 2);
  std::size_t accepted = 0, called = 0;
  run.run({[&] {
             inbox->drain();
             inbox->refuse_calls(true);
             inbox->drain();
             called = got.size();
           },
           [&] {
             if (inbox->push_call(one)) ++accepted;
             if (inbox->push_call(two)) ++accepted;
           }});
  run.check(called == accepted && got.size() == accepted, "accepted, and not called in that run");
  inbox->close();
  inbox->release();
}

/// stop() makes the run end, and with it the reactor.
template <class Inbox, class>
void stop_and_end(Interleaving& run) {
  std::optional<WakeFlag> backend(run);
  auto* const inbox = new Inbox(*backend);
  run.run({[&] {
             exploring::wait_until([&] { return inbox->stopping(); }, "stop()");
             inbox->close();
             backend->gone = true;
             inbox->release();
           },
           [&] { inbox->stop(); }});
}

using detail::Inbox;
using detail::Message;

TEST_CASE("inbox: a call that was accepted is called before the run has ended") {
  check_all("call and refuse", call_and_refuse<Inbox, Message>);
}

TEST_CASE("inbox: what threads push is taken once, in each one's order, and no wake-up is lost") {
  check_all("two pushers", two_pushers<Inbox, Message>);
}

TEST_CASE("inbox: what is pushed while it closes is run, disposed of or refused, once") {
  check_all("push and close", push_and_close<Inbox, Message>);
}

TEST_CASE("inbox: it is there until a push has ended") {
  check_all("message outlives reactor", message_outlives_reactor<Inbox, Message>);
  check_all("stop and end", stop_and_end<Inbox, Message>);
}

TEST_CASE("inbox: faulty copies are found") {
  namespace m = mutants;
  check_found("wake_before_push",
              two_pushers<m::wake_before_push::Inbox, m::wake_before_push::Message>,
              "nobody can go on");
  check_found("drain_in_two_steps",
              two_pushers<m::drain_in_two_steps::Inbox, m::drain_in_two_steps::Message>,
              "nobody can go on");
  check_found("close_in_two_steps",
              push_and_close<m::close_in_two_steps::Inbox, m::close_in_two_steps::Message>,
              "lost or doubled");
  check_found("wake_outside_mutex",
              push_and_close<m::wake_outside_mutex::Inbox, m::wake_outside_mutex::Message>,
              "woken after its end");
  check_found("refuse_by_store",
              call_and_refuse<m::refuse_by_store::Inbox, m::refuse_by_store::Message>,
              "not called in that run");
  check_found("refusal_seen_once",
              call_and_refuse<m::refusal_seen_once::Inbox, m::refusal_seen_once::Message>,
              "not called in that run");
  check_found("stop_without_reference", stop_and_end<m::stop_without_reference::Inbox, void>,
              "used after its end");
  check_found("push_without_reference",
              message_outlives_reactor<m::push_without_reference::Inbox,
                                       m::push_without_reference::Message>,
              "used after its end");
}

// ---- The wake flag of the poll backend.

/// Two threads bring something, one of them twice, and wake; the one that waits must see it all.
template <class PollSet>
void two_wakers(Interleaving& run) {
  PollSet set;
  detail::Atomic<int> brought{0};
  const auto bring = [&] {
    brought.fetch_add(1);
    set.wake();
  };
  run.run({[&] {
             int seen = 0;
             while (seen < 3) {
               const bool woken = set.wait(Duration::max());
               seen += brought.exchange(0);
               if (!woken) break;
             }
             run.check(seen == 3, "something was not seen");
           },
           [&] {
             bring();
             bring();
           },
           bring});
}

TEST_CASE("poll: no wake-up is lost") { check_all("two wakers", two_wakers<reactors::PollSet>); }

TEST_CASE("poll: a faulty copy is found") {
  check_found("flag_cleared_before_eventfd",
              two_wakers<mutants::flag_cleared_before_eventfd::PollSet>, "nobody can go on");
}

// ---- RemoteWaiter, with a reactor on poll(2).

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

}  // namespace
