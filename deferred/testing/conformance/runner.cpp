// SPDX-License-Identifier: MIT
// Runs cases, and looks at what they leave behind.
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "deferred/testing/conformance/context.hpp"
#include "deferred/testing/conformance/watchdog.hpp"
#include "deferred/testing/detail/open_descriptors.hpp"
#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing {
namespace {

const std::pair<Capability, const char*> capability_names[] = {
    {Capability::real_time, "real time"},
    {Capability::virtual_time, "virtual time"},
    {Capability::sub_millisecond, "times finer than a millisecond"},
    {Capability::threads, "waits that other threads end"},
    {Capability::descriptors, "descriptors"},
    {Capability::lost_descriptors, "to notice a descriptor that was closed while watched"},
    {Capability::regular_files, "regular files"},
    {Capability::forks, "to give the child of a fork() descriptors of its own"},
};

/// Why this case cannot be run; empty if it can.
std::string reason_to_skip(const ReactorUnderTest& tried, const ConformanceCase& one) {
  const auto named = tried.skip.find(one.name);
  if (named != tried.skip.end()) return named->second;
  std::string missing;
  for (const auto& [capability, name] : capability_names) {
    if ((one.needs & capability) != Capability::nothing &&
        (tried.can & capability) == Capability::nothing) {
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
  }
  return missing.empty() ? "" : "needs " + missing;
}

void run_body(ConformanceContext& context, const ConformanceCase& one, Verdict& verdict) {
  try {
    one.run(context);
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

CaseResult run_here(const ReactorUnderTest& tried, const ConformanceCase& one,
                    const ConformanceOptions& options, const std::function<void()>& when_hung) {
  const auto before = open_descriptors();
  CaseResult result;
  {
    ConformanceContext context(tried);
    {
      const conformance::Watchdog watchdog(
          options.limit, [&context] { context.time_is_over(); }, when_hung);
      run_body(context, one, result.verdict);
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

/// What a backend's first use opens for the whole process is no leak of a case.
void warm_up(const ReactorUnderTest& tried) {
  Reactor reactor(tried.make());
  reactor.backend().run_once(false);
}

std::string title_of(const ConformanceCase& one) {
  return std::string(one.group) + ": " + one.name;
}

/// A name that no case has, or a filter that lets none pass, is a mistake: it would say that all is
/// well.
void require_names(const ReactorUnderTest& tried, const ConformanceOptions& options) {
  const auto& all = conformance_cases();
  for (const auto& [name, why] : tried.skip) {
    const bool is_known = std::any_of(all.begin(), all.end(), [&](const ConformanceCase& one) {
      return one.name == std::string_view(name);
    });
    if (!is_known) throw std::invalid_argument("skip: there is no case '" + name + "'");
  }
  const bool any = std::any_of(all.begin(), all.end(), [&](const ConformanceCase& one) {
    return title_of(one).find(options.filter) != std::string::npos;
  });
  if (!any) throw std::invalid_argument("filter: no case contains '" + options.filter + "'");
}

const char* word(Verdict verdict) noexcept {
  return verdict == Verdict::failed ? "failed" : verdict == Verdict::skipped ? "skipped" : "passed";
}

void print_line(std::FILE* out, const ConformanceReport::Line& line) {
  if (!out || line.result.verdict == Verdict::passed) return;
  std::fprintf(out, "%s: %s: %s: %s\n", word(line.result.verdict), line.of->group, line.of->name,
               line.result.reason.c_str());
}

}  // namespace

std::size_t ConformanceReport::count(Verdict verdict) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [verdict](const Line& line) { return line.result.verdict == verdict; }));
}

std::string ConformanceReport::summary(const std::string& name) const {
  return "conformance " + name + ": " + std::to_string(count(Verdict::passed)) + " passed, " +
         std::to_string(count(Verdict::failed)) + " failed, " +
         std::to_string(count(Verdict::skipped)) + " skipped";
}

CaseResult run_case(const ReactorUnderTest& tried, const ConformanceCase& one,
                    const ConformanceOptions& options) {
  if (std::string reason = reason_to_skip(tried, one); !reason.empty()) {
    return {Verdict::skipped, std::move(reason)};
  }
  if (options.isolate) {
    const auto wait_to_be_killed = [] {};
    return conformance::isolated(
        [&] {
          warm_up(tried);
          return run_here(tried, one, options, wait_to_be_killed);
        },
        2 * options.limit);
  }
  return run_here(tried, one, options, [&] {
    std::fprintf(stderr, "conformance: %s: %s: it hung, and could not be stopped\n", one.group,
                 one.name);
    ::_exit(1);
  });
}

ConformanceReport run_conformance(const ReactorUnderTest& tried,
                                  const ConformanceOptions& options) {
  require_names(tried, options);
  if (!options.isolate) warm_up(tried);
  ConformanceReport report;
  for (const ConformanceCase& one : conformance_cases()) {
    if (title_of(one).find(options.filter) == std::string::npos) continue;
    report.lines.push_back({&one, run_case(tried, one, options)});
    print_line(options.out, report.lines.back());
    if (report.count(Verdict::failed) >= options.most_failures) break;
  }
  if (options.out) {
    std::fprintf(options.out, "%s\n", report.summary(tried.name).c_str());
    std::fflush(options.out);
  }
  return report;
}

}  // namespace deferred::testing
