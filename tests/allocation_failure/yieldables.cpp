// SPDX-License-Identifier: MIT
//
// The built-in yieldables.
#include <csignal>
#include <optional>
#include <string>

#include "tests/allocation_failure/programs.hpp"
#include "tests/allocation_failure/two_ends.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

void pauses(Reactor& reactor) {
  const auto body = []() -> Task<> {
    co_await Pause{};
    co_await Pause{1ms};
  };
  has_value_or_no_memory(end_of(reactor, body));
}
// A tick that cannot be waited for leaves the timer as it was.
void ticks(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    Timer timer(1ms);
    int ticked = 0;
    for (int i = 0; i != 3; ++i) {
      try {
        ticked += co_await timer != 0 ? 1 : 0;
      } catch (const std::bad_alloc&) {
      }
    }
    co_return ticked;
  };
  const Outcome<int> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || *outcome == 3 || allocation_failed(), "a tick is lost");
}
void ticks_of_a_grid(Reactor& reactor) {
  const auto body = [&reactor]() -> Task<int> {
    Timer timer(1ms, reactor.now(), Late::skip);
    co_return co_await timer != 0 ? 1 : 0;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}
void descriptors(Reactor& reactor) {
  const TwoEnds ends;
  ends.write(1);
  const auto body = [&ends]() -> Task<> {
    co_await Writable{ends[0]};
    co_await Readable{ends[0]};
    Readable again{ends[0]};
    try {
      co_await again;
    } catch (const std::bad_alloc&) {
    }
    co_await again;
  };
  has_value_or_no_memory(end_of(reactor, body));
}
void current_tasks(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const TaskRef self = co_await current_task;
    co_await cancel_point;
    co_return self.done() ? 0 : 1;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}
void signals(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    Signal user({SIGUSR1, SIGUSR2});
    ::raise(SIGUSR2);
    const int first = co_await user;
    ::raise(SIGUSR1);
    ::raise(SIGUSR2);
    try {
      co_await Pause{};
    } catch (const std::bad_alloc&) {
    }
    const int second = co_await user;  // both have come
    const int third = co_await user;
    co_return first == SIGUSR2&& second == SIGUSR1&& third == SIGUSR2 ? 1 : 0;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}
// A signal that came, and could not be kept for want of memory, is not lost for those that wait.
void signal_that_is_waited_for(Reactor& reactor) {
  const Signal user(reactor, SIGUSR1);
  const auto body = [&user]() -> Task<int> { co_return co_await user; };
  Spawned<int> first = spawn(reactor, body);
  const ClosedAtEnd closed_first(first.task());
  Spawned<int> second = spawn(reactor, body);
  const ClosedAtEnd closed_second(second.task());
  Deferred<int> one = std::move(first);
  Deferred<int> other = std::move(second);
  turns(reactor, 1);
  ::raise(SIGUSR1);
  turns(reactor, 3);
  right(one.has_result() && other.has_result(), "a task that waits for a signal is not told");
  has_value_or_no_memory(std::move(one).result(), SIGUSR1);
  has_value_or_no_memory(std::move(other).result(), SIGUSR1);
}

void replies(Reactor& reactor) {
  const auto body = [&reactor]() -> Task<std::string> {
    Reply<std::string> reply;
    const auto call = reactor.call_later(1ms, [send = reply.send()] { send("the answer"); });
    co_return co_await reply;
  };
  const Outcome<std::string> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || outcome.has_value(), "a reply is lost");
}
// An answer that cannot be made is not given: the sender may try again.
void reply_that_cannot_be_made(Reactor& reactor) {
  std::optional<ReplySender<std::string>> send;
  bool answered = false;
  const auto body = [&]() -> Task<std::string> {
    Reply<std::string> reply;
    send.emplace(reply.send());
    co_return co_await reply;
  };
  Spawned<std::string> task = spawn(reactor, body);
  const TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  turns(reactor, 1);
  if (send) {
    try {
      answered = (*send)("a text that is longer than what a string holds in place");
    } catch (const std::bad_alloc&) {
      answered = (*send)("short");
    }
    right(answered || ref.done(), "a sender whose answer could not be made is not heard any more");
  }
  send.reset();
  const Outcome<std::string> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.has_value(), "a reply is lost");
}
void reply_with_error(Reactor& reactor) {
  std::optional<ReplySender<int>> send;
  const auto body = [&]() -> Task<int> {
    Reply<int> reply;
    send.emplace(reply.send());
    co_return co_await reply;
  };
  Spawned<int> task = spawn(reactor, body);
  const TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  turns(reactor, 1);
  if (send) {
    try {
      send->throw_(std::logic_error("an error instead of an answer"));
    } catch (const std::bad_alloc&) {
      send->throw_(1);
    }
  }
  send.reset();
  const Outcome<int> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<std::logic_error>() ||
            (allocation_failed() && outcome.check<int>()),
        "an error that was sent is lost");
}

