// SPDX-License-Identifier: MIT
//
// Scopes and nurseries: what runs in them, and what becomes of that without memory.
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Task<int> after(Duration time, int value) {
  co_await Pause{time};
  co_return value;
}

void scope_in_time(Reactor& reactor) {
  CancelScope scope;
  const auto body = [&]() -> Task<int> {
    scope.cancel_after(1h);
    const std::optional<int> value = co_await scope.run(after(1ms, 3));
    co_return value.value_or(0);
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
void scope_cancelled(Reactor& reactor) {
  CancelScope scope;
  const auto body = [&]() -> Task<int> {
    const std::optional<int> value = co_await scope.run(after(1h, 3));
    co_return value.value_or(-1);
  };
  Spawned<int> task = spawn(reactor, body);
  turns(reactor, 1);
  scope.cancel();
  has_value_or_no_memory(end_of(reactor, std::move(task)), -1);
  right(scope.cancelled(), "a scope that was cancelled does not say so");
}
void scope_at_deadline(Reactor& reactor) {
  const auto body = [&]() -> Task<int> {
    CancelScope scope;
    scope.cancel_at(reactor.now() + 1ms);
    const std::optional<int> value = co_await scope.run(after(1h, 3));
    const std::optional<int> again = co_await move_on_at(reactor.now() + 1ms, after(1h, 3));
    co_return value.value_or(-1) + again.value_or(-1);
  };
  has_value_or_no_memory(end_of(reactor, body), -2);
}
void moves_on(Reactor& reactor) {
  const auto body = [&]() -> Task<int> {
    const std::optional<int> in_time = co_await move_on_after(1h, after(1ms, 3));
    const std::optional<int> late = co_await move_on_after(1ms, after(1h, 3));
    const bool at = co_await move_on_at(reactor.now() + 1ms, Pause{1h});
    co_return in_time.value_or(0) + late.value_or(-1) + (at ? 10 : 0);
  };
  has_value_or_no_memory(end_of(reactor, body), 2);
}
void shielded(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const TimePoint deadline = current_deadline();
    const int value = co_await shield(after(1ms, 3));
    co_return deadline == TimePoint::max() ? value : 0;
  };
  Spawned<int> task = spawn(reactor, body);
  turns(reactor, 1);
  task.task().cancel();
  has_value_or_no_memory(end_of(reactor, std::move(task)), 3);
}
void given_up(Reactor& reactor) {
  const auto body = []() -> Task<> {
    CancelScope scope;
    static_cast<void>(co_await as_outcome(scope.run(succeed(1))));
    static_cast<void>(co_await as_outcome(move_on_after(1h, succeed(1))));
    static_cast<void>(co_await as_outcome(shield(succeed(1))));
  };
  Spawned<void> task = spawn(reactor, body);
  task.task().cancel();
  const Outcome<void> outcome = end_of(reactor, std::move(task));
  right(outcome.has_value() || out_of_memory(outcome), "another error");
}

void nursery_with_body(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      Spawned<int> child = nursery.spawn(after(1ms, 3)).named("child");
      nursery.spawn(Pause{1ms});
      nursery.spawn(after, 1ms, 4);
      right(nursery.size() == 3, "a nursery does not count its children");
      co_return co_await std::move(child);
    });
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
void nursery_cancelled(Reactor& reactor) {
  const auto body = []() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      nursery.spawn(Pause{1h});
      co_await Pause{1ms};
      nursery.cancel();
      right(nursery.cancelled(), "a nursery that was cancelled does not say so");
    });
  };
  has_value_or_no_memory(end_of(reactor, body));
}
// What is suppressed without memory for that is reported.
void nursery_with_errors(Reactor& reactor) {
  const auto body = []() -> Task<> {
    co_await with_nursery([](Nursery& nursery) -> Task<> {
      const auto fails = []() -> Task<> {
        co_await Pause{1ms};
        throw std::bad_alloc();
      };
      nursery.spawn(fails);
      nursery.spawn(fails);
      co_await Pause{1h};
    });
  };
  const Outcome<void> outcome = end_of(reactor, body);
  right(outcome.check<std::bad_alloc>() != nullptr, "an error of a child is lost");
  if (!allocation_failed()) {
    right(outcome.failure().suppressed().size() == 1, "a later error is lost");
  }
}
void nursery_object(Reactor& reactor) {
  Nursery nursery(reactor);
  right(&nursery.reactor() == &reactor, "a nursery is on another reactor");
  nursery.spawn(Pause{1ms});
  has_value_or_no_memory(end_of(reactor, [&]() -> Task<> { co_await nursery; }));
  nursery.spawn(Pause{1h});  // which is closed
}
void started(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    co_return co_await with_nursery([](Nursery& nursery) -> Task<int> {
      const auto serve = [](Started<int>& begun) -> Task<> {
        co_await Pause{1ms};
        begun(3);
        right(begun.said(), "what was said is not known");
      };
      co_return co_await nursery.start(serve);
    });
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
void running(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    const TaskRef self = current_task();
    co_return self == TaskRef::running() ? 1 : 0;
  };
  has_value_or_no_memory(end_of(reactor, body), 1);
  right(!TaskRef::running().valid(), "a task runs that does not");
  reactor.set_event_interval(0);
  has_value_or_no_memory(end_of(reactor, body), 1);
}
void ordered_rounds(Reactor& reactor) {
  struct LastFirst final : RoundOrder {
    std::size_t choose(std::size_t count) noexcept override { return count - 1; }
  };
  std::string log, begun;
  {
    const AllocationsSucceed memory;
    log.reserve(10);
    begun.reserve(10);
  }
  const auto writes = [&log](char letter) -> Task<> {
    log += letter;
    co_return;
  };
  try {
    reactor.order_rounds(std::make_unique<LastFirst>());
    for (const char letter : {'a', 'b', 'c'}) {
      spawn(reactor, writes(letter)).detach();
      begun += letter;
    }
  } catch (const std::bad_alloc&) {
  }
  turns(reactor, 2);
  right(log.size() == begun.size(), "a task of a round does not run");
  // Without memory for another order it is as it stood.
  right(log == "cab" || allocation_failed(), "a round is in another order");
  reactor.order_rounds(nullptr);
}

}  // namespace

