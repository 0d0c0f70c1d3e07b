// SPDX-License-Identifier: MIT
//
// Waiting for several things at once, awaited and by to_deferred(), without memory.
#include <stdexcept>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Task<int> in_a_while(int value) {
  co_await Pause{1ms};
  co_return value;
}
std::vector<Pause> pauses_of(Duration time) { return std::vector<Pause>(3, Pause{time}); }

void all_of_several(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const auto [one, unit, three] = co_await all(succeed(1), Pause{1ms}, succeed(3));
    const auto units = co_await all(pauses_of(1ms));
    co_return one + three + static_cast<int>(units.size());
  };
  has_value_or_no_memory(end_of(reactor, body), 7);
}
void all_with_tasks(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const auto [one, two, unit] = co_await all(in_a_while(1), in_a_while(2), Pause{1ms});
    co_return one + two;
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
// What is suppressed without memory for that is reported.
void all_that_fails(Reactor& reactor) {
  const auto body = []() -> Task<> {
    auto [promise, never] = make_deferred<int>();
    co_await all(std::move(never), fail<int>(std::logic_error("as it should")), Pause{1h});
  };
  const Outcome<void> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || outcome.check<std::logic_error>(), "another error");
}
// An input that cannot begin has failed.
void all_settled_ways(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const auto [one, two] = co_await all_settled(succeed(1), Pause{1ms});
    right(one.has_value() ? *one == 1 : out_of_memory(one), "another outcome");
    right(two.has_value() || out_of_memory(two), "another outcome");
    for (const Outcome<void>& each : co_await all_settled(pauses_of(1ms))) {
      right(each.has_value() || out_of_memory(each), "another outcome");
    }
    co_return 1;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
}
void first_value(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    Task<int> two = in_a_while(2);
    const auto won = co_await any(fail<int>(std::logic_error("no value")), std::move(two));
    const auto first = co_await any(pauses_of(1ms));
    co_return std::get<1>(won) + static_cast<int>(first.index == 0);
  };
  const Outcome<int> outcome = end_of(reactor, body);
  right(outcome.has_value() || out_of_memory(outcome) ||
            (allocation_failed() && outcome.check<std::logic_error>()),
        "another error");
}
void first_end(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const auto won = co_await race(Pause{1h}, in_a_while(2));
    const auto first = co_await race(pauses_of(1ms));
    co_return std::get<1>(won) + static_cast<int>(first.index == 0);
  };
  const Outcome<int> outcome = end_of(reactor, body);
  right(outcome.has_value() || out_of_memory(outcome), "another error");
}
void joins_given_up(Reactor& reactor) {
  const auto body = []() -> Task<> {
    static_cast<void>(co_await as_outcome(all(succeed(1))));
    static_cast<void>(co_await as_outcome(all_settled(succeed(1))));
    static_cast<void>(co_await as_outcome(any(succeed(1))));
    static_cast<void>(co_await as_outcome(race(succeed(1))));
  };
  Spawned<void> task = spawn(reactor, body);
  task.task().cancel();
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(outcome.has_value() || out_of_memory(outcome), "another error");
}

void join_as_deferred(Reactor& reactor) {
  Deferred<std::tuple<int, Unit>> both = to_deferred(reactor, all(succeed(1), Pause{1ms}));
  turn_until(reactor, [&] { return both.has_result(); });
  has_value_or_no_memory(std::move(both).result(), std::tuple(1, Unit()));
}
void task_as_deferred(Reactor& reactor) {
  Deferred<int> task = to_deferred(reactor, in_a_while(2));
  turn_until(reactor, [&] { return task.has_result(); });
  has_value_or_no_memory(std::move(task).result(), 2);
}
void deferred_cancelled(Reactor& reactor) {
  Deferred<void> cut = to_deferred(reactor, Pause{1h});
  cut.cancel();
  turns(reactor, 1);
  const Outcome<void> outcome = std::move(cut).result();
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

/// The first of two Pauses, as a user may write it.
class FirstOfTwo {
 public:
  class Wait {
   public:
    explicit Wait(const Waiter<int>& waiter) : waiter_(waiter), one_(*this), two_(*this) {
      one_.begin(Pause{1ms}, waiter, Failure::Passed::race, 1);
      two_.begin(Pause{1h}, waiter, Failure::Passed::race, 2);
    }
    Cancelling request_cancel() {
      if (one_.waits() && one_.ask_to_end()) one_.end_cancelled();
      return Cancelling::answer_follows;
    }

   private:
    class One final : public Branch<Pause> {
     public:
      explicit One(Wait& of) noexcept : of_(of) {}

     private:
      void ended() noexcept override { of_.ended(*this); }
      Wait& of_;
    };
    void ended(One& first) noexcept {
      One& other = &first == &one_ ? two_ : one_;
      if (other.waits()) other.expire();
      other.end_undo_soon();
      if (first.failed()) {
        waiter_.throw_(first.failure());
      } else {
        static_cast<void>(first.value());
        waiter_.resume(&first == &one_ ? 1 : 2);
      }
    }
    Waiter<int> waiter_;
    One one_;
    One two_;
  };
  Wait yield_to(Waiter<int> waiter) const { return Wait(waiter); }
};
void branches(Reactor& reactor) {
  const auto body = []() -> Task<int> { co_return co_await FirstOfTwo(); };
  has_value_or_no_memory(end_of(reactor, body), 1);
  Spawned<int> task = spawn(reactor, body);
  turns(reactor, 1);
  task.task().cancel_once();
  const Outcome<int> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

}  // namespace

Programs join_programs() {
  return {
      {"all", {"deferred::all()", "co_await deferred::All"}, &all_of_several},
      {"all with tasks", {"co_await deferred::All"}, &all_with_tasks},
      {"all that fails",
       {"co_await deferred::All", "deferred::Failure::passed()"},
       &all_that_fails},
      {"all_settled",
       {"deferred::all_settled()", "co_await deferred::AllSettled"},
       &all_settled_ways},
      {"any",
       {"deferred::any()", "co_await deferred::Any", "deferred::Winner::Winner()"},
       &first_value},
      {"race", {"deferred::race()", "co_await deferred::Race"}, &first_end},
      {"joins, given up",
       {"deferred::All::abandon()", "deferred::AllSettled::abandon()", "deferred::Any::abandon()",
        "deferred::Race::abandon()"},
       &joins_given_up},
      {"to_deferred", {"deferred::to_deferred()", "deferred::start_wait()"}, &join_as_deferred},
      {"to_deferred of a task", {"deferred::to_deferred()"}, &task_as_deferred},
      {"to_deferred, cancelled", {"deferred::to_deferred()"}, &deferred_cancelled},
      {"Branch",
       {"deferred::Branch::begin()", "deferred::Branch::waits()", "deferred::Branch::ask_to_end()",
        "deferred::Branch::end_cancelled()", "deferred::Branch::expire()",
        "deferred::Branch::end_undo_soon()", "deferred::Branch::failed()",
        "deferred::Branch::failure()", "deferred::Branch::value()"},
       &branches},
  };
}

}  // namespace deferred::testing