void outcomes(Reactor& reactor) {
  const auto body = [&reactor]() -> Task<int> {
    auto [promise, deferred] = make_deferred<int>();
    const auto fire =
        reactor.call_later(1ms, [p = std::move(promise)]() mutable { p.callback(4); });
    Outcome<int> first = co_await as_outcome(std::move(deferred));
    right(first.has_value() ? *first == 4 : out_of_memory(first), "another outcome");
    const auto child = [](int n) -> Task<int> {
      co_await Pause{};
      co_return n;
    };
    Outcome<int> second = co_await as_outcome(child(5));
    right(second.has_value() ? *second == 5 : out_of_memory(second), "another outcome");
    auto failing = []() -> Task<int> {
      throw std::logic_error("as it should");
      co_return 0;
    };
    Outcome<int> third = co_await as_outcome(failing());
    right(out_of_memory(third) || third.check<std::logic_error>(), "another outcome");
    co_return 1;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}
void outcomes_given_away(Reactor& reactor) {
  const auto body = []() -> Task<> { static_cast<void>(co_await as_outcome(Pause{1h})); };
  Spawned<void> task = spawn(reactor, body);
  task.task().cancel();  // before its first turn: the await is given up
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(outcome.has_value() || out_of_memory(outcome) || outcome.check<Cancelled>(), "another");
}

void limited_in_time(Reactor& reactor) {
  const auto body = [&reactor]() -> Task<int> {
    auto [promise, deferred] = make_deferred<int>();
    const auto fire =
        reactor.call_later(1ms, [p = std::move(promise)]() mutable { p.callback(4); });
    const int first = co_await with_timeout(1h, std::move(deferred));
    const auto child = [](int n) -> Task<int> {
      co_await Pause{};
      co_return n;
    };
    const int second = co_await with_timeout(1h, child(5));
    co_return first + second;
  };
  has_value_or_no_memory(end_of(reactor, body), 9);
}
// The limit limits, whatever fails once the wait has begun.
template <class Make>
void limit_of(Reactor& reactor, Make make) {
  const auto body = [&make]() -> Task<> { co_await with_timeout(1ms, make()); };
  const Outcome<void> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || outcome.check<TimeoutError>(),
        "a time limit ends with another error");
}
void limited_wait(Reactor& reactor) {
  limit_of(reactor, [] { return Pause{1h}; });
}
void limited_deferred(Reactor& reactor) {
  int asked = 0;
  int given = 0;
  Promise<void> promise;
  const auto make = [&] {
    auto [p, deferred] = make_deferred<void>([&asked] { ++asked; });
    promise = std::move(p);
    ++given;
    return std::move(deferred);
  };
  limit_of(reactor, make);
  right(asked == given, "what was limited is not cancelled");
}
void limited_task(Reactor& reactor) {
  int begun = 0;
  int unwound = 0;
  struct Unwinds {
    explicit Unwinds(int& count) noexcept : counted(&count) {}
    Unwinds(const Unwinds&) = delete;
    Unwinds& operator=(const Unwinds&) = delete;
    ~Unwinds() { ++*counted; }
    int* counted;
  };
  const auto child = [&]() -> Task<> {
    ++begun;
    const Unwinds unwinds(unwound);
    co_await Pause{1h};
  };
  limit_of(reactor, child);
  right(begun == unwound, "what was limited does not end");
}
void limited_limit(Reactor& reactor) {
  limit_of(reactor, [] { return with_timeout(1h, Pause{2h}); });
}
void limit_cancelled(Reactor& reactor) {
  const auto body = []() -> Task<> { co_await with_timeout(1h, Pause{2h}); };
  for (const bool once : {true, false}) {
    Spawned<void> task = spawn(reactor, body);
    turns(reactor, 1);
    if (once) {
      task.task().cancel_once();
    } else {
      task.task().cancel();
    }
    const Outcome<void> outcome = end_of(reactor, std::move(task));
    right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
  }
  Spawned<void> task = spawn(reactor, body);
  task.task().cancel();  // before its first turn: the await is given up
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

}  // namespace

Programs yieldables_programs() {
  return {
      {"Pause", {"co_await deferred::Pause", "deferred::Pause::Pause()"}, &pauses},
      {"Timer", {"co_await deferred::Timer", "deferred::Timer::Timer()"}, &ticks},
      {"Timer with an anchor", {"deferred::Timer::Timer()"}, &ticks_of_a_grid},
      {"Readable and Writable",
       {"co_await deferred::Readable", "deferred::Readable::Readable()",
        "co_await deferred::Writable", "deferred::Writable::Writable()"},
       &descriptors},
      {"current_task and cancel_point",
       {"co_await deferred::CurrentTask", "co_await deferred::CancelPoint"},
       &current_tasks},
      {"Signal", {"co_await deferred::Signal", "deferred::Signal::Signal()"}, &signals},
      {"a Signal that tasks wait for", {"co_await deferred::Signal"}, &signal_that_is_waited_for},
      {"Reply",
       {"co_await deferred::Reply", "deferred::Reply::Reply()", "deferred::Reply::send()",
        "deferred::ReplySender::operator()()"},
       &replies},
      {"a Reply whose answer cannot be made",
       {"deferred::ReplySender::operator()()"},
       &reply_that_cannot_be_made},
      {"a Reply with an error", {"deferred::ReplySender::throw_()"}, &reply_with_error},
      {"as_outcome",
       {"deferred::as_outcome()", "co_await deferred::AsOutcome",
        "deferred::AsOutcome::AsOutcome()", "deferred::Waiter::unwrapped()"},
       &outcomes},
      {"as_outcome, given up", {"deferred::AsOutcome::abandon()"}, &outcomes_given_away},
      {"with_timeout, in time",
       {"deferred::with_timeout()", "co_await deferred::WithTimeout",
        "deferred::WithTimeout::WithTimeout()"},
       &limited_in_time},
      {"with_timeout of a wait",
       {"deferred::WithTimeout::LimitedWait::LimitedWait()"},
       &limited_wait},
      {"with_timeout of a Deferred", {"co_await deferred::WithTimeout"}, &limited_deferred},
      {"with_timeout of a task", {"co_await deferred::WithTimeout"}, &limited_task},
      {"with_timeout of a with_timeout", {"co_await deferred::WithTimeout"}, &limited_limit},
      {"with_timeout, cancelled",
       {"deferred::WithTimeout::abandon()", "deferred::WithTimeout::LimitedWait::request_cancel()"},
       &limit_cancelled},
  };
}

}  // namespace deferred::testing
