// SPDX-License-Identifier: MIT
#include "samples/qt_async_task/window.hpp"

#include <QCloseEvent>
#include <QHBoxLayout>
#include <QVBoxLayout>
#include <utility>

namespace async_tasks {

Window::Window(deferred::Reactor& reactor, deferred::Pool& pool, Worker worker,
               std::vector<int> numbers, Running when_cancelled)
    : tasks_(reactor, pool, *this, std::move(worker), std::move(numbers), when_cancelled) {
  setWindowTitle("Tasks in threads");
  resize(480, 320);
  ticks_.setObjectName("ticks");
  start_.setObjectName("start");
  cancel_.setObjectName("cancel");
  results_.setObjectName("results");
  progress_.setObjectName("progress");
  progress_.setValue(0);
  cancel_.setEnabled(false);

  auto* const buttons = new QHBoxLayout;
  buttons->addWidget(&start_);
  buttons->addWidget(&cancel_);
  auto* const all = new QVBoxLayout(this);
  all->addWidget(&ticks_);
  all->addLayout(buttons);
  all->addWidget(&results_);
  all->addWidget(&progress_);

  connect(&start_, &QPushButton::clicked, this, [this] { tasks_.click(); });
  connect(&cancel_, &QPushButton::clicked, this, [this] { tasks_.cancel(); });
}

void Window::closeEvent(QCloseEvent* event) {
  if (!tasks_.busy() || std::exchange(closing_, true)) return event->accept();
  event->ignore();
  setWindowTitle("Waiting for the workers that run");
  tasks_.cancel();
}

void Window::show_ticks(int count) { ticks_.setText(QString("The GUI has ticked %1").arg(count)); }

void Window::show_begin(int tasks) {
  start_.setEnabled(false);
  cancel_.setEnabled(true);
  results_.clear();
  progress_.setRange(0, tasks);
  progress_.setValue(0);
}

void Window::show_result(const std::string& text) {
  results_.addItem(QString::fromStdString(text));
}

void Window::show_failure(const std::string& text, const std::string& trace) {
  auto* const item = new QListWidgetItem(QString::fromStdString(text), &results_);
  item->setForeground(Qt::darkRed);
  item->setToolTip(QString::fromStdString(trace));
}

void Window::show_done(int tasks) { progress_.setValue(tasks); }

void Window::show_end() {
  start_.setEnabled(true);
  cancel_.setEnabled(false);
  if (closing_) close();
}

}  // namespace async_tasks
