// SPDX-License-Identifier: MIT
//
// Window: the View as Qt widgets. It has no signals of its own, and so needs no moc.
#pragma once

#include "samples/qt_async_task/async_tasks.hpp"

#include <QLabel>
#include <QListWidget>
#include <QProgressBar>
#include <QPushButton>
#include <QWidget>
#include <string>
#include <vector>

namespace async_tasks {

/// Its widgets have names: ticks, start, cancel, results, progress.
///
/// Closing it while workers run cancels them, and closes it when the last has ended. Closing it
/// once more does not wait.
class Window final : public QWidget, private View {
 public:
  Window(deferred::Reactor& reactor, deferred::Pool& pool, Worker worker, std::vector<int> numbers,
         Running when_cancelled = Running::waited_for);

 private:
  void closeEvent(QCloseEvent* event) override;

  void show_ticks(int count) override;
  void show_begin(int tasks) override;
  void show_result(const std::string& text) override;
  void show_failure(const std::string& text, const std::string& trace) override;
  void show_done(int tasks) override;
  void show_end() override;

  QLabel ticks_;
  QPushButton start_{"Start the workers"};
  QPushButton cancel_{"Cancel"};
  QListWidget results_;
  QProgressBar progress_;
  bool closing_ = false;
  AsyncTasks tasks_;  // the first to go
};

}  // namespace async_tasks
