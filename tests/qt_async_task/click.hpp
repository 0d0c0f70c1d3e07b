// SPDX-License-Identifier: MIT
//
// Click: the fixture of tests of AsyncTasks without a window: virtual time, threads that run when
// the test says so, and a View that notes what it is told.
#pragma once

#include <optional>
#include <regex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "samples/qt_async_task/async_tasks.hpp"
#include "tests/support/loop.hpp"

namespace async_tasks {

using Lines = std::vector<std::string>;

/// A line for each thing it is told; those of a row begin with it: "0: returned 7".
struct NotesView : View {
  void show_ticks(int count) override { ticks = count; }
  void show_begin() override { lines.emplace_back("begin"); }
  void show_running(int row, int percent) override { note(row, std::to_string(percent) + " %"); }
  void show_result(int row, int value) override { note(row, "returned " + std::to_string(value)); }
  void show_failure(int row, const deferred::Failure& failure) override {
    note(row, "failed: " + failure.what());
    reports.push_back(failure.report());
  }
  void show_cancelled(int row) override { note(row, "cancelled"); }
  void show_end() override { lines.emplace_back("end"); }

  Lines take() { return std::exchange(lines, {}); }
  Lines of_row(int row) const {
    Lines its;
    for (const std::string& line : lines) {
      if (line.starts_with(std::to_string(row) + ":")) its.push_back(line);
    }
    return its;
  }

  int ticks = -1;
  Lines lines;
  Lines reports;

 private:
  void note(int row, const std::string& what) {
    lines.push_back(std::to_string(row) + ": " + what);
  }
};

/// Returns its number less 66; a negative number is too much for it. Says nothing meanwhile.
inline int less_66(int number, Progress&) {
  if (number < 0) throw std::domain_error("no worker for " + std::to_string(number));
  return number - 66;
}

inline std::string without_line_numbers(const std::string& report) {
  return std::regex_replace(report, std::regex(":[0-9]+ in"), ": in");
}

struct Click : deferred::testing::Loop {
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
  void cancel(int row) {
    tasks->cancel(row);
    settle();
  }
  /// Runs the oldest call, and what follows from it.
  bool run_one() {
    const bool ran = pool.run_one();
    settle();
    return ran;
  }

  deferred::testing::ManualPool pool;
  NotesView view;
  std::optional<AsyncTasks> tasks;
};

}  // namespace async_tasks
