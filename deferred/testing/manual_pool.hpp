// SPDX-License-Identifier: MIT
//
// ManualPool: a Pool without threads, for tests in virtual time: a function that was given to
// in_thread() runs when the test says so, on the test's own thread.
#pragma once

#include <cstddef>

#include "deferred/threads/pool.hpp"

namespace deferred::testing {

/// `ManualPool pool; auto task = spawn(reactor, ...in_thread(pool, f)...); pool.run_one();`
/// The results come with the reactor's next turn, as they do from real threads. What was not run is
/// dropped at its end. All on one thread.
class ManualPool final : public Pool {
 public:
  ManualPool() = default;
  ~ManualPool() override {
    while (Job* const job = queue_.pop()) job->drop();
  }

  void submit(Job& job) override { queue_.push(job); }
  bool withdraw(Job& job) noexcept override { return queue_.remove(job); }

  /// How many jobs wait to be run.
  std::size_t queued() const noexcept { return queue_.size(); }
  /// Runs the oldest job. False if there is none.
  bool run_one() {
    Job* const job = queue_.pop();
    if (job) job->run();
    return job != nullptr;
  }
  /// Runs jobs, also those that they submit, until none is left; how many that were.
  std::size_t run_all() {
    std::size_t ran = 0;
    while (run_one()) ++ran;
    return ran;
  }

 private:
  JobQueue queue_;
};

}  // namespace deferred::testing
