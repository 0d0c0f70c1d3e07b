// SPDX-License-Identifier: MIT
//
// How a click's work ends before its time, all of it or one row, and with AsyncTasks itself.
#include <doctest/doctest.h>

#include <chrono>

#include "samples/qt_async_task/async_tasks.hpp"
#include "tests/qt_async_task/click.hpp"

using namespace async_tasks;
using namespace deferred;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Click, "a cancel takes back the workers that have not begun") {
  int calls = 0;
  make([&](int number, Progress&) { return ++calls, number; }, {1, 2});
  click();

  cancel();

  CHECK(pool.queued() == 0);
  CHECK(calls == 0);
  CHECK(view.lines == Lines{"begin", "0: cancelled", "1: cancelled", "end"});
  CHECK_FALSE(tasks->busy());
}

TEST_CASE_FIXTURE(Click, "a cancelled worker that runs ends when it says how far it is") {
  bool over = false;
  make(
      [&](int number, Progress& progress) {
        settle();
        cancel();  // comes while this runs
        progress(1, 2);
        over = true;
        return number;
      },
      {1});
  click();

  run_one();

  CHECK_FALSE(over);
  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: cancelled", "end"});
}

TEST_CASE_FIXTURE(Click,
                  "a cancelled worker that says nothing is waited for, and shows its value") {
  make(
      [this](int number, Progress&) {
        settle();
        cancel();
        CHECK(view.take() == Lines{"begin", "0: 0 %", "1: cancelled"});
        return number;
      },
      {1, 2});
  click();

  run_one();

  CHECK(view.lines == Lines{"0: returned 1", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancelled worker that fails all the same shows its failure") {
  make(
      [this](int, Progress& progress) {
        settle();
        cancel();
        return less_66(-1, progress);
      },
      {1});
  click();

  run_one();

  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: failed: no worker for -1", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel that abandons does not wait for a worker that runs") {
  make(
      [this](int number, Progress&) {
        settle();
        cancel();
        CHECK(view.lines.back() == "end");
        return number;
      },
      {1, 2}, Running::abandoned);
  click();

  run_one();

  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: cancelled", "1: cancelled", "end"});
}

TEST_CASE_FIXTURE(Click, "an abandoned worker shows nothing in the row of the next click") {
  int calls = 0;
  make(
      [&](int number, Progress& progress) {
        if (++calls > 1) return number;
        cancel();
        click();
        view.take();
        progress(1, 2);
        return number;
      },
      {1}, Running::abandoned);
  click();

  run_one();
  CHECK(view.take() == Lines{});
  run_one();

  CHECK(view.lines == Lines{"0: 0 %", "0: returned 1", "end"});
}

TEST_CASE_FIXTURE(Click, "what was shown before a cancel stays, and what follows is cancelled") {
  make(less_66, {67, 68});
  click();
  run_one();
  view.take();

  cancel();

  CHECK(view.lines == Lines{"1: cancelled", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel between the click and its turn is not lost") {
  make(less_66, {67, 68});
  tasks->click();

  cancel();

  CHECK(pool.queued() == 0);
  CHECK(view.lines == Lines{"begin", "0: cancelled", "1: cancelled", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel without work does nothing, to the next click neither") {
  make(less_66, {67});
  cancel();
  cancel(0);

  click();
  run_one();

  CHECK(view.lines == Lines{"begin", "0: 0 %", "0: returned 1", "end"});
}

TEST_CASE_FIXTURE(Click, "a row that waits is cancelled alone, and the others go on") {
  make(less_66, {67, 68, 69});
  click();

  cancel(1);

  CHECK(view.take() == Lines{"begin", "1: cancelled"});
  CHECK(pool.queued() == 2);
  run_one();
  run_one();
  CHECK(view.lines == Lines{"0: 0 %", "0: returned 1", "2: 0 %", "2: returned 3", "end"});
}

TEST_CASE_FIXTURE(Click, "a row that runs is cancelled alone, with its worker's next percent") {
  make(
      [this](int number, Progress& progress) {
        settle();
        if (number == 1) cancel(0);
        progress(1, 2);
        return number;
      },
      {1, 2});
  click();

  run_one();
  run_one();

  CHECK(view.lines ==
        Lines{"begin", "0: 0 %", "0: cancelled", "1: 0 %", "1: 50 %", "1: returned 2", "end"});
}

TEST_CASE_FIXTURE(Click, "a cancel of a row that has ended, or is none, does nothing") {
  make(less_66, {67, 68});
  click();
  run_one();
  view.take();

  cancel(0);
  cancel(2);
  cancel(-1);

  CHECK(view.lines.empty());
  CHECK(pool.queued() == 1);
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
                  "destroyed while a worker runs, it shows nothing more, and tells it to end") {
  bool over = false;
  make(
      [&](int number, Progress& progress) {
        tasks.reset();
        CHECK(reactor.task_count() == 0);
        progress(1, 2);
        over = true;
        return number;
      },
      {1, 2});
  click();
  view.take();

  run_one();
  time.advance(1s);

  CHECK_FALSE(over);
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

}  // namespace
