// SPDX-License-Identifier: MIT
//
// Tasks: spawning, subtasks, Deferred coroutines, Waiters and who answers them, Values.
#include <memory>
#include <optional>
#include <string>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Task<int> add(int a, int b) {
  co_await Pause{};
  co_return a + b;
}

void spawned_ways(Reactor& reactor) {
  Spawned<int> task = spawn(reactor, add(1, 2));
  has_value_or_no_memory(end_of(reactor, std::move(task)), 3);
  has_value_or_no_memory(end_of(reactor, spawn(reactor, add, 3, 4)), 7);
  has_value_or_no_memory(end_of(reactor, spawn(Pause{1ms})));
}
void spawned_and_let_go(Reactor& reactor) {
  int ended = 0;
  const auto body = [&ended]() -> Task<> {
    co_await Pause{};
    ++ended;
  };
  TaskRef task;
  {
    Spawned<void> spawned = spawn(reactor, body);
    task = spawned.task();
    std::move(spawned).detach();
  }
  turn_until(reactor, [&] { return task.done(); });
  right(task.done() && (ended == 1 || allocation_failed()), "a task does not come to its end");
}
void spawned_and_abandoned(Reactor& reactor) {
  Spawned<void> spawned = spawn(reactor, Pause{1h});
  const TaskRef task = spawned.task();
  turns(reactor, 1);
  std::move(spawned).abandon();
  turns(reactor, 2);
  right(task.done(), "a task that was abandoned does not end");
}
// The handle is kept until the task has ended, and only then asked.
void spawned_and_asked_late(Reactor& reactor) {
  Spawned<int> spawned = spawn(reactor, add(1, 2));
  turn_until(reactor, [&] { return spawned.done(); });
  right(spawned.done(), "a task does not come to its end");
  const bool failed = spawned.failed();
  const Outcome<int> outcome = std::move(spawned).deferred().result();
  right(failed == !outcome.has_value(), "a task that has failed does not say so");
  has_value_or_no_memory(outcome, 3);
}
void spawned_converted(Reactor& reactor) {
  Deferred<int> result = spawn(reactor, add(1, 2));
  turn_until(reactor, [&] { return result.has_result(); });
  has_value_or_no_memory(std::move(result).result(), 3);
}
// Callbacks of a Spawned: what could be added is called.
void spawned_with_callbacks(Reactor& reactor) {
  int added = 0;
  int called = 0;
  const auto count = [&] { ++called; };
  try {
    spawn(reactor, add(1, 2)).add_callback([&](int) { count(); }).add_errback(count).detach();
    ++added;
    spawn(reactor, add(1, 2)).add_both([&](Outcome<int>) { count(); }).detach();
    ++added;
    spawn(reactor, add(1, 2)).add_callbacks([&](int) { count(); }, count).detach();
    ++added;
    spawn(reactor, add(1, 2))
        .add_errback([](const std::bad_alloc&) { return 0; })
        .add_callback([&](int) { count(); })
        .detach();
    ++added;
  } catch (const std::bad_alloc&) {
  }
  turns(reactor, 4);
  right(called == added, "a callback of a task that was added is not called");
}

