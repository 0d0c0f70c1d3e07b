// SPDX-License-Identifier: MIT
// Runs the cases of the stream conformance kit.
#include <algorithm>
#include <utility>

#include "deferred/testing/conformance/run_one.hpp"
#include "deferred/testing/stream_conformance.hpp"
#include "deferred/testing/streams/context.hpp"
#include "reactors/poll.hpp"
#include "reactors/virtual_time.hpp"

namespace deferred::testing {
namespace {

const std::pair<StreamTrait, const char*> trait_names[] = {
    {StreamTrait::two_ways, "two ways"},
    {StreamTrait::half_close, "half_close"},
    {StreamTrait::clogs, "clogs"},
    {StreamTrait::reset, "reset"},
};

/// Why this case cannot be run; empty if it can.
std::string reason_to_skip_stream(const StreamUnderTest& tried, const StreamCase& one) {
  const auto named = tried.skip.find(one.name);
  if (named != tried.skip.end()) return named->second;
  std::string missing;
  for (const auto& [trait, name] : trait_names) {
    if ((one.needs & trait) != StreamTrait::nothing &&
        (tried.traits & trait) == StreamTrait::nothing) {
      missing += (missing.empty() ? "" : ", ") + std::string(name);
    }
  }
  return missing.empty() ? "" : "is about " + missing;
}

CaseResult run_one_way(const StreamUnderTest& tried, const StreamCase& one, bool swapped,
                       const ConformanceOptions& options) {
  // Sooner than the watchdog: here the tasks are seen as they wait. Virtual time is no matter.
  const bool is_virtual = (tried.reactor.can & Capability::virtual_time) != Capability::nothing;
  const Duration limit = is_virtual ? std::chrono::hours(24) : options.limit / 4 * 3;
  const auto body = [&](ConformanceContext& base) {
    StreamContext context(base, tried, limit, swapped);
    if (one.body.outside) return one.body.outside(context);
    context.run_on(context.reactor(), [&]() -> Task<> {
      co_await one.body.in_task(context);
      co_await context.rest();  // so that what is on its way is not left behind
    });
  };
  return conformance::run_one(tried.reactor, conformance::title_of(one), body, options);
}

std::string name_of(const StreamUnderTest& tried) {
  return tried.name + " on " + tried.reactor.name;
}

}  // namespace

ReactorUnderTest on_poll() {
  ReactorUnderTest poll;
  poll.name = "poll";
  poll.make = [] { return reactors::poll(); };
  return poll;
}

ReactorUnderTest in_virtual_time() {
  ReactorUnderTest time;
  time.name = "virtual_time";
  time.make = [] { return std::make_unique<reactors::VirtualTime>(); };
  time.can = Capability::virtual_time | Capability::descriptors;
  return time;
}

std::size_t StreamReport::count(Verdict verdict) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(),
                    [verdict](const Line& line) { return line.result.verdict == verdict; }));
}

std::string StreamReport::summary(const std::string& name) const {
  return conformance::summary_of(name, count(Verdict::passed), count(Verdict::failed),
                                 count(Verdict::skipped));
}

CaseResult run_stream_case(const StreamUnderTest& tried, const StreamCase& one,
                           const ConformanceOptions& options) {
  if (std::string reason = reason_to_skip_stream(tried, one); !reason.empty()) {
    return {Verdict::skipped, std::move(reason)};
  }
  CaseResult result = run_one_way(tried, one, false, options);
  const bool other_way = (tried.traits & StreamTrait::two_ways) != StreamTrait::nothing;
  if (result.verdict == Verdict::passed && other_way) {
    result = run_one_way(tried, one, true, options);
    if (result.verdict == Verdict::failed) result.reason += " (the far end as the near one)";
  }
  return result;
}

StreamReport run_stream_conformance(const StreamUnderTest& tried,
                                    const ConformanceOptions& options) {
  conformance::require_names(stream_cases(), tried.skip, options.filter);
  if (!options.isolate) conformance::warm_up(tried.reactor);
  StreamReport report;
  for (const StreamCase& one : stream_cases()) {
    const std::string title = conformance::title_of(one);
    if (title.find(options.filter) == std::string::npos) continue;
    report.lines.push_back({&one, run_stream_case(tried, one, options)});
    conformance::print_result(options.out, title, report.lines.back().result);
    if (report.count(Verdict::failed) >= options.most_failures) break;
  }
  conformance::print_summary(options.out, report.summary(name_of(tried)));
  return report;
}

}  // namespace deferred::testing
