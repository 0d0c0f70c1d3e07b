// SPDX-License-Identifier: MIT
//
// What a click does, in virtual time and with threads that run when the test says so: this is how
// to test coroutines that wait for threads, and that are started by a user interface. First the
// sample's own handler, then small ones of the same shape, for values of every kind.
#include "samples/qt_async_task/async_tasks.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/testing/manual_pool.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/loop.hpp"

using namespace async_tasks;
using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Loop;
using deferred::testing::ManualPool;
using Lines = std::vector<std::string>;

namespace {

/// Notes what it is told.
struct NotesView : View {
  void show_ticks(int count) override { ticks = count; }
  void show_begin(int tasks) override { lines.push_back("begin " + std::to_string(tasks)); }
  void show_result(const std::string& text) override { lines.push_back(text); }
  void show_failure(const std::string& text, const std::string& trace) override {
    lines.push_back(text);
    traces.push_back(trace);
  }
  void show_done(int tasks) override { lines.push_back("done " + std::to_string(tasks)); }
  void show_end() override { lines.push_back("end"); }

  Lines take() { return std::exchange(lines, {}); }

  int ticks = -1;
  Lines lines;
  Lines traces;
};

/// Returns its number less 66; a negative number is too much for it.
int less_66(int number) {
  if (number < 0) throw std::domain_error("no worker for " + std::to_string(number));
  return number - 66;
}

std::string without_line_numbers(const std::string& trace) {
  return std::regex_replace(trace, std::regex(":[0-9]+ in"), ": in");
}

struct Click : Loop {
  void make(Worker worker, std::vector<int> numbers, Running running = Running::waited_for) {
    tasks.emplace(reactor, pool, view, std::move(worker), std::move(numbers), running);
    settle();
  }
  void click() {
    tasks->click();
    settle();
  }
  void cancel() {
    tasks->cancel();
    settle();
  }
  /// Runs the oldest call, and what follows from it.
  bool run_one() {
    const bool ran = pool.run_one();
    settle();
    return ran;
  }

