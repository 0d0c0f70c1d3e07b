// SPDX-License-Identifier: MIT
//
// ThreadPool: a bounded number of threads for in_thread() and defer_to_thread().
// Next: in_thread.hpp.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

#include "deferred/memory/api.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred {

/// At most `size` threads, started when there is work and none of them is free. Jobs begin in the
/// order they came. A job may submit others; if it waits for them inside the pool, all threads may
/// come to wait: let a task wait instead.
///
/// Its destructor drops what has not begun - the waits for it throw AbandonedError - and joins what
/// runs. REQUIRES: not destroyed by one of its own jobs, nor on a reactor's thread while a job
/// waits for that reactor (blocking_call_from_thread): each would wait for the other.
class DEFERRED_API ThreadPool final : public Pool {
 public:
  /// Throws std::invalid_argument for no threads.
  explicit ThreadPool(std::size_t size);
  ~ThreadPool() override;

  /// Throws std::system_error if no thread can be started and there is none yet.
  void submit(Job& job) override;
  bool withdraw(Job& job) noexcept override;

  /// The most threads there will be.
  std::size_t size() const noexcept { return size_; }
  /// How many jobs have not begun; from any thread.
  std::size_t queued() const;
  /// How many threads are busy with a job; from any thread.
  std::size_t running() const;

 private:
  [[gnu::visibility("hidden")]] void work() noexcept;

  const std::size_t size_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // a job came, or the end
  // Under the mutex:
  JobQueue queue_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;     // waiting for a job, or notified of one and not awake yet
  std::size_t running_ = 0;  // busy with a job
  bool ending_ = false;
};

}  // namespace deferred
