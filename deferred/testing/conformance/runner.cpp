// SPDX-License-Identifier: MIT
// Runs the cases of the reactor conformance kit.
#include <algorithm>
#include <utility>

#include "deferred/testing/conformance/run_one.hpp"
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

}  // namespace

std::size_t ConformanceReport::count(Verdict verdict) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [verdict](const Line& line) { return line.result.verdict == verdict; }));
}

std::string ConformanceReport::summary(const std::string& name) const {
  return conformance::summary_of(name, count(Verdict::passed), count(Verdict::failed),
                                 count(Verdict::skipped));
}

CaseResult run_case(const ReactorUnderTest& tried, const ConformanceCase& one,
                    const ConformanceOptions& options) {
  if (std::string reason = reason_to_skip(tried, one); !reason.empty()) {
    return {Verdict::skipped, std::move(reason)};
  }
  return conformance::run_one(tried, conformance::title_of(one), one.run, options);
}

ConformanceReport run_conformance(const ReactorUnderTest& tried,
                                  const ConformanceOptions& options) {
  conformance::require_names(conformance_cases(), tried.skip, options.filter);
  if (!options.isolate) conformance::warm_up(tried);
  ConformanceReport report;
  for (const ConformanceCase& one : conformance_cases()) {
    const std::string title = conformance::title_of(one);
    if (title.find(options.filter) == std::string::npos) continue;
    report.lines.push_back({&one, run_case(tried, one, options)});
    conformance::print_result(options.out, title, report.lines.back().result);
    if (report.count(Verdict::failed) >= options.most_failures) break;
  }
  conformance::print_summary(options.out, report.summary(tried.name));
  return report;
}

}  // namespace deferred::testing
