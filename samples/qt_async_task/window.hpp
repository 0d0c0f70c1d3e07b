// SPDX-License-Identifier: MIT
//
// Window: the View as Qt widgets. It has no signals of its own, and so needs no moc.
#pragma once

#include "samples/qt_async_task/async_tasks.hpp"

#include <QLabel>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QWidget>
#include <vector>

#include "samples/qt_async_task/rows.hpp"

namespace async_tasks {

/// Its widgets have names: ticks, start, cancel, rows, total, error.
///
/// Closing it while workers run cancels them, and closes it when the last has ended. Closing it
/// once more does not wait.
class Window final : public QWidget, private View {
 public:
  Window(deferred::Reactor& reactor, deferred::Pool& pool, Worker worker,
         const std::vector<int>& numbers, Running when_cancelled = Running::waited_for);

 private:
  void closeEvent(QCloseEvent* event) override;

  void show_ticks(int count) override;
  void show_begin() override;
  void show_running(int row, int percent) override;
  void show_result(int row, int value) override;
  void show_failure(int row, const deferred::Failure& failure) override;
  void show_cancelled(int row) override;
  void show_end() override;

  void lay_out();
  void show_changes();

  QLabel ticks_;
  QPushButton start_{"Start"};
  QPushButton cancel_{"Cancel all"};
  Rows rows_;
  QProgressBar total_;
  QPlainTextEdit error_;
  bool closing_ = false;
  AsyncTasks tasks_;  // the first to go
};

}  // namespace async_tasks
