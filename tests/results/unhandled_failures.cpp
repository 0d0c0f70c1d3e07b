// SPDX-License-Identifier: MIT
// Twisted's checklist, 1.8: failures that nobody handled.
#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/deferred.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using deferred::testing::Unhandled;

namespace {
const std::vector<std::string> no_reports;
const std::vector<std::string> one_report{"no"};
}  // namespace

TEST_CASE_FIXTURE(Unhandled, "the failure of a dropped Deferred is reported at once") {
  auto [promise, deferred] = make_deferred<int>();
  promise.errback(std::runtime_error("no"));
  CHECK(take() == no_reports);

  {
    const Deferred<int> gone = std::move(deferred);
  }

  CHECK(take() == one_report);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a failure that comes after the Deferred was dropped is reported when it comes") {
  auto [promise, deferred] = make_deferred<int>();
  std::move(deferred).detach();
  CHECK(take() == no_reports);

  promise.errback(std::runtime_error("no"));

  CHECK(take() == one_report);
}

TEST_CASE_FIXTURE(Unhandled,
                  "a Deferred that failed without a block is reported when it is dropped") {
  {
    auto failed = fail<int>(std::runtime_error("no"));
  }
  fail<std::string>(std::runtime_error("no")).detach();

  CHECK(take() == std::vector<std::string>{"no", "no"});
}

TEST_CASE_FIXTURE(Unhandled, "a failure that an errback handled is not reported") {
  fail<int>(std::runtime_error("no")).add_errback([](const Failure&) { return 0; }).detach();

  CHECK(take() == no_reports);
}

TEST_CASE_FIXTURE(Unhandled,
                  "an errback that is passed by, or gives the failure back, does not handle it") {
  fail<int>(std::runtime_error("no"))
      .add_errback([](const std::logic_error&) { return 0; })
      .detach();
  fail<int>(std::runtime_error("no")).add_errback([](Failure f) { return f; }).detach();

  CHECK(take() == std::vector<std::string>{"no", "no"});
}

TEST_CASE_FIXTURE(Unhandled, "a result that was taken is handled") {
  auto [promise, deferred] = make_deferred<int>();
  promise.errback(std::runtime_error("no"));

  CHECK(!std::move(deferred).result().has_value());
  CHECK(!fail<int>(std::runtime_error("no")).result().has_value());

  CHECK(take() == no_reports);
}

TEST_CASE_FIXTURE(Unhandled, "a failure that went on to a chained Promise is reported there only") {
  auto [promise, deferred] = make_deferred<int>();
  auto [next, rest] = make_deferred<int>();
  std::move(deferred).chain(std::move(next));

  promise.errback(std::runtime_error("no"));
  CHECK(take() == no_reports);
  {
    const Deferred<int> gone = std::move(rest);
  }

  CHECK(take() == one_report);
}

TEST_CASE_FIXTURE(Unhandled, "Cancelled is not reported") {
  auto [promise, deferred] = make_deferred<int>();
  deferred.cancel();
  std::move(deferred).detach();

  CHECK(take() == no_reports);
}

TEST_CASE_FIXTURE(Unhandled, "AbandonedError is reported, but not where closing was the reason") {
  {
    auto ends = make_deferred<int>();
  }
  CHECK(take().size() == 1);

  fail<int>(AbandonedError("closed", true)).detach();

  CHECK(take() == no_reports);
}

TEST_CASE_FIXTURE(Unhandled, "one failure in several Deferreds is reported once") {
  const Failure failure(std::runtime_error("no"));

  fail<int>(failure).detach();
  fail<int>(failure).detach();

  CHECK(take() == one_report);
}

TEST_CASE_FIXTURE(Unhandled, "a report says what failed, where it was made and whose it was") {
  auto [promise, deferred] = make_deferred<int>();
  std::move(deferred).detach();

  promise.errback(std::runtime_error("no"));

  const std::vector<std::string> reports = take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("the Deferred made at unhandled_failures.cpp:") == 0);
  CHECK(reports[0].find("std::runtime_error: no") != std::string::npos);
  CHECK(reports[0].find("\n  made at unhandled_failures.cpp:") != std::string::npos);
}

TEST_CASE_FIXTURE(Unhandled, "the failure of a Deferred that another is assigned to is reported") {
  auto deferred = fail<int>(std::runtime_error("no"));

  deferred = succeed(1);

  CHECK(take() == one_report);
  CHECK(std::move(deferred).result().value() == 1);
}

TEST_CASE("an unhandled failure hook can be set and set back") {
  static int calls = 0;
  const auto before =
      set_unhandled_failure_hook([](const Failure&, const std::string&) { ++calls; });

  fail<int>(std::runtime_error("no")).detach();
  set_unhandled_failure_hook(before);

  CHECK(calls == 1);
}

TEST_CASE_FIXTURE(Unhandled,
                  "describe tells an unfired, a fired, a failed and a moved-from Deferred apart") {
  const SourceLocation here = SourceLocation::current();
  const std::string made = " made at " + to_string(here);
  auto [good, value] = make_deferred<std::string>(here);
  auto [bad, failed] = make_deferred<int>(here);
  CHECK(value.describe() == "Deferred<std::string>" + made + ", not fired");

  good.callback("a secret");
  bad.errback(std::runtime_error("a secret"));

  CHECK(value.describe() == "Deferred<std::string>" + made + ", fired");
  CHECK(failed.describe() == "Deferred<int>" + made + ", failed with std::runtime_error");
  CHECK(succeed(1).describe() == "Deferred<int>, fired");
  CHECK(!std::move(failed).result().has_value());
  CHECK(failed.describe() == "Deferred<int>, moved from");  // NOLINT
}
