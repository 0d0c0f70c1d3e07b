// SPDX-License-Identifier: MIT
//
// Watchdog: ends a conformance case that takes too long, politely first. isolated(): a case in a
// process of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "deferred/testing/reactor_conformance.hpp"

namespace deferred::testing::conformance {

/// Calls `first` on a thread of its own after `limit`, and `last` after half of that more, unless
/// it is destroyed before.
class Watchdog {
 public:
  Watchdog(Duration limit, std::function<void()> first, std::function<void()> last);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  /// False if the time is over.
  bool over_within(Duration limit);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::thread thread_;
};

/// Calls `run` in a forked process and brings its result back. A process that says nothing within
/// `limit` is killed; how it ended is the reason of the failure.
CaseResult isolated(const std::function<CaseResult()>& run, Duration limit);

}  // namespace deferred::testing::conformance