Task<int> sum(int n) {
  if (n == 0) co_return 0;
  const int rest = co_await sum(n - 1);
  co_return n + rest;
}
void subtasks(Reactor& reactor) {
  const Task<int> task = sum(1);
  right(task.valid(), "a task is there");
  has_value_or_no_memory(end_of(reactor, spawn(reactor, sum(10))), 55);
}
// A task that catches the bad_alloc of a call goes on, and its other waits are whole.
void subtask_that_fails(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    int got = 0;
    bool failed = false;
    try {
      got = co_await add(1, 2);
    } catch (const std::bad_alloc&) {
      failed = true;
    }
    if (failed) got = 3;
    try {
      co_await unlisted(Pause{1ms});
    } catch (const std::bad_alloc&) {
    }
    co_return got;
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
void task_as_outcome(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    Task<int> task = add(1, 2);
    Outcome<int> outcome = co_await std::move(task).as_outcome();
    co_return outcome.has_value() ? *outcome : out_of_memory(outcome) ? 3 : -1;
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}

Deferred<int> inline_callbacks(Reactor&, Deferred<int> first) {
  const int a = co_await std::move(first);
  co_await Pause{};
  co_return a + 1;
}
void deferred_coroutine(Reactor& reactor) {
  auto [promise, first] = make_deferred<int>();
  Deferred<int> result = inline_callbacks(reactor, std::move(first));
  promise.callback(1);
  turn_until(reactor, [&] { return result.has_result(); });
  right(result.has_result(), "a Deferred coroutine does not come to its end");
  has_value_or_no_memory(std::move(result).result(), 2);
}

void awaited_deferreds(Reactor& reactor) {
  auto [promise, deferred] = make_deferred<std::string>();
  const auto body = [&deferred]() -> Task<std::string> { co_return co_await std::move(deferred); };
  Spawned<std::string> task = spawn(reactor, body);
  TaskRef ref = task.task();
  const ClosedAtEnd closed(ref);
  turns(reactor, 1);
  try {
    promise.callback("a text that is longer than what a string holds in place");
  } catch (const std::bad_alloc&) {
    ref.close();
    turns(reactor, 1);
    return;
  }
  has_value_or_no_memory(end_of(reactor, std::move(task)),
                         "a text that is longer than what a string holds in place");
}
void awaited_deferred_cancelled(Reactor& reactor) {
  int asked = 0;
  auto [promise, deferred] = make_deferred<int>([&asked] { ++asked; });
  const auto body = [&deferred]() -> Task<int> { co_return co_await std::move(deferred); };
  Spawned<int> task = spawn(reactor, body);
  const ClosedAtEnd closed(task.task());
  turns(reactor, 1);
  task.task().cancel();
  const Outcome<int> outcome = end_of(reactor, std::move(task));
  if (deferred.valid()) promise.callback(0);  // it did not come so far
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
  right(asked == 1 || deferred.valid(), "what a task waits for is not cancelled");
}
void awaited_spawned(Reactor& reactor) {
  const auto body = []() -> Task<int> {
    auto child = spawn(add(1, 2));
    co_return co_await std::move(child);
  };
  has_value_or_no_memory(end_of(reactor, body), 3);
}
// Each reader gets the result, or had no memory to read it.
void awaited_shared(Reactor& reactor) {
  auto [promise, deferred] = make_deferred<int>();
  const SharedDeferred<int> shared = std::move(deferred).share();
  const auto reader = [](SharedDeferred<int> all) -> Task<int> {
    const int& value = co_await all;
    co_return value;
  };
  Deferred<int> one = spawn(reactor, reader, shared);
  Deferred<int> other = spawn(reactor, reader, shared);
  turns(reactor, 1);
  promise.callback(5);
  turns(reactor, 2);
  right(one.has_result() && other.has_result(), "a reader does not come to its end");
  has_value_or_no_memory(std::move(one).result(), 5);
  has_value_or_no_memory(std::move(other).result(), 5);
}

/// A yieldable that keeps its Waiter where the test can answer it.
class Kept {
 public:
  explicit Kept(std::optional<Waiter<std::string>>& place) noexcept : place_(&place) {}
  void yield_to(Waiter<std::string> waiter) const { place_->emplace(std::move(waiter)); }

 private:
  std::optional<Waiter<std::string>>* place_;
};
constexpr const char* long_text = "a text that is longer than what a string holds in place";

Task<std::string> wait_for(std::optional<Waiter<std::string>>& place) {
  co_return co_await Kept(place);
}
// An answer that cannot be made leaves the wait open.
void waiter_resumed(Reactor& reactor) {
  std::optional<Waiter<std::string>> waiter;
  Spawned<std::string> task = spawn(reactor, wait_for(waiter));
  TaskRef ref = task.task();
  turns(reactor, 1);
  if (!waiter) {  // it had no memory to come so far
    static_cast<void>(end_of(reactor, std::move(task)));
    return;
  }
  right(waiter->pending() && &waiter->reactor() == &reactor && waiter->task() == ref,
        "a Waiter is right");
  try {
    right(waiter->resume(long_text), "an answer is not taken");
  } catch (const std::bad_alloc&) {
    right(waiter->pending(), "an answer that cannot be made ends the wait");
    waiter->resume("short");
  }
  const Outcome<std::string> outcome = end_of(reactor, std::move(task));
  right(outcome.has_value() || out_of_memory(outcome), "an answer is lost");
}
void waiter_failed(Reactor& reactor) {
  std::optional<Waiter<std::string>> waiter;
  Spawned<std::string> task = spawn(reactor, wait_for(waiter));
  const ClosedAtEnd closed(task.task());
  Deferred<std::string> result = std::move(task).deferred();
  turns(reactor, 1);
  if (waiter) {
    try {
      right(waiter->throw_(std::logic_error(long_text)), "an answer is not taken");
    } catch (const std::bad_alloc&) {
      right(waiter->pending(), "an answer that cannot be made ends the wait");
      waiter->resume("short");
    }
  }
  const Outcome<std::string> outcome = end_of(reactor, std::move(result));
  right(out_of_memory(outcome) || outcome.check<std::logic_error>() ||
            (allocation_failed() && outcome.has_value()),
        "an answer is lost");
}
void waiter_fired(Reactor& reactor) {
  std::optional<Waiter<std::string>> waiter;
  Spawned<std::string> task = spawn(reactor, wait_for(waiter));
  turns(reactor, 1);
  if (waiter) right(waiter->fire(Outcome<std::string>("short")), "an answer is not taken");
  has_value_or_no_memory(end_of(reactor, std::move(task)), "short");
}
void waiter_dropped(Reactor& reactor) {
  std::optional<Waiter<std::string>> waiter;
  Spawned<std::string> task = spawn(reactor, wait_for(waiter));
  turns(reactor, 1);
  waiter.reset();
  const Outcome<std::string> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<AbandonedError>(), "another error");
}
void weak_waiters(Reactor& reactor) {
  std::optional<Waiter<std::string>> waiter;
  int answered = 0;
  for (int way = 0; way != 3; ++way) {
    Spawned<std::string> task = spawn(reactor, wait_for(waiter));
    turns(reactor, 1);
    if (waiter) {
      const WeakWaiter<std::string> weak = waiter->weak();
      right(weak.pending() && weak.task() == task.task(), "a wait is open");
      try {
        if (way == 0) answered += weak.resume("short");
        if (way == 1) answered += weak.fire(Outcome<std::string>("short"));
        if (way == 2) answered += weak.throw_(std::bad_alloc());
      } catch (const std::bad_alloc&) {
        right(weak.pending(), "an answer that cannot be made ends the wait");
      }
      waiter.reset();
    }
    const Outcome<std::string> outcome = end_of(reactor, std::move(task));
    right(outcome.has_value() || outcome.check<std::bad_alloc>() ||
              (allocation_failed() && outcome.check<AbandonedError>()),
          "another error");
  }
  right(allocation_failed() || answered == 3, "an answer is not taken");
}

