// SPDX-License-Identifier: MIT
//
// Desk: the fixture of tests of the window, with a coroutine as its user: it clicks, waits in the
// same event loop for what it wants to see, and looks. No display is needed.
#pragma once

#include <doctest/doctest.h>

#include <QApplication>
#include <QImage>
#include <QLabel>
#include <QPlainTextEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QTest>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>

#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "reactors/qt.hpp"
#include "samples/qt_async_task/window.hpp"
#include "tests/support/unhandled.hpp"

namespace async_tasks {

constexpr std::chrono::seconds patience{30};  // of the user; a test that works needs a second

/// Keeps those who ask waiting until it is opened; from any thread. It loses patience when the GUI
/// is blocked, for then nobody opens it.
class Gate {
 public:
  void open() { opened_.set_value(); }
  void wait() const {
    const auto state = open_.wait_for(patience);
    if (state != std::future_status::ready) throw std::runtime_error("nobody opened the gate");
  }

 private:
  std::promise<void> opened_;
  std::shared_future<void> open_ = opened_.get_future().share();
};

inline void click(QAbstractButton& button) { QTest::mouseClick(&button, Qt::LeftButton); }

/// A window as its user sees it.
class Seen {
 public:
  explicit Seen(Window& w)
      : start(find<QPushButton>(w, "start")),
        cancel(find<QPushButton>(w, "cancel")),
        total(find<QProgressBar>(w, "total")),
        rows(static_cast<Rows&>(find<QTableWidget>(w, "rows"))),
        window_(w),
        ticks_(find<QLabel>(w, "ticks")),
        error_(find<QPlainTextEdit>(w, "error")) {}
  QString ticks() const { return ticks_.text(); }
  QString error() const { return error_.toPlainText(); }
  /// "66: done 0", for the last words of each row.
  QStringList texts() const {
    QStringList lines;
    for (int row = 0; row < rows.rowCount(); ++row) lines << text(row);
    return lines;
  }
  QString text(int row) const {
    const auto words = [&](Rows::Column column) { return rows.item(row, column)->text(); };
    return (words(Rows::input) + ": " + words(Rows::state) + " " + words(Rows::result)).trimmed();
  }
  QString state(int row) const { return rows.item(row, Rows::state)->text(); }
  void click_on(int row, Rows::Column column = Rows::state) const {
    const QRect cell = rows.visualRect(rows.model()->index(row, column));
    QTest::mouseClick(rows.viewport(), Qt::LeftButton, {}, cell.center());
  }
  bool ended() const { return start.isEnabled(); }
  QImage picture() const { return window_.grab().toImage(); }
  QImage picture_of_rows() const { return rows.viewport()->grab().toImage(); }
  QImage picture_of_ticks() { return ticks_.grab().toImage(); }

  QPushButton& start;
  QPushButton& cancel;
  const QProgressBar& total;
  Rows& rows;

 private:
  template <class W>
  static W& find(Window& window, const char* name) {
    W* const found = window.findChild<W*>(name);
    REQUIRE(found);
    return *found;
  }
  Window& window_;
  QLabel& ticks_;
  const QPlainTextEdit& error_;
};

/// Waits until something is so.
template <class F>
deferred::Task<> until(F so) {
  while (!so()) co_await deferred::Pause{std::chrono::milliseconds(1)};
}

/// An application on no display, and what main() makes.
struct Desk {
  /// Runs the application until the user is done.
  template <class F>
  void use(F user) {
    const auto in_time = [&]() -> deferred::Task<> {
      co_await deferred::with_timeout(patience, user());
    };
    spawn(reactor, in_time)
        .add_both([](deferred::Outcome<void> outcome) {
          if (!outcome.has_value()) FAIL_CHECK(outcome.failure().report());
          QCoreApplication::exit(outcome.has_value() ? 0 : 1);
        })
        .detach();
    QApplication::setQuitOnLastWindowClosed(false);
    CHECK(exec() == 0);
  }
  int exec() {
    const deferred::DelayedCall watchdog =
        reactor.call_later(2 * patience, [] { QCoreApplication::exit(2); });
    return QApplication::exec();
  }
  /// A worker that waits at the gate.
  Worker blocks() {
    return [this](int number, Progress&) {
      gate.wait();
      return number;
    };
  }

  deferred::testing::Unhandled unhandled;
  char name[7] = "window";
  char* argv[2] = {name, nullptr};
  int argc = 1;
  QApplication application{argc, argv};
  Gate gate;  // outlives the workers that wait at it
  deferred::ThreadPool pool{2};
  deferred::Reactor reactor{deferred::reactors::qt()};
};

/// A negative number is too much for it.
inline int less_66_or_throw(int number, Progress&) {
  if (number < 0) throw std::domain_error("no worker for " + std::to_string(number));
  return number - 66;
}

}  // namespace async_tasks
