// SPDX-License-Identifier: MIT
//
// Composed programs of tasks: subtasks, children, catches and clean-ups, tasks that cut each other.
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Task<int> deep(CutRun& run, int depth) {
  const DestroyedOnce counted(run);
  if (depth == 0) {
    co_await Pause{};
    co_await some_time();
    co_return 0;
  }
  const int below = co_await deep(run, depth - 1);
  co_return below + 1;
}
Task<> nested(CutRun& run) { must(co_await deep(run, 5) == 5, "depth is lost"); }

// A catch does not lose a level cancel: it comes again at the next await.
Task<> swallows(CutRun& run) {
  struct Swallowed {
    int times = 0, after_cancel = 0;
  };
  auto& swallowed = run.keep<Swallowed>();
  run.at_end([&] { must(swallowed.after_cancel <= 3, "a cancelled task goes on waiting"); });
  for (int i = 0; i < 3; ++i) {
    const bool cancelled_before = run.cut(Cut::cancel);
    try {
      co_await some_time();
      if (cancelled_before) must(false, "a cancelled task waits");
    } catch (const Cancelled&) {
      ++swallowed.times;
    } catch (const CutError&) {
    }
  }
}

Task<> cleans_up(CutRun& run) {
  const DestroyedOnce counted(run);
  bool failed = false;
  try {
    co_await some_time();
    throw std::runtime_error("of its own");
  } catch (const std::runtime_error&) {
    failed = true;
  }
  if (failed) co_await some_time();
}

// Children are somebody's: one that is waited for by its handle.
Task<int> child(CutRun& run, Duration time) {
  const DestroyedOnce counted(run);
  co_await Pause{time};
  co_return 1;
}
Task<> children_in_order(CutRun& run) {
  std::vector<Spawned<int>> children;
  for (int i = 3; i > 0; --i) children.push_back(spawn(child(run, i * 1ms)));
  int sum = 0;
  for (Spawned<int>& one : children) {
    const int got = co_await std::move(one);
    sum += got;
  }
  must(sum == 3, "a child gives another value");
}

class CancelsAtEnd {
 public:
  explicit CancelsAtEnd(TaskRef task) : task_(std::move(task)) {}
  CancelsAtEnd(const CancelsAtEnd&) = delete;
  CancelsAtEnd& operator=(const CancelsAtEnd&) = delete;
  ~CancelsAtEnd() { task_.cancel(); }

 private:
  TaskRef task_;
};
Task<> cancels_child_at_end(CutRun& run) {
  Spawned<int> helper = spawn(child(run, 1h));
  const CancelsAtEnd cancels(helper.task());
  co_await some_time();
  co_await Pause{};
}

class ClosesAtEnd {
 public:
  explicit ClosesAtEnd(TaskRef task) : task_(std::move(task)) {}
  ClosesAtEnd(const ClosesAtEnd&) = delete;
  ClosesAtEnd& operator=(const ClosesAtEnd&) = delete;
  ~ClosesAtEnd() { task_.close(); }

 private:
  TaskRef task_;
};
Task<> close_each_other(CutRun& run) {
  const TaskRef self = co_await current_task;
  const auto body = [](CutRun& of, TaskRef other) -> Task<> {
    const ClosesAtEnd closes(std::move(other));
    const DestroyedOnce counted(of);
    co_await Pause{5ms};
  };
  run.may_fail_with<AbandonedError>();
  Spawned<void> helper = spawn(body, std::ref(run), self);
  const ClosesAtEnd closes(helper.task());
  co_await some_time();
  co_await Pause{10ms};
}

// It is cut by itself, from a frame that runs.
Task<> cancels_itself(CutRun& run) {
  TaskRef self = co_await current_task;
  const DestroyedOnce counted(run);
  run.may_fail_with<Cancelled>();
  co_await some_time();
  self.cancel();
  co_await some_time();
}
Task<> cancels_itself_once(CutRun& run) {
  TaskRef self = co_await current_task;
  const DestroyedOnce counted(run);
  self.cancel_once();
  try {
    co_await some_time();
    must(run.cut(), "a one-shot cancel is lost");
  } catch (const Cancelled&) {
  }
  co_await some_time();
}

