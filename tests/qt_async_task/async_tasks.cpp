// SPDX-License-Identifier: MIT
//
// What a click does, in virtual time and with threads that run when the test says so: the sample's
// own handler, without a window. Next: cancelled_rows.cpp; handlers.cpp, for small ones of the same
// shape.
#include "samples/qt_async_task/async_tasks.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "tests/qt_async_task/click.hpp"

using namespace async_tasks;
using namespace deferred;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Click, "a click shows in each row how its worker begins and what it returned") {
  make(less_66, {67, 68});

  click();
  CHECK(view.take() == Lines{"begin"});
  run_one();
  CHECK(view.take() == Lines{"0: 0 %", "0: returned 1"});
  run_one();

  CHECK(view.take() == Lines{"1: 0 %", "1: returned 2", "end"});
  CHECK_FALSE(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "nothing is shown inside the click itself") {
  make(less_66, {66});

  tasks->click();

  CHECK(view.lines.empty());
  CHECK(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "nothing is shown inside the worker's call, but in the reactor's turn") {
  make(less_66, {66});
  click();
  view.take();

  pool.run_one();
  CHECK(view.lines.empty());
  settle();

  CHECK(view.lines == Lines{"0: 0 %", "0: returned 0", "end"});
}

TEST_CASE_FIXTURE(Click, "a worker's failure is shown with its text, and the other rows go on") {
  make(less_66, {-1, 67});
  click();

  run_one();
  run_one();

  CHECK(view.lines ==
        Lines{"begin", "0: 0 %", "0: failed: no worker for -1", "1: 0 %", "1: returned 1", "end"});
}

TEST_CASE_FIXTURE(
    Click, "a failure's report names its type, the worker's call and each await on the way") {
  make(less_66, {-1});
  click();

  run_one();

  REQUIRE(view.reports.size() == 1);
  CHECK(without_line_numbers(view.reports[0]) ==
        "std::domain_error: no worker for -1\n"
        "  awaited at async_tasks.cpp: in async_tasks::AsyncTasks::call_worker\n"
        "  awaited at async_tasks.cpp: in async_tasks::AsyncTasks::call_worker\n"
        "  awaited at async_tasks.cpp: in async_tasks::AsyncTasks::show_row");
}

TEST_CASE_FIXTURE(Click, "whatever a worker throws is shown") {
  make([](int, Progress&) -> int { throw 5; }, {66});
  click();

  run_one();

  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: failed: 5", "end"});
}

TEST_CASE_FIXTURE(Click, "all workers are started before the first has ended") {
  make(less_66, {67, 68, 69});

  click();

  CHECK(pool.queued() == 3);
}

TEST_CASE_FIXTURE(Click, "results are shown as they come, not in the order of the rows") {
  make(
      [this](int number, Progress&) {
        if (number == 67) run_one();  // the other one, which overtakes it
        return number;
      },
      {67, 68});
  click();

  run_one();

  CHECK(view.lines ==
        Lines{"begin", "0: 0 %", "1: 0 %", "1: returned 68", "0: returned 67", "end"});
}

TEST_CASE_FIXTURE(Click, "a click without numbers ends at once") {
  make(less_66, {});

  click();

  CHECK(view.lines == Lines{"begin", "end"});
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
  CHECK(view.lines == Lines{"begin"});
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

  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: returned 1", "end"});
}

// ---- What a worker says of how far it is.

TEST_CASE_FIXTURE(Click, "a row shows how far its worker is, while that runs") {
  make(
      [this](int number, Progress& progress) {
        progress(1, 4);
        settle();
        CHECK(view.take() == Lines{"begin", "0: 0 %", "0: 25 %"});
        progress(1, 2);
        return number;
      },
      {7});
  click();

  run_one();

  CHECK(view.lines == Lines{"0: 50 %", "0: returned 7", "end"});
}

TEST_CASE_FIXTURE(Click, "a worker that speaks at each step shows each whole percent once") {
  make(
      [](int number, Progress& progress) {
        for (int done = 0; done <= number; ++done) progress(done, number);
        return number;
      },
      {100'000});
  click();
  view.take();

  run_one();

  REQUIRE(view.lines.size() == 101 + 2);
  CHECK(view.lines[0] == "0: 0 %");
  CHECK(view.lines[1] == "0: 1 %");
  CHECK(view.lines[100] == "0: 100 %");
}

TEST_CASE_FIXTURE(Click, "a worker that says less than before, or more than all, shows no more") {
  make(
      [](int number, Progress& progress) {
        for (const int done : {50, 20, 50, 1000, 0}) progress(done, 100);
        return number;
      },
      {1});
  click();
  view.take();

  run_one();

  CHECK(view.lines == Lines{"0: 0 %", "0: 50 %", "0: 100 %", "0: returned 1", "end"});
}

TEST_CASE_FIXTURE(Click, "what a worker says of itself goes to its own row") {
  make(
      [](int number, Progress& progress) {
        progress(number, 100);
        return number;
      },
      {10, 20});
  click();
  view.take();

  pool.run_all();
  settle();

  CHECK(view.of_row(0) == Lines{"0: 0 %", "0: 10 %", "0: returned 10"});
  CHECK(view.of_row(1) == Lines{"1: 0 %", "1: 20 %", "1: returned 20"});
}

}  // namespace
