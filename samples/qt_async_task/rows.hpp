// SPDX-License-Identifier: MIT
//
// Rows: the table of the window, a row for each call of the worker. It knows no tasks. Next:
// window.hpp.
#pragma once

#include <QProgressBar>
#include <QTableWidget>
#include <QToolButton>
#include <functional>
#include <vector>

namespace async_tasks {

/// What goes in, what comes out, and how far it is. A row has a button as long as it can be
/// cancelled.
class Rows final : public QTableWidget {
 public:
  enum Column { input, state, progress, result, cancel, columns };

  /// `cancel_row` is called with a row when its button is clicked.
  Rows(const std::vector<int>& numbers, const std::function<void(int row)>& cancel_row);

  void set_all_waiting();
  void set_running(int row, int percent);
  void set_done(int row, int value);
  /// `report` is the error in full.
  void set_failed(int row, const QString& what, const QString& report);
  void set_cancelled(int row);

  /// The mean of all rows, of which those that have ended are at 100.
  int percent() const;
  /// That of the selected row; empty if there is none.
  QString report() const;

  QProgressBar& bar(int row) const;
  QToolButton& button(int row) const;

 private:
  void lay_out(int row, int number);
  void set(int row, const QString& how, const QString& what, const QColor& colour);
  void set_ended(int row, const QString& how, const QString& what, const QColor& colour);

  std::vector<int> percents_;
};

}  // namespace async_tasks
