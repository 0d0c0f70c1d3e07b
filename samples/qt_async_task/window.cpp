// SPDX-License-Identifier: MIT
#include "samples/qt_async_task/window.hpp"

#include <QCloseEvent>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QVBoxLayout>
#include <utility>

namespace async_tasks {

Window::Window(deferred::Reactor& reactor, deferred::Pool& pool, Worker worker,
               const std::vector<int>& numbers, Running when_cancelled)
    : rows_(numbers, [this](int row) { tasks_.cancel(row); }),
      tasks_(reactor, pool, *this, std::move(worker), numbers, when_cancelled) {
  lay_out();
  connect(&start_, &QPushButton::clicked, this, [this] { tasks_.click(); });
  connect(&cancel_, &QPushButton::clicked, this, [this] { tasks_.cancel(); });
  connect(&rows_, &Rows::itemSelectionChanged, this, [this] { show_changes(); });
}

void Window::lay_out() {
  setWindowTitle("Workers in threads");
  resize(760, 480);
  ticks_.setObjectName("ticks");
  start_.setObjectName("start");
  cancel_.setObjectName("cancel");
  rows_.setObjectName("rows");
  total_.setObjectName("total");
  error_.setObjectName("error");
  cancel_.setEnabled(false);
  total_.setFormat("%p% of all");
  error_.setReadOnly(true);
  error_.setLineWrapMode(QPlainTextEdit::NoWrap);
  error_.setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
  error_.setPlaceholderText("A click on a row that has failed shows its error in full.");

  auto* const top = new QHBoxLayout;
  top->addWidget(&ticks_, 1);
  top->addWidget(&start_);
  top->addWidget(&cancel_);
  auto* const all = new QVBoxLayout(this);
  all->addLayout(top);
  all->addWidget(&rows_, 5);
  all->addWidget(&total_);
  all->addWidget(&error_, 2);
}

void Window::closeEvent(QCloseEvent* event) {
  if (!tasks_.busy() || std::exchange(closing_, true)) return event->accept();
  event->ignore();
  setWindowTitle("Waiting for the workers that run");
  tasks_.cancel();
}

void Window::show_changes() {
  total_.setValue(rows_.percent());
  if (error_.toPlainText() != rows_.report()) error_.setPlainText(rows_.report());
}

void Window::show_ticks(int count) {
  ticks_.setText(QString("The GUI has ticked %1 times").arg(count));
}

void Window::show_begin() {
  start_.setEnabled(false);
  cancel_.setEnabled(true);
  rows_.set_all_waiting();
  show_changes();
}

void Window::show_running(int row, int percent) {
  rows_.set_running(row, percent);
  show_changes();
}

void Window::show_result(int row, int value) {
  rows_.set_done(row, value);
  show_changes();
}

void Window::show_failure(int row, const deferred::Failure& failure) {
  rows_.set_failed(row, QString::fromStdString(failure.what()),
                   QString::fromStdString(failure.report()));
  show_changes();
}

void Window::show_cancelled(int row) {
  rows_.set_cancelled(row);
  show_changes();
}

void Window::show_end() {
  start_.setEnabled(true);
  cancel_.setEnabled(false);
  if (closing_) close();
}

}  // namespace async_tasks