Programs scope_programs() {
  return {
      {"a CancelScope, in time",
       {"deferred::CancelScope::cancel_after()", "deferred::CancelScope::run()",
        "co_await deferred::RunInScope", "deferred::RunInScope::RunInScope()"},
       &scope_in_time},
      {"a CancelScope, cancelled",
       {"deferred::CancelScope::cancel()", "deferred::CancelScope::cancelled()"},
       &scope_cancelled},
      {"a CancelScope at its deadline",
       {"deferred::CancelScope::cancel_at()", "deferred::CancelScope::within()"},
       &scope_at_deadline},
      {"move_on_after and move_on_at",
       {"deferred::move_on_after()", "deferred::move_on_at()", "co_await deferred::MoveOn",
        "deferred::MoveOn::MoveOn()"},
       &moves_on},
      {"shield",
       {"deferred::shield()", "co_await deferred::Shield", "deferred::Shield::Shield()",
        "deferred::current_deadline()"},
       &shielded},
      {"scopes, given up",
       {"deferred::RunInScope::abandon()", "deferred::MoveOn::abandon()",
        "deferred::Shield::abandon()"},
       &given_up},
      {"with_nursery",
       {"deferred::with_nursery()", "co_await deferred::WithNursery",
        "deferred::WithNursery::WithNursery()", "deferred::Nursery::spawn()",
        "deferred::Nursery::size()", "deferred::Spawned::named()"},
       &nursery_with_body},
      {"a nursery that is cancelled",
       {"deferred::Nursery::cancel()", "deferred::Nursery::cancelled()"},
       &nursery_cancelled},
      {"a nursery with errors",
       {"deferred::Failure::suppress()", "deferred::Failure::suppressed()"},
       &nursery_with_errors},
      {"a Nursery",
       {"co_await deferred::Nursery", "deferred::Nursery::Nursery()",
        "deferred::Nursery::reactor()"},
       &nursery_object},
      {"Nursery::start()",
       {"deferred::Nursery::start()", "deferred::Started::Started()",
        "deferred::Started::operator()()", "deferred::Started::said()"},
       &started},
      {"the running task, in rounds",
       {"deferred::CurrentTask::operator()()", "deferred::TaskRef::running()",
        "deferred::Reactor::set_event_interval()"},
       &running},
      {"rounds in an order",
       {"deferred::Reactor::order_rounds()", "deferred::RoundOrder::choose()"},
       &ordered_rounds},
  };
}

}  // namespace deferred::testing