/// Answers later, through schedule().
class Later {
 public:
  DelayedCall yield_to(Waiter<std::string> waiter) const {
    return schedule(std::move(waiter), 1ms, std::string("short"));
  }
};
/// Hands its Waiter on.
class Decorated {
 public:
  Undo<Later> yield_to(Waiter<std::string> waiter) && {
    return deferred::yield_to(std::move(later_), std::move(waiter));
  }
  void abandon() && { deferred::abandon(std::move(later_)); }

 private:
  Later later_;
};
void scheduled(Reactor& reactor) {
  require_yieldable<Later>();
  const auto body = []() -> Task<std::string> { co_return co_await Later(); };
  has_value_or_no_memory(end_of(reactor, body), "short");
}
void decorated(Reactor& reactor) {
  const auto body = []() -> Task<std::string> {
    Decorated decorated;
    co_return co_await std::move(decorated);
  };
  has_value_or_no_memory(end_of(reactor, body), "short");
  Spawned<std::string> task = spawn(reactor, body);
  turns(reactor, 1);
  task.task().cancel_once();  // asks the undo
  const Outcome<std::string> outcome = end_of(reactor, std::move(task));
  right(out_of_memory(outcome) || outcome.check<Cancelled>(), "another error");
}

/// Answered through a RemoteWaiter.
class Remotely {
 public:
  explicit Remotely(std::optional<RemoteWaiter<int>>& place) noexcept : place_(&place) {}
  void yield_to(Waiter<int> waiter) const { place_->emplace(std::move(waiter).remote()); }

 private:
  std::optional<RemoteWaiter<int>>* place_;
};
void remote_waiters(Reactor& reactor) {
  for (int way = 0; way != 3; ++way) {
    std::optional<RemoteWaiter<int>> remote;
    const auto body = [&remote]() -> Task<int> { co_return co_await Remotely(remote); };
    Spawned<int> task = spawn(reactor, body);
    turns(reactor, 1);
    if (remote && way == 0) std::move(*remote).resume(5);
    if (remote && way == 1) {
      std::exception_ptr error;
      {
        const AllocationsSucceed memory;
        error = std::make_exception_ptr(std::logic_error("elsewhere"));
      }
      std::move(*remote).throw_(error);
    }
    remote.reset();
    const Outcome<int> outcome = end_of(reactor, std::move(task));
    right(out_of_memory(outcome) || (way == 0 && outcome.has_value()) ||
              (way == 1 && outcome.check<std::logic_error>()) ||
              (way == 2 && outcome.check<AbandonedError>()),
          "an answer from another thread is lost");
  }
}