  ManualPool pool;
  NotesView view;
  std::optional<AsyncTasks> tasks;
};

// ---- The sample's handler.

TEST_CASE_FIXTURE(Click, "a click shows what the worker returned, and the progress, in order") {
  make(less_66, {67, 68});

  click();
  CHECK(view.take() == Lines{"begin 2"});
  run_one();
  CHECK(view.take() == Lines{"worker(67) returned: 1", "done 1"});
  run_one();

  CHECK(view.take() == Lines{"worker(68) returned: 2", "done 2", "end"});
  CHECK_FALSE(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "nothing is shown inside the click itself") {
  make(less_66, {66});

  tasks->click();

  CHECK(view.lines.empty());
  CHECK(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "a result of 0 is shown as any other") {
  make(less_66, {66});
  click();

  run_one();

  CHECK(view.lines == Lines{"begin 1", "worker(66) returned: 0", "done 1", "end"});
}

TEST_CASE_FIXTURE(Click,
                  "a worker's failure is shown with its type and text, and the rest goes on") {
  make(less_66, {-1, 67});
  click();

  run_one();
  run_one();

  CHECK(view.lines == Lines{"begin 2", "worker(-1) failed with std::domain_error: no worker for -1",
                            "done 1", "worker(67) returned: 1", "done 2", "end"});
}

TEST_CASE_FIXTURE(Click,
                  "a failure's trace names the worker's call and each await that it passed") {
  make(less_66, {-1});
  click();

  run_one();

  REQUIRE(view.traces.size() == 1);
  const std::string trace = without_line_numbers(view.traces[0]);
  CHECK(trace ==
        "std::domain_error: no worker for -1\n"
        "  awaited at async_tasks.cpp: in async_tasks::AsyncTasks::call_worker\n"
        "  awaited at async_tasks.cpp: in async_tasks::AsyncTasks::handle_click");
}

TEST_CASE_FIXTURE(Click, "whatever a worker throws is shown") {
  make([](int) -> int { throw 5; }, {66});
  click();

  run_one();

  CHECK(view.lines == Lines{"begin 1", "worker(66) failed with int: 5", "done 1", "end"});
}

TEST_CASE_FIXTURE(Click, "all workers are started before the first is awaited") {
  make(less_66, {67, 68, 69});

  click();

  CHECK(pool.queued() == 3);
}

TEST_CASE_FIXTURE(Click, "workers that have ended by the time they are awaited are shown too") {
  make(less_66, {-1, 67, -2});
  click();

  pool.run_all();
  settle();

  CHECK(view.lines == Lines{"begin 3", "worker(-1) failed with std::domain_error: no worker for -1",
                            "done 1", "worker(67) returned: 1", "done 2",
                            "worker(-2) failed with std::domain_error: no worker for -2", "done 3",
                            "end"});
}

TEST_CASE_FIXTURE(Click, "a click without numbers ends at once") {
  make(less_66, {});

  click();

  CHECK(view.lines == Lines{"begin 0", "end"});
  CHECK_FALSE(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "the clock ticks ten times a second, whatever the workers do") {
  make(less_66, {66});
  CHECK(view.ticks == 0);
  click();

  time.advance(99ms);
  CHECK(view.ticks == 0);
  time.advance(1ms);
  CHECK(view.ticks == 1);
  time.advance(10min);

  CHECK(view.ticks == 6001);
  CHECK(view.lines == Lines{"begin 1"});
}

TEST_CASE_FIXTURE(Click, "a second click while the work goes on does nothing") {
  make(less_66, {67, 68});
  click();
  run_one();

  click();

  CHECK(pool.queued() == 1);
  run_one();
  CHECK(view.lines.back() == "end");
}

TEST_CASE_FIXTURE(Click, "a click after the end begins anew") {
  make(less_66, {67});
  click();
  run_one();
  view.take();

  click();
  run_one();

  CHECK(view.lines == Lines{"begin 1", "worker(67) returned: 1", "done 1", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel takes back the workers that have not begun") {
  int calls = 0;
  make([&](int number) { return ++calls, number; }, {1, 2});
  click();

  cancel();

  CHECK(pool.queued() == 0);
  CHECK(calls == 0);
  CHECK(view.lines == Lines{"begin 2", "worker(1) was cancelled", "done 1",
                            "worker(2) was cancelled", "done 2", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel waits for a worker that runs, and shows its value") {
  make(
      [this](int number) {
        cancel();  // comes while this runs
        CHECK(view.lines == Lines{"begin 2"});
        return number;
      },
      {1, 2});
  click();

  run_one();

  CHECK(view.lines == Lines{"begin 2", "worker(1) returned: 1", "done 1", "worker(2) was cancelled",
                            "done 2", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel that abandons does not wait for a worker that runs") {
  make(
      [this](int number) {
        cancel();
        CHECK(view.lines == Lines{"begin 2", "worker(1) was cancelled", "done 1",
                                  "worker(2) was cancelled", "done 2", "end"});
        return number;
      },
      {1, 2}, Running::abandoned);
  click();

  run_one();

  CHECK(view.lines.size() == 6);
}

TEST_CASE_FIXTURE(Click, "what was shown before a cancel stays, and what follows is cancelled") {
  make(less_66, {67, 68});
  click();
  run_one();
  view.take();

  cancel();

  CHECK(view.lines == Lines{"worker(68) was cancelled", "done 2", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel between the click and its turn is not lost") {
  make(less_66, {67, 68});
  tasks->click();

  cancel();

  CHECK(pool.queued() == 0);
  CHECK(view.lines == Lines{"begin 2", "worker(67) was cancelled", "done 1",
                            "worker(68) was cancelled", "done 2", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel without work does nothing, to the next click neither") {
  make(less_66, {67});
  cancel();

  click();
  run_one();

  CHECK(view.lines == Lines{"begin 1", "worker(67) returned: 1", "done 1", "end"});
}

TEST_CASE_FIXTURE(Click,
                  "destroyed while workers wait, it takes them back and shows nothing more") {
  make(less_66, {1, 2});
  click();
  view.take();

  tasks.reset();
  settle();

  CHECK(pool.queued() == 0);
  CHECK(reactor.task_count() == 0);
  CHECK(reactor.timer_count() == 0);
  CHECK(view.lines.empty());
}

TEST_CASE_FIXTURE(Click,
                  "destroyed while a worker runs, it does not touch the view when that ends") {
  make(
      [this](int number) {
        tasks.reset();
        CHECK(reactor.task_count() == 0);
        return number;
      },
      {1, 2});
  click();
  view.take();

  run_one();
  time.advance(1s);

  CHECK(pool.queued() == 0);
  CHECK(view.lines.empty());
  CHECK(view.ticks == 0);
}

TEST_CASE_FIXTURE(Click, "destroyed between the click and its turn, it does nothing") {
  make(less_66, {1});
  tasks->click();

  tasks.reset();
  settle();

  CHECK(view.lines.empty());
  CHECK(pool.queued() == 0);
}

// ---- Handlers as one would write them, for every kind of result.

/// Runs a handler and its threads until both have ended.
struct Handlers : Loop {
  template <class F>
  auto run(F handler) {
    auto spawned = spawn(reactor, std::move(handler));
    do {
      time.run_until_idle();
    } while (pool.run_one());
    return outcome_of(std::move(spawned));
  }

  ManualPool pool;
};

TEST_CASE_FIXTURE(Handlers, "0, false, an empty string and a null pointer do arrive") {
  const auto handler = [this]() -> Task<Lines> {
    Lines got;
    const int zero = co_await in_thread(pool, [] { return 0; });
    got.push_back(zero == 0 ? "0" : "?");
    const bool no = co_await in_thread(pool, [] { return false; });
    got.push_back(!no ? "false" : "?");
    const std::string empty = co_await in_thread(pool, [] { return std::string(); });
    got.push_back(empty.empty() ? "empty" : "?");
    const std::unique_ptr<int> null =
        co_await in_thread(pool, [] { return std::unique_ptr<int>(); });
    got.push_back(!null ? "null" : "?");
    const Lines none = co_await in_thread(pool, [] { return Lines(); });
    got.push_back(none.empty() ? "no lines" : "?");
    co_return got;
  };

  CHECK(run(handler).value() == Lines{"0", "false", "empty", "null", "no lines"});
}

TEST_CASE_FIXTURE(Handlers,
                  "an exception object that is returned is a value; a thrown one is thrown") {
  const auto handler = [this]() -> Task<Lines> {
    Lines got;
    try {
      const std::out_of_range value =
          co_await in_thread(pool, [] { return std::out_of_range("returned"); });
      got.push_back(std::string("value: ") + value.what());
      co_await in_thread(pool, [] { throw std::out_of_range("thrown"); });
      got.push_back("not reached");
    } catch (const std::out_of_range& error) {
      got.push_back(std::string("caught: ") + error.what());
    }
    co_return got;
  };

  CHECK(run(handler).value() == Lines{"value: returned", "caught: thrown"});
}

TEST_CASE_FIXTURE(Handlers, "a task that has ended before it is awaited gives its result at once") {
  int calls = 0;
  const auto handler = [this, &calls]() -> Task<int> {
    Deferred<int> task = defer_to_thread(reactor, pool, [&calls] { return ++calls; });
    pool.run_one();
    co_await Pause{1h};
    CHECK(calls == 1);
    CHECK(task.has_result());
    co_return co_await std::move(task);
  };

  CHECK(run(handler).value() == 1);
}

TEST_CASE_FIXTURE(Handlers, "of several that were started first, each await throws its own error") {
  const auto handler = [this]() -> Task<Lines> {
    const auto fail = [](const char* text) -> int { throw std::runtime_error(text); };
    std::vector<Deferred<int>> tasks;
    tasks.push_back(defer_to_thread(reactor, pool, fail, "first"));
    tasks.push_back(defer_to_thread(reactor, pool, [] { return 7; }));
    tasks.push_back(defer_to_thread(reactor, pool, fail, "third"));
    CHECK(pool.queued() == 3);
    Lines got;
    for (Deferred<int>& task : tasks) {
      try {
        const int value = co_await std::move(task);
        got.push_back(std::to_string(value));
      } catch (const std::runtime_error& error) {
        got.push_back(error.what());
      }
    }
    co_return got;
  };

  CHECK(run(handler).value() == Lines{"first", "7", "third"});
}

TEST_CASE_FIXTURE(Handlers, "awaits one after the other, in a loop, and of subtasks, go on") {
  const auto squares_up_to = [this](int last) -> Task<int> {
    int sum = 0;
    for (int i = 1; i <= last; ++i) sum += co_await in_thread(pool, [](int x) { return x * x; }, i);
    co_return sum;
  };
  const auto handler = [&]() -> Task<int> {
    const int three = co_await squares_up_to(3);
    const int four = co_await squares_up_to(4);
    co_return three + four;
  };

  CHECK(run(handler).value() == 14 + 30);
}

TEST_CASE_FIXTURE(Handlers, "a handler that awaits nothing is none the worse") {
  const auto handler = []() -> Task<int> { co_return 0; };

  CHECK(run(handler).value() == 0);
}

TEST_CASE_FIXTURE(Handlers, "a failure that no handler catches is reported, and the loop goes on") {
  const auto handler = [this]() -> Task<> {
    co_await in_thread(pool, [] { throw std::runtime_error("nobody looks"); });
  };
  spawn(reactor, handler);
  settle();

  pool.run_one();
  settle();

  CHECK(unhandled.take() == Lines{"nobody looks"});
  CHECK(run([]() -> Task<int> { co_return 1; }).value() == 1);
}

}  // namespace
