// SPDX-License-Identifier: MIT
//
// The reactor conformance kit: some three hundred and fifty small cases that say what a backend has
// to do, run on any backend. Knows no test framework. The fronts: reactor_conformance_doctest.hpp
// for doctest, reactor_conformance_main.hpp for a program of its own. The cases:
// deferred/testing/conformance/, in the library deferred-testing. (Twisted: ReactorBuilder)
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred::testing {

/// What a backend is able to do. A case that needs more is skipped, and told as such.
enum class Capability : unsigned {
  nothing = 0,
  /// Its clock goes on by itself, beside std::chrono::steady_clock, and waiting takes that time.
  real_time = 1,
  /// Its clock stands still but for waits, and a wait for a deadline ends at that very moment.
  virtual_time = 2,
  /// It tells times, and meets deadlines, finer than a millisecond.
  sub_millisecond = 4,
  /// wake() of another thread is seen, by a wait that is under way too.
  threads = 8,
  /// It watches pipes and sockets.
  descriptors = 16,
  /// It notices that a watched descriptor was closed, and its number given to another file.
  lost_descriptors = 32,
  /// It watches regular files, which are always ready.
  regular_files = 64,
  /// It overrides Backend::forked(): what a child of a fork() does with it is nothing to the
  /// parent.
  forks = 128,
};

constexpr Capability operator|(Capability a, Capability b) noexcept {
  return static_cast<Capability>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Capability operator&(Capability a, Capability b) noexcept {
  return static_cast<Capability>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}
/// All that can be had in real time, as poll(2) has it.
constexpr Capability whole_real_time = Capability::real_time | Capability::sub_millisecond |
                                       Capability::threads | Capability::descriptors |
                                       Capability::lost_descriptors | Capability::regular_files;

/// The backend that is to be tried.
struct ReactorUnderTest {
  std::string name;                                      ///< Of the report: "poll".
  std::function<std::unique_ptr<Backend>()> make;        ///< A fresh one, called in each case.
  Capability can = whole_real_time;                      ///< What it is able to do.
  std::map<std::string, std::string, std::less<>> skip;  ///< Name of a case: why it is not run.
};

class ConformanceContext;

/// One sentence of the contract, with the code that tries it.
struct ConformanceCase {
  const char* name;  ///< "equal deadlines are called in the order they were set"
  Capability needs;
  void (*run)(ConformanceContext& context);
  const char* twisted = "";  ///< The tests of Twisted's suite that it answers for: "core.crash ..."
  const char* group = "";    ///< "timers"
};

/// All cases, in the order they are run. (A reactor under test skips by these names.)
DEFERRED_API const std::vector<ConformanceCase>& conformance_cases();

enum class Verdict { passed, failed, skipped };

struct CaseResult {
  Verdict verdict = Verdict::passed;
  std::string reason;  ///< Why it failed or was skipped: "timers.cpp:42: ...".
};

struct ConformanceOptions {
  /// Runs each case in a forked process: one that hangs, spins or crashes is ended, fails by its
  /// name, and the others go on. REQUIRES: the process has one thread.
  bool isolate = false;
  /// How long a case may take. Then its reactor is stopped and its tasks are listed; a case that
  /// does not end by that either ends its process, after half of that time more.
  Duration limit = std::chrono::seconds(10);
  /// No more cases after so many failures.
  std::size_t most_failures = std::numeric_limits<std::size_t>::max();
  /// Only cases whose "GROUP: NAME" contains this.
  std::string filter;
  /// Where the failures, the skips and the last line are printed. Null: nowhere.
  std::FILE* out = stdout;
};

struct ConformanceReport {
  struct Line {
    const ConformanceCase* of;
    CaseResult result;
  };
  std::vector<Line> lines;

  DEFERRED_API std::size_t count(Verdict verdict) const noexcept;
  /// "conformance NAME: N passed, N failed, N skipped"
  DEFERRED_API std::string summary(const std::string& name) const;
};

/// Runs one case. Fails too if it leaves a timer, a watch, a post, a task or a descriptor behind,
/// or a failure that nobody handled.
DEFERRED_API CaseResult run_case(const ReactorUnderTest& tried, const ConformanceCase& one,
                                 const ConformanceOptions& options = {});

/// Runs all cases, and prints a line for each that failed or was skipped, and the summary. Throws
/// std::invalid_argument if the filter lets no case pass, or a name of `skip` is no case's.
DEFERRED_API ConformanceReport run_conformance(const ReactorUnderTest& tried,
                                               const ConformanceOptions& options = {});

/// A line for each behaviour of Twisted's core, time, fdset, threads and tcp suites: the case that
/// stands for it, or why there is none.
DEFERRED_API std::string twisted_coverage();

}  // namespace deferred::testing
