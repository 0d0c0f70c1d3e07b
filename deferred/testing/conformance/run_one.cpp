// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/run_one.hpp"

#include <unistd.h>

#include <exception>

#include "deferred/testing/conformance/watchdog.hpp"
#include "deferred/testing/detail/open_descriptors.hpp"

namespace deferred::testing::conformance {
namespace {

using Body = std::function<void(ConformanceContext&)>;

void run_body(ConformanceContext& context, const Body& run, Verdict& verdict) {
  try {
    run(context);
    if (const std::string left = context.left_behind(); !left.empty() && !context.has_failed()) {
      context.note_failure("it leaves behind " + left);
    }
  } catch (const CaseFailed&) {
  } catch (const CaseSkipped&) {
    verdict = Verdict::skipped;
  } catch (const std::exception& error) {
    context.note_failure(std::string("an exception: ") + error.what());
  } catch (...) {
    context.note_failure("an exception");
  }
}

CaseResult run_here(const ReactorUnderTest& tried, const Body& run,
                    const ConformanceOptions& options, const std::function<void()>& when_hung) {
  const auto before = open_descriptors();
  CaseResult result;
  {
    ConformanceContext context(tried);
    {
      const Watchdog watchdog(options.limit, [&context] { context.time_is_over(); }, when_hung);
      run_body(context, run, result.verdict);
      context.end_reactor();
    }
    if (const std::string tasks = context.tasks_when_over(); !tasks.empty()) {
      context.note_failure("it took too long; its tasks:\n" + tasks);
    }
    if (!context.has_failed()) {
      if (const std::string reports = context.report_texts(); !reports.empty()) {
        context.note_failure("a failure that nobody handled: " + reports);
      }
    }
    if (context.has_failed()) result.verdict = Verdict::failed;
    result.reason = context.reason();
  }
  if (result.verdict != Verdict::failed) {
    if (const std::string left = opened_since(before); !left.empty()) {
      result = {Verdict::failed, "it leaves open descriptor " + left};
    }
  }
  return result;
}

const char* word(Verdict verdict) noexcept {
  return verdict == Verdict::failed ? "failed" : verdict == Verdict::skipped ? "skipped" : "passed";
}

}  // namespace

void warm_up(const ReactorUnderTest& tried) {
  Reactor reactor(tried.make());
  reactor.backend().run_once(false);
}

CaseResult run_one(const ReactorUnderTest& tried, const std::string& title, const Body& body,
                   const ConformanceOptions& options) {
  if (options.isolate) {
    const auto wait_to_be_killed = [] {};
    return isolated(
        [&] {
          warm_up(tried);
          return run_here(tried, body, options, wait_to_be_killed);
        },
        2 * options.limit);
  }
  return run_here(tried, body, options, [&] {
    std::fprintf(stderr, "conformance: %s: it hung, and could not be stopped\n", title.c_str());
    ::_exit(1);
  });
}

std::string summary_of(const std::string& name, std::size_t passed, std::size_t failed,
                       std::size_t skipped) {
  return "conformance " + name + ": " + std::to_string(passed) + " passed, " +
         std::to_string(failed) + " failed, " + std::to_string(skipped) + " skipped";
}

void print_result(std::FILE* out, const std::string& title, const CaseResult& result) {
  if (!out || result.verdict == Verdict::passed) return;
  std::fprintf(out, "%s: %s: %s\n", word(result.verdict), title.c_str(), result.reason.c_str());
}

void print_summary(std::FILE* out, const std::string& summary) {
  if (!out) return;
  std::fprintf(out, "%s\n", summary.c_str());
  std::fflush(out);
}

}  // namespace deferred::testing::conformance
