// SPDX-License-Identifier: MIT
//
// for_each_seed: a scenario in a Simulation, once for each of many seeds. For tests, in the library
// deferred-testing. Next: simulation.hpp, must.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/testing/simulation.hpp"

namespace deferred::testing {

/// What a test is, apart from its seed: it makes nodes, runs them, and throws what says that
/// something is wrong: must(), a REQUIRE of doctest or the like, run_until().
using Scenario = std::function<void(Simulation& sim)>;

class SeedsOptions {
 public:
  SeedsOptions() noexcept {}

  std::uint64_t first = 1;
  /// After so many seeds that fail the rest is left out.
  std::size_t most_failures = 5;
  /// One of so many seeds that do not fail is run a second time, and has to do the same: each
  /// seed that does not would be a failure that cannot be replayed.
  std::size_t checked_of = 20;
};

/// One that fails.
struct DEFERRED_API FailedSeed {
  std::uint64_t seed = 0;
  /// What it has thrown, or left unhandled: type, what() and, if that came from a Task or a
  /// Deferred, its trace, as Failure::report(). Or that it does not do the same again.
  std::string what;
  /// It was run a second time: the failure was another then, or there was none.
  bool differs_again = false;
  /// "seed 17: ...".
  std::string text() const;
};

struct SeedsReport {
  std::size_t seeds = 0;  ///< That were run.
  std::vector<FailedSeed> failures;
  /// "200 seeds, 1 failed", and the text() of each that did.
  DEFERRED_API std::string summary() const;
};

/// Runs `scenario(sim)` with `count` seeds, each in a Simulation of its own. A seed fails if the
/// scenario throws, if a failure is left unhandled in it, or if it does not do the same twice.
/// Nothing is printed. That no seed would be run, of which none fails, is a std::invalid_argument.
/// REQUIRES: as Simulation; not inside itself.
DEFERRED_API SeedsReport try_seeds(std::size_t count, const Scenario& scenario,
                                   const SeedsOptions& options = {});

/// What for_each_seed() throws.
class DEFERRED_API SeedsFailed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The same for a test: throws SeedsFailed if one fails, and prints on standard error how that is
/// done again, as soon as it has: "DEFERRED_SEED=17 ./test_x". With that in the environment only
/// this seed is run; its events are written to standard error if DEFERRED_TRACE is there too.
/// DEFERRED_SEEDS=2000 says how many are run in the place of `count`.
DEFERRED_API void for_each_seed(std::size_t count, const Scenario& scenario,
                                const SeedsOptions& options = {});

}  // namespace deferred::testing