void values(Reactor& reactor) {
  Value large{std::string(long_text)};
  right(large.has_value() && large.type() == typeid(std::string),
        "a Value holds what it was given");
  right(large.get_if<std::string>() && large.as<std::string>() == long_text, "the same");
  Value given_away{Pause{1h}};
  std::move(given_away).abandon();
  const auto body = []() -> Task<std::string> {
    static_cast<void>(co_await Value{Pause{1ms}});
    Value answer = co_await Value{Later()};
    Value called = co_await Value{add(1, 2)};
    co_return answer.as<std::string>() + std::to_string(called.as<int>());
  };
  has_value_or_no_memory(end_of(reactor, body), "short3");
}
void unknown_value(Reactor& reactor) {
  const auto body = []() -> Task<> { static_cast<void>(co_await Value{7}); };
  const Outcome<void> outcome = end_of(reactor, body);
  right(out_of_memory(outcome) || outcome.check<UnknownYieldable>(), "another error");
}

}  // namespace

Programs tasks_programs() {
  return {
      {"spawn", {"deferred::spawn()"}, &spawned_ways},
      {"Spawned, let go",
       {"deferred::Spawned::detach()", "deferred::Spawned::task()"},
       &spawned_and_let_go},
      {"Spawned, abandoned", {"deferred::Spawned::abandon()"}, &spawned_and_abandoned},
      {"Spawned, asked after its end",
       {"deferred::Spawned::deferred()", "deferred::Spawned::done()",
        "deferred::Spawned::failed()"},
       &spawned_and_asked_late},
      {"Spawned, as a Deferred", {"deferred::Spawned::operator Deferred()"}, &spawned_converted},
      {"Spawned, with callbacks",
       {"deferred::Spawned::add_callback()", "deferred::Spawned::add_errback()",
        "deferred::Spawned::add_callbacks()", "deferred::Spawned::add_both()"},
       &spawned_with_callbacks},
      {"subtasks", {"co_await deferred::Task", "deferred::Task::valid()"}, &subtasks},
      {"a subtask that fails",
       {"co_await deferred::Task", "deferred::unlisted()", "deferred::Unlisted::Unlisted()"},
       &subtask_that_fails},
      {"Task::as_outcome", {"deferred::Task::as_outcome()"}, &task_as_outcome},
      {"a coroutine that returns a Deferred", {}, &deferred_coroutine},
      {"an awaited Deferred", {"co_await deferred::Deferred"}, &awaited_deferreds},
      {"an awaited Deferred that is cancelled",
       {"co_await deferred::Deferred"},
       &awaited_deferred_cancelled},
      {"an awaited Spawned", {"co_await deferred::Spawned"}, &awaited_spawned},
      {"an awaited SharedDeferred", {"co_await deferred::SharedDeferred"}, &awaited_shared},
      {"a Waiter that is resumed",
       {"deferred::Waiter::Waiter()", "deferred::Waiter::pending()", "deferred::Waiter::reactor()",
        "deferred::Waiter::resume()", "deferred::Waiter::task()"},
       &waiter_resumed},
      {"a Waiter that is answered with an error", {"deferred::Waiter::throw_()"}, &waiter_failed},
      {"a Waiter that is fired", {"deferred::Waiter::fire()"}, &waiter_fired},
      {"a Waiter that is dropped", {}, &waiter_dropped},
      {"WeakWaiters",
       {"deferred::Waiter::weak()", "deferred::WeakWaiter::WeakWaiter()",
        "deferred::WeakWaiter::pending()", "deferred::WeakWaiter::resume()",
        "deferred::WeakWaiter::fire()", "deferred::WeakWaiter::throw_()",
        "deferred::WeakWaiter::task()"},
       &weak_waiters},
      {"schedule", {"deferred::schedule()", "deferred::require_yieldable()"}, &scheduled},
      {"a decorator",
       {"deferred::yield_to()", "deferred::Undo::Undo()", "deferred::Undo::request_cancel()",
        "deferred::abandon()"},
       &decorated},
      {"RemoteWaiters",
       {"deferred::Waiter::remote()", "deferred::RemoteWaiter::RemoteWaiter()",
        "deferred::RemoteWaiter::resume()", "deferred::RemoteWaiter::throw_()"},
       &remote_waiters},
      {"Values",
       {"co_await deferred::Value", "deferred::Value::Value()", "deferred::Value::abandon()",
        "deferred::Value::as()", "deferred::Value::get_if()", "deferred::Value::has_value()",
        "deferred::Value::type()"},
       &values},
      {"a Value that nothing knows", {"co_await deferred::Value"}, &unknown_value},
  };
}

}  // namespace deferred::testing
