// SPDX-License-Identifier: MIT
//
// Unhandled: a test fixture that catches what goes to the unhandled-failure hook. A report that the
// test did not take() fails it.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "deferred/results/failure.hpp"

namespace deferred::testing {

class Unhandled {
 public:
  Unhandled() : outer_(std::exchange(current_, this)) {
    before_ = set_unhandled_failure_hook([](const Failure& failure, const std::string& whose) {
      current_->reports_.push_back(whose + ": " + failure.report());
      current_->failures_.push_back(failure);
    });
  }
  Unhandled(const Unhandled&) = delete;
  Unhandled& operator=(const Unhandled&) = delete;
  ~Unhandled() {
    set_unhandled_failure_hook(before_);
    current_ = outer_;
    for (const std::string& report : reports_) {
      FAIL_CHECK("unexpected unhandled failure: " << report);
    }
  }

  /// The what() of each failure reported so far; they count as expected.
  std::vector<std::string> take() {
    std::vector<std::string> texts;
    for (const Failure& failure : failures_) texts.push_back(failure.what());
    reports_.clear();
    failures_.clear();
    return texts;
  }
  /// The whole text of each report so far; they count as expected.
  std::vector<std::string> take_reports() {
    failures_.clear();
    return std::exchange(reports_, {});
  }

 private:
  inline static Unhandled* current_ = nullptr;

  Unhandled* outer_;
  UnhandledFailureHook before_;
  std::vector<std::string> reports_;
  std::vector<Failure> failures_;
};

/// A failure with this text, of a type that no test traps by accident.
/// No aggregate: g++ 12 destroys those twice in a co_await expression.
struct Oops {
  explicit Oops(std::string says = "oops") : text(std::move(says)) {}
  std::string text;
  const char* what() const noexcept { return text.c_str(); }
};

}  // namespace deferred::testing
