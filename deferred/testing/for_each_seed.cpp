// SPDX-License-Identifier: MIT
#include "deferred/testing/for_each_seed.hpp"

#include <cerrno>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <utility>

#include "deferred/results/failure.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred::testing {
namespace {

// What comes to the unhandled-failure hook, which is the process's.
std::string* unhandled_in_seed = nullptr;
void note_unhandled(const Failure& failure, const std::string& whose) {
  if (unhandled_in_seed->empty()) *unhandled_in_seed = whose + ": " + failure.report();
}

class UnhandledInSeed {
 public:
  explicit UnhandledInSeed(std::string& into)
      : before_(set_unhandled_failure_hook(&note_unhandled)) {
    unhandled_in_seed = &into;
  }
  UnhandledInSeed(const UnhandledInSeed&) = delete;
  UnhandledInSeed& operator=(const UnhandledInSeed&) = delete;
  ~UnhandledInSeed() {
    set_unhandled_failure_hook(before_);
    unhandled_in_seed = nullptr;
  }

 private:
  UnhandledFailureHook before_;
};

struct SeedRun {
  std::string fault;  // empty: none
  std::uint64_t hash = 0;

  friend bool operator==(const SeedRun&, const SeedRun&) = default;
};

// The exception being handled: its type, what() and, if it comes from a Task or a Deferred, where
// it has been.
std::string report_of_error() {
  const auto here = SourceLocation::current();
  std::string report = Failure::current(here).report();
  const std::string nowhere = "\n  made at " + to_string(here);
  if (report.ends_with(nowhere)) report.resize(report.size() - nowhere.size());
  return report;
}

SeedRun run_seed(std::uint64_t seed, const Scenario& scenario, std::ostream* trace) {
  SeedRun run;
  std::string unhandled;
  {
    const UnhandledInSeed hook(unhandled);
    Simulation sim(seed);
    sim.trace(trace);
    try {
      scenario(sim);
    } catch (...) {
      run.fault = report_of_error();
    }
    if (run.fault.empty() && !unhandled.empty()) run.fault = "unhandled: " + unhandled;
    run.hash = sim.trace_hash();
  }
  if (run.fault.empty() && !unhandled.empty()) run.fault = "unhandled at its end: " + unhandled;
  return run;
}

using OnFailure = std::function<void(const FailedSeed& failed)>;

SeedsReport try_each(std::size_t count, const Scenario& scenario, const SeedsOptions& options,
                     std::ostream* trace, const OnFailure& on_failure) {
  if (count == 0) throw std::invalid_argument("seeds: none is to be run, which would pass");
  if (options.most_failures == 0) {
    throw std::invalid_argument("SeedsOptions::most_failures: after 0 failures no seed is run");
  }
  SeedsReport report;
  for (std::size_t i = 0; i < count && report.failures.size() < options.most_failures; ++i) {
    const std::uint64_t seed = options.first + i;
    const SeedRun run = run_seed(seed, scenario, trace);
    ++report.seeds;
    const bool is_checked = options.checked_of != 0 && i % options.checked_of == 0;
    if (run.fault.empty() && !is_checked) continue;
    const bool is_same = run_seed(seed, scenario, nullptr) == run;
    if (run.fault.empty() && is_same) continue;
    FailedSeed failed;
    failed.seed = seed;
    failed.what = run.fault.empty() ? "it does something else the second time" : run.fault;
    failed.differs_again = !is_same && !run.fault.empty();
    if (on_failure) on_failure(failed);
    report.failures.push_back(std::move(failed));
  }
  return report;
}

std::optional<std::uint64_t> number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  if (!text || *text == '\0') return std::nullopt;
  char* end = nullptr;
  errno = 0;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (*end != '\0' || errno != 0 || *text == '-') {
    throw std::invalid_argument(std::string(variable) + "=" + text + ": a number is meant");
  }
  return value;
}

// As it was called.
std::string name_of_program() {
#if defined(__GLIBC__)
  return program_invocation_name;
#else
  return "the same program";
#endif
}

}  // namespace

std::string FailedSeed::text() const {
  std::string text = "seed " + std::to_string(seed) + ": " + what;
  if (differs_again) text += "\n(not the same when it was run again)";
  return text;
}

std::string SeedsReport::summary() const {
  std::string text = std::to_string(seeds) + (seeds == 1 ? " seed, " : " seeds, ") +
                     std::to_string(failures.size()) + " failed";
  for (const FailedSeed& failed : failures) text += "\n" + failed.text();
  return text;
}

SeedsReport try_seeds(std::size_t count, const Scenario& scenario, const SeedsOptions& options) {
  return try_each(count, scenario, options, nullptr, {});
}

void for_each_seed(std::size_t count, const Scenario& scenario, const SeedsOptions& options) {
  const auto only = number_in("DEFERRED_SEED");
  SeedsOptions chosen = options;
  if (only) chosen.first = *only;
  const std::size_t many = only ? 1 : number_in("DEFERRED_SEEDS").value_or(count);
  std::ostream out(std::cerr.rdbuf());  // where it goes now, whatever a scenario does with it
  std::ostream* const trace = only && std::getenv("DEFERRED_TRACE") ? &out : nullptr;
  const auto print = [&out](const FailedSeed& failed) {
    out << failed.text() << "\nDEFERRED_SEED=" << failed.seed << ' ' << name_of_program()
        << std::endl;
  };
  const SeedsReport report = try_each(many, scenario, chosen, trace, print);
  if (!report.failures.empty()) throw SeedsFailed(report.summary());
}

}  // namespace deferred::testing
