// SPDX-License-Identifier: MIT
//
// The inbox, in every order of the threads' steps. The same scenarios find what is wrong with
// faulty copies (mutants.py). Next: wake.cpp.
#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <vector>

#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "tests/interleavings/checks.hpp"
#include "tests/interleavings/inbox_mutants.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

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
    this->run = [](Message& self, bool alive, detail::DroppedBlocks&) noexcept {
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
             while (got.size() < 4 && backend.wait()) inbox->drain(Inbox::all);
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
             inbox->drain(Inbox::all);
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
/// an answer has. If there is one before it, it may come behind that or be the first.
template <class Inbox, class Message, bool one_before>
void message_outlives_reactor(Interleaving& run) {
  struct Last : Message {
    Last(Inbox& of, bool& taken) : inbox(of), was_taken(taken) {
      inbox.retain();
      this->run = [](Message& self, bool, detail::DroppedBlocks&) noexcept {
        static_cast<Last&>(self).was_taken = true;
        static_cast<Last&>(self).inbox.release();
      };
    }
    Inbox& inbox;
    bool& was_taken;
  };
  std::optional<WakeFlag> backend(run);
  auto* const inbox = new Inbox(*backend);
  bool taken = false;
  std::vector<int> got;
  Noted<Message> before(got, 1);
  Last last(*inbox, taken);
  if (one_before) run.check(inbox->push(before), "refused");
  run.run({[&] {
             while (!taken) {
               if (!exploring::wait_until([&] { return !inbox->empty(); }, "the message")) return;
               inbox->drain(Inbox::all);
             }
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
             inbox->drain(Inbox::all);
             inbox->refuse_calls(true);
             inbox->drain(Inbox::all);
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
  check_all("message outlives reactor", message_outlives_reactor<Inbox, Message, false>);
  check_all("message behind another", message_outlives_reactor<Inbox, Message, true>);
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
                                       m::push_without_reference::Message, false>,
              "used after its end");
  check_found("reference_by_first_look",
              message_outlives_reactor<m::reference_by_first_look::Inbox,
                                       m::reference_by_first_look::Message, true>,
              "used after its end");
}

}  // namespace