Task<> child_throws_into_parent(CutRun& run) {
  struct OfChild {};
  run.may_fail_with<OfChild>();
  TaskRef self = co_await current_task;
  const auto body = [](CutRun& of, TaskRef parent) -> Task<> {
    const DestroyedOnce counted(of);
    co_await some_time();
    if (!parent.done()) parent.throw_(OfChild());
  };
  spawn(body, std::ref(run), self);
  bool thrown = false;
  try {
    co_await Pause{5ms};
  } catch (const OfChild&) {
    thrown = true;
  }
  must(thrown || run.cut(), "what a child throws does not come");
  co_await some_time();
}

// Which of parent and child ends first is decided in one round.
Task<> ends_with_its_child(CutRun& run) {
  auto [promise, deferred] = make_deferred<void>();
  const auto body = [](CutRun& of, Promise<void> done) -> Task<> {
    const DestroyedOnce counted(of);
    co_await Pause{1ms};
    done.callback();
  };
  run.may_fail_with<AbandonedError>();
  Spawned<void> helper = spawn(body, std::ref(run), std::move(promise));
  co_await std::move(deferred);
  co_await std::move(helper);
}

Task<> hands_a_task_on(CutRun& run) {
  Task<int> given = child(run, 1ms);
  const auto waits = [](Task<int> task) -> Task<int> {
    const int got = co_await std::move(task);
    co_return got + 1;
  };
  must(co_await waits(std::move(given)) == 2, "a task that was handed on gives another value");
}

Task<> limits_in_each_other(CutRun& run) {
  run.may_fail_with<TimeoutError>();
  const DestroyedOnce counted(run);
  try {
    co_await with_timeout(2ms, with_timeout(1ms, child(run, 1h)));
  } catch (const TimeoutError&) {
  }
  try {
    co_await with_timeout(1ms, with_timeout(1ms, child(run, 1h)));
  } catch (const TimeoutError&) {
  }
  must(co_await with_timeout(1ms, child(run, 0ms)) == 1, "a limit changes a value");
}

// The clean-up of what a limit has cut waits, too.
Task<int> unwinds_slowly(CutRun& run) {
  const DestroyedOnce counted(run);
  std::optional<Failure> failure;
  try {
    co_await Pause{1h};
  } catch (...) {
    failure = Failure::current();
  }
  const Outcome<void> cleaned = co_await as_outcome(Pause{1ms});
  if (failure) failure->raise();
  co_return cleaned.has_value() ? 1 : 0;
}
Task<> limit_with_clean_up(CutRun& run) {
  run.may_fail_with<TimeoutError>();
  co_await with_timeout(1ms, unwinds_slowly(run));
}

Task<> awaits_of_one_who_is_closed(CutRun& run) {
  run.may_fail_with<AbandonedError>();
  Spawned<int> helper = spawn(child(run, 1h));
  TaskRef task = helper.task();
  const DelayedCall closes = run.reactor().call_later(1ms, [task]() mutable { task.close(); });
  const Outcome<int> outcome = co_await as_outcome(std::move(helper));
  must(run.cut() || outcome.check<AbandonedError>() != nullptr, "a closed child has a value");
  co_await some_time();
}

}  // namespace

Programs task_programs() {
  return {
      {"subtasks in each other", nested},
      {"a task that swallows", swallows},
      {"a clean-up after a catch", cleans_up},
      {"children that are waited for in order", children_in_order},
      {"a child that is cancelled by a destructor", cancels_child_at_end},
      {"two tasks whose destructors close each other", close_each_other},
      {"a task that cancels itself", cancels_itself},
      {"a task that cancels itself once", cancels_itself_once},
      {"a child that throws into its parent", child_throws_into_parent},
      {"a child that ends in the round of its parent", ends_with_its_child},
      {"a Task that is handed on", hands_a_task_on},
      {"limits in each other, also equal ones", limits_in_each_other},
      {"a clean-up behind a limit", limit_with_clean_up},
      {"a child that is closed", awaits_of_one_who_is_closed},
  };
}

}  // namespace deferred::testing
