// SPDX-License-Identifier: MIT
#include "samples/qt_async_task/rows.hpp"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLocale>
#include <numeric>

namespace async_tasks {

namespace {

constexpr int report_role = Qt::UserRole;  // of an item in the result column
constexpr QColor red(0xb3, 0x26, 0x1e);

constexpr char look[] =
    "QTableView { outline: 0 }"
    "QTableView::item { padding: 0 5px; border: 0 }"
    "QHeaderView::section { padding: 6px 8px; border: 0; border-bottom: 1px solid palette(mid) }";

QString in_digits(int number) { return QLocale(QLocale::English).toString(number); }

/// A cell shows the widget that it is given, and as large as it is itself.
QWidget* with_margins(QWidget* widget) {
  auto* const cell = new QWidget;
  auto* const margins = new QHBoxLayout(cell);
  margins->setContentsMargins(3, 5, 3, 5);
  margins->addWidget(widget);
  return cell;
}

}  // namespace

Rows::Rows(const std::vector<int>& numbers, const std::function<void(int row)>& cancel_row)
    : QTableWidget(static_cast<int>(numbers.size()), columns), percents_(numbers.size()) {
  setHorizontalHeaderLabels({"Input", "State", "Progress", "Result", ""});
  horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  horizontalHeaderItem(input)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
  horizontalHeader()->setSectionResizeMode(result, QHeaderView::Stretch);
  horizontalHeader()->setHighlightSections(false);
  setColumnWidth(progress, 200);
  setColumnWidth(cancel, 40);
  setStyleSheet(look);
  verticalHeader()->hide();
  verticalHeader()->setDefaultSectionSize(32);
  setShowGrid(false);
  setSelectionBehavior(SelectRows);
  setSelectionMode(SingleSelection);
  setEditTriggers(NoEditTriggers);

  for (int row = 0; row < rowCount(); ++row) {
    lay_out(row, numbers[static_cast<std::size_t>(row)]);
    connect(&button(row), &QToolButton::clicked, this, [cancel_row, row] { cancel_row(row); });
  }
}

void Rows::lay_out(int row, int number) {
  for (int column = 0; column < columns; ++column) setItem(row, column, new QTableWidgetItem);
  item(row, input)->setText(in_digits(number));
  item(row, input)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);

  setCellWidget(row, progress, with_margins(new QProgressBar));
  auto* const button = new QToolButton;
  button->setText("✕");
  button->setToolTip("Cancel this one");
  button->setAutoRaise(true);
  button->hide();
  setCellWidget(row, cancel, with_margins(button));
}

QProgressBar& Rows::bar(int row) const {
  return *cellWidget(row, progress)->findChild<QProgressBar*>();
}
QToolButton& Rows::button(int row) const {
  return *cellWidget(row, cancel)->findChild<QToolButton*>();
}

void Rows::set(int row, const QString& how, const QString& what, const QColor& colour) {
  item(row, state)->setText(how);
  item(row, result)->setText(what);
  item(row, result)->setData(report_role, {});
  for (const Column column : {state, result}) item(row, column)->setForeground(colour);
}

void Rows::set_all_waiting() {
  for (int row = 0; row < rowCount(); ++row) {
    set(row, "waiting", "", palette().color(QPalette::Text));
    percents_[static_cast<std::size_t>(row)] = 0;
    bar(row).setValue(0);
    bar(row).setEnabled(true);
    button(row).show();
  }
}

void Rows::set_running(int row, int percent) {
  item(row, state)->setText("running");
  percents_[static_cast<std::size_t>(row)] = percent;
  bar(row).setValue(percent);
}

void Rows::set_ended(int row, const QString& how, const QString& what, const QColor& colour) {
  set(row, how, what, colour);
  percents_[static_cast<std::size_t>(row)] = 100;
  button(row).hide();
}

void Rows::set_done(int row, int value) {
  set_ended(row, "done", in_digits(value), palette().color(QPalette::Text));
  bar(row).setValue(100);
}

void Rows::set_failed(int row, const QString& what, const QString& report) {
  set_ended(row, "failed", what, red);
  item(row, result)->setData(report_role, report);
  bar(row).setEnabled(false);
}

void Rows::set_cancelled(int row) {
  set_ended(row, "cancelled", "", palette().color(QPalette::PlaceholderText));
  bar(row).setEnabled(false);
}

int Rows::percent() const {
  const int sum = std::accumulate(percents_.begin(), percents_.end(), 0);
  return percents_.empty() ? 0 : sum / static_cast<int>(percents_.size());
}

QString Rows::report() const {
  const QList<QTableWidgetItem*> selected = selectedItems();
  if (selected.isEmpty()) return "";
  return item(selected.first()->row(), result)->data(report_role).toString();
}

}  // namespace async_tasks
