// SPDX-License-Identifier: MIT
//
// with_allocation_failures: what does a program do when memory runs out? It is run again and again,
// and each of its allocations fails once. For tests, in the library deferred-testing, which stands
// in for operator new in a program that calls it. (seastar: with_allocation_failures; SQLite's
// out-of-memory tests)
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::testing {

struct AllocationFailureOptions {
  /// The backend of each run; poll(2) if empty.
  std::function<std::unique_ptr<Backend>()> make = {};
  bool once = true;          ///< Runs in which the n-th allocation fails, and no other.
  bool from_then_on = true;  ///< Runs in which the n-th fails and all that follow it.
  /// A function that makes more allocations than that does not come to its end: that is a fault.
  std::size_t most = 10'000;
  /// Only this allocation, in each way: to look at one fault. None: all.
  std::size_t only = static_cast<std::size_t>(-1);
};

struct AllocationFailureReport {
  std::size_t allocations = 0;      ///< That the function makes when none fails.
  std::size_t runs = 0;             ///< In which one failed.
  std::vector<std::string> faults;  ///< "allocation 3 fails: it leaves behind 1 timers"
  /// "12 allocations, 24 runs, 0 faults", and the faults, a line each.
  DEFERRED_API std::string summary() const;
};

/// Calls `f(reactor)` with the first allocation of this thread failing (std::bad_alloc), then with
/// the second, until none fails; and the same with all that follow it failing too. Each time the
/// reactor is a fresh one; it is made, and looked at afterwards, with memory.
///
/// `f` does all that is tried: starts it, takes turns (`reactor.backend().run_once(false)`, a
/// bounded number: what was to wake it may be lost, and that is to be found), and checks. It may
/// return, or throw std::bad_alloc. What else it throws is a fault; so a check that fails may throw
/// what says so. These are faults too:
/// - a live task, a set timer, a watched descriptor or a post, when a few turns more were taken;
/// - a reactor that does not go on: a task that pauses, a timer, a post, a call from a thread, and
///   an awaited Deferred have to come to their ends;
/// - a descriptor that is open, or memory that is allocated, when the reactor is gone;
/// - an unhandled failure, unless that is a std::bad_alloc, or an AbandonedError when an allocation
///   has failed: unwinding drops promises;
/// - std::bad_alloc when nothing has failed.
///
/// The library recycles no memory meanwhile on this thread, so that each allocation it would ever
/// make is one that can fail. Allocations of other threads succeed; what they allocate must have
/// been freed when `f` returns. malloc() does not fail. Works with all sanitizers; memory is
/// theirs, as if from malloc().
///
/// Throws std::logic_error if the program has an operator new of its own. REQUIRES: no reactor on
/// this thread; not inside itself.
DEFERRED_API AllocationFailureReport with_allocation_failures(
    const std::function<void(Reactor&)>& f, const AllocationFailureOptions& options = {});

/// In a function that is run by with_allocation_failures(): an allocation has failed in this run.
DEFERRED_API bool allocation_failed() noexcept;

/// While one lives, allocations of this thread succeed, and are not counted: for what is not to be
/// tried, such as a check, or a peer. They nest.
class AllocationsSucceed {
 public:
  DEFERRED_API AllocationsSucceed() noexcept;
  AllocationsSucceed(const AllocationsSucceed&) = delete;
  AllocationsSucceed& operator=(const AllocationsSucceed&) = delete;
  DEFERRED_API ~AllocationsSucceed();
};

}  // namespace deferred::testing
