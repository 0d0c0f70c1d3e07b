// SPDX-License-Identifier: MIT
//
// Errors that gave way to an earlier one: kept with it, shown in its report.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "deferred/results/failure.hpp"
#include "tests/support/million.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) {
    ++found;
  }
  return found;
}

}  // namespace

TEST_CASE_FIXTURE(Unhandled, "suppressed errors are asked for, and stand in the report, indented") {
  Failure first(Oops("first"));
  Failure second(Oops("second"));
  second.suppress(Failure(Oops("third")));
  first.suppress(second);

  REQUIRE(first.suppressed().size() == 1);
  CHECK(first.suppressed()[0].what() == "second");
  CHECK(first.suppressed()[0].suppressed()[0].what() == "third");
  const std::string report = first.report();
  CHECK(times(report, "\n  and suppressed ") == 1);
  CHECK(times(report, "\n    and suppressed ") == 1);
}

TEST_CASE_FIXTURE(Unhandled, "what is suppressed in a Failure is not in the copies made before") {
  Failure first(Oops("first"));
  const Failure copy = first;
  first.suppress(Failure(Oops("second")));

  CHECK(copy.suppressed().empty());
  CHECK(first.suppressed().size() == 1);
  CHECK(Failure(first).suppressed().size() == 1);
}

TEST_CASE_FIXTURE(Unhandled, "an error that comes by two ways is not suppressed in itself") {
  Failure first(Oops("first"));
  Failure other_way = first;
  other_way.passed(Failure::Passed::await, SourceLocation::current());
  first.suppress(other_way);

  CHECK(first.suppressed().empty());
}

TEST_CASE_FIXTURE(Unhandled, "in a catch they are those of Failure::current()") {
  Failure first(Oops("first"));
  first.suppress(Failure(Oops("second")));
  std::vector<std::string> texts;
  try {
    first.raise();
  } catch (const Oops&) {
    for (const Failure& error : Failure::current().suppressed()) texts.push_back(error.what());
  }

  CHECK(texts == std::vector<std::string>{"second"});
}

TEST_CASE_FIXTURE(Unhandled, "the first 30 are kept, the others counted") {
  Failure first(Oops("first"));
  for (int i = 0; i < 100; ++i) first.suppress(Failure(Oops("later")));

  CHECK(first.suppressed().size() == 30);
  const std::string report = first.report();
  CHECK(times(report, "later") == 30);
  CHECK(times(report, "and suppressed 70 errors more") == 1);
}

TEST_CASE_FIXTURE(Unhandled, "a million in each other are dropped in a loop, reported in bounds") {
  Failure outermost(Oops("innermost"));
  for (int i = 0; i < million; ++i) {
    Failure next(Oops("next"));
    next.suppress(std::move(outermost));
    outermost = std::move(next);
  }

  CHECK(times(outermost.report(), "and suppressed ") <= 31);
  outermost = Failure();
}
