// SPDX-License-Identifier: MIT
#include "deferred/results/failure.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/results/errors.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Oops;

namespace {

struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A hierarchy that has nothing to do with std::exception.
struct Trouble {
  int level = 0;
};
struct Other {
  int unrelated = 0;
};
struct DiskTrouble : Other, Trouble {};

struct CountsThrows {
  inline static int copies = 0;
  CountsThrows() = default;
  CountsThrows(const CountsThrows&) { ++copies; }
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Failure caught(const Failure& failure) {
  try {
    failure.raise();
  } catch (...) {
    return Failure::current();
  }
}

}  // namespace

TEST_CASE("a Failure is told by its exact type") {
  const Failure failure(Refused("no"));

  const Refused* const refused = failure.check<Refused>();

  REQUIRE(refused);
  CHECK(std::string(refused->what()) == "no");
  CHECK(failure.check<std::logic_error>() == nullptr);
}

TEST_CASE("a Failure is told by a base class of its error") {
  const Failure failure(Refused("no"));

  CHECK(failure.check<std::runtime_error>() == failure.check<Refused>());
  CHECK(failure.check<std::exception>() == failure.check<Refused>());
}

TEST_CASE("a Failure is told by a base class that is not below std::exception") {
  DiskTrouble trouble;
  trouble.level = 3;
  const Failure failure(trouble);

  const Trouble* const base = failure.check<Trouble>();

  REQUIRE(base);
  CHECK(base->level == 3);
  CHECK(failure.check<Refused>() == nullptr);
  CHECK(failure.check<int>() == nullptr);
}

TEST_CASE("a caught exception is told by its type and its bases, std or not") {
  Failure disk;
  Failure refused;
  try {
    DiskTrouble trouble;
    trouble.level = 3;
    throw trouble;
  } catch (...) {
    disk = Failure::current();
  }
  try {
    throw Refused("no");
  } catch (...) {
    refused = Failure::current();
  }

  REQUIRE(disk.check<Trouble>());
  CHECK(disk.check<Trouble>()->level == 3);
  CHECK(disk.check<std::exception>() == nullptr);
  REQUIRE(refused.check<std::runtime_error>());
  CHECK(refused.check<Trouble>() == nullptr);
}

TEST_CASE("an error that is no class can be a Failure") {
  const Failure number(42);

  REQUIRE(number.check<int>());
  CHECK(*number.check<int>() == 42);
  CHECK(number.check<Trouble>() == nullptr);
  CHECK(number.what() == "42");
}

TEST_CASE("trap gives the position of the type that matches") {
  const Failure failure(Refused("no"));

  CHECK(failure.trap<std::logic_error, Refused, std::exception>() == 1);
}

TEST_CASE("trap raises an error that is none of its types") {
  const Failure failure(Refused("no"));

  CHECK_THROWS_AS((failure.trap<std::logic_error, Trouble>()), Refused);
}

TEST_CASE("raise throws the error as the type it has") {
  const Failure failure(Oops{"with text"});

  try {
    failure.raise();
  } catch (const Oops& oops) {
    CHECK(oops.text == "with text");
    return;
  }
  FAIL("raise() did not throw an Oops");
}

TEST_CASE("raise of an empty Failure throws a logic_error") {
  CHECK_THROWS_AS(Failure().raise(), std::logic_error);
}

TEST_CASE("a Failure copies its error once, however often it is raised") {
  const Failure failure{CountsThrows()};
  CountsThrows::copies = 0;

  for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(failure.raise(), CountsThrows);

  CHECK(CountsThrows::copies <= 2);  // into the exception object; make_exception_ptr may add one
}

TEST_CASE("a raised Failure that is caught is the same Failure, trace included") {
  Failure failure(Refused("no"));
  failure.passed(Failure::Passed::await, SourceLocation::current());

  const Failure again = caught(failure);

  CHECK(again.check<Refused>() == failure.check<Refused>());
  CHECK(contains(again.report(), "awaited at failure.cpp:"));
}

TEST_CASE("a Failure goes through an exception_ptr with its type") {
  const std::exception_ptr error = Failure(Refused("no")).to_exception_ptr();

  const Failure back = Failure::from(error);

  REQUIRE(back.check<Refused>());
  CHECK(back.what() == "no");
}

TEST_CASE("a Failure raised inside the handler of another does not confuse the two") {
  const Failure outer(Refused("outer"));
  Failure seen;

  try {
    outer.raise();
  } catch (...) {
    CHECK(caught(Failure(Oops{"inner"})).check<Oops>());
    seen = Failure::current();
  }

  REQUIRE(seen.check<Refused>());
  CHECK(seen.what() == "outer");
}

TEST_CASE("forgetting what was raised last does not change what is caught") {
  const Failure failure(Refused("no"));

  try {
    failure.raise();
  } catch (...) {
    detail::forget_raised();
    CHECK(Failure::current().check<Refused>());
  }
}

TEST_CASE("current outside a handler is a logic_error that says so") {
  const Failure none = Failure::current();

  REQUIRE(none.check<std::logic_error>());
  CHECK(contains(none.what(), "no exception is being handled"));
}

TEST_CASE("an error outlives the last Failure but one") {
  Failure kept;
  {
    const Failure first(Refused("no"));
    kept = first;
  }

  CHECK(kept.what() == "no");
}

TEST_CASE("a moved-from Failure is empty") {
  Failure first(Refused("no"));

  const Failure second = std::move(first);

  CHECK(second);
  CHECK(!first);  // NOLINT: the state after a move is documented
}

TEST_CASE("what is the text of any error that has a what()") {
  CHECK(Failure(Refused("no")).what() == "no");
  CHECK(Failure(Oops{"not std"}).what() == "not std");
  CHECK(Failure(Cancelled{}).what() == "cancelled");
  CHECK(Failure(std::string("text")).what() == "text");
  CHECK(Failure("literal").what() == "literal");
  CHECK(contains(Failure(Trouble{}).what(), "Trouble"));
}

TEST_CASE("a report names type, text, the place where it was made, and each place it passed") {
  Failure failure(Refused("no"));
  failure.passed(Failure::Passed::chain, SourceLocation::current());
  failure.passed(Failure::Passed::await, SourceLocation::current());

  const std::string report = failure.report();

  CHECK(contains(report, "Refused: no"));
  CHECK(contains(report, "\n  made at failure.cpp:"));
  CHECK(contains(report, "\n  passed the chain at failure.cpp:"));
  CHECK(contains(report, "\n  awaited at failure.cpp:"));
  CHECK(report.back() != '\n');
}

TEST_CASE("a report does not speak of a place that is not known") {
  const auto error = std::make_exception_ptr(Refused("no"));

  const std::string report = Failure::from(error, SourceLocation()).report();

  CHECK(contains(report, "Refused: no"));
  CHECK(!contains(report, "made at"));
}

TEST_CASE("a trace keeps the first 30 places and counts the others") {
  Failure failure(Refused("no"));

  for (int i = 0; i < 35; ++i) {
    failure.passed(Failure::Passed::await, SourceLocation::current());
  }

  CHECK(contains(failure.report(), "and 5 places more"));
}

TEST_CASE("a location is written as the bare file, the line and the bare function") {
  const std::string here = to_string(SourceLocation::current());

  CHECK(contains(here, "failure.cpp:"));
  CHECK(!contains(here, "/"));
  CHECK(to_string(SourceLocation()) == "an unknown place");
}

TEST_CASE("Cancelled is not caught as a std::exception") {
  CHECK(Failure(Cancelled{}).check<std::exception>() == nullptr);
}

namespace {

struct Base : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct Derived : Base {
  explicit Derived(int c) : Base("derived"), code(c) {}
  int code;
};

TEST_CASE("a trace names the input of what has passed a failure on") {
  Failure failure{Oops("x")};
  failure.passed(Failure::Passed::all, SourceLocation::current(), 2);
  failure.passed(Failure::Passed::race, SourceLocation(), 1);

  const std::string report = failure.report();

  CAPTURE(report);
  CHECK(report.find("\n  input #2 of all at failure.cpp:") != std::string::npos);
  CHECK(report.find("\n  input #1 of race") + 19 == report.size());
}

}  // namespace

// Lost type and text: std::exception's copy was kept.
TEST_CASE("an error caught by its base class is taken whole") {
  Failure failure;
  try {
    throw Derived(7);
  } catch (const std::exception& error) {
    failure = Failure(error);
  }

  REQUIRE(failure.check<Derived>());
  CHECK(failure.check<Derived>()->code == 7);
  CHECK(failure.what() == "derived");
}

TEST_CASE("an error given by its base class that is not being handled is refused, not cut") {
  const Derived derived(7);
  const Base& base = derived;

  CHECK_THROWS_WITH_AS(static_cast<void>(Failure(base)), doctest::Contains("Derived, given as a "),
                       std::logic_error);
  CHECK_THROWS_AS(make_whole_exception_ptr(base), std::logic_error);
  try {
    throw Base("another");
  } catch (const std::exception&) {
    CHECK_THROWS_AS(static_cast<void>(Failure(base)), std::logic_error);
  }
}

TEST_CASE("the standard library's types are named as they are written") {
  CHECK(Failure(std::string()).type_name() == "std::string");
  CHECK(Failure(std::vector<std::string>()).type_name() == "std::vector<std::string>");
}

TEST_CASE("a copy of a Failure goes its own way, of the same error") {
  Failure first(Refused("no"));
  first.passed(Failure::Passed::chain, SourceLocation::current());
  Failure second = first;

  second.passed(Failure::Passed::await, SourceLocation::current());

  CHECK(first.report().find("awaited") == std::string::npos);
  CHECK(second.report().find("awaited") != std::string::npos);
  CHECK(second.report().find("passed the chain") != std::string::npos);
  CHECK(first.check<Refused>() == second.check<Refused>());
  CHECK(caught(second).report() == second.report());
  CHECK(second.to_exception_ptr() == first.to_exception_ptr());
}
