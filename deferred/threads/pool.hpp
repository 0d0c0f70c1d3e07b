// SPDX-License-Identifier: MIT
//
// Pool: where in_thread() has functions run. Abstract, so that a test may decide when they do
// (testing/manual_pool.hpp) and a program may bring the threads of another library. Knows neither
// tasks nor reactors. Next: thread_pool.hpp (the usual one), in_thread.hpp.
#pragma once

#include <cstddef>
#include <utility>

#include "deferred/memory/api.hpp"

namespace deferred {

class JobQueue;

/// Runs jobs, each once, on threads of its own choice.
class DEFERRED_API Pool {
 public:
  /// One function to run. Belongs to whoever submits it. A pool calls exactly one of run() and
  /// drop(), once, and does not touch the job afterwards; neither, if withdraw() has returned true.
  class DEFERRED_API Job {
   public:
    Job() = default;
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;
    /// On a thread of the pool.
    virtual void run() noexcept = 0;
    /// It will not be run: the pool is at its end. On any thread.
    virtual void drop() noexcept = 0;
    // Neither is called while the pool holds a mutex that withdraw() needs.

   protected:
    ~Job() = default;

   private:
    friend class JobQueue;
    Job* previous_ = nullptr;
    Job* next_ = nullptr;
    bool queued_ = false;
  };

  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  /// Drops the jobs that have not begun.
  virtual ~Pool() = default;

  /// Takes a job; from any thread. May run it at once, inside this call. Throws if it cannot take
  /// it, which is then neither run nor dropped.
  virtual void submit(Job& job) = 0;
  /// Gives a job back; from any thread. False if it has begun, or is about to. REQUIRES: it was
  /// submitted here, and neither run() nor drop() has returned.
  virtual bool withdraw(Job& job) noexcept = 0;
};

/// The pool of the process, which in_thread() uses unless it is given one: a ThreadPool of as many
/// threads as the machine has cores and four more, 32 at most, for most of its jobs wait and do not
/// compute. Made at the first call; at the program's end it is joined, and so waits for the jobs
/// that run.
///
/// A job must not call exit(), which would wait for the job. After fork() the child has none of the
/// threads: it may call exec() or _exit(), and nothing else that uses the pool or ends the program.
DEFERRED_API Pool& default_pool();

/// Jobs in the order they came, without an allocation of its own: for who writes a Pool. Not
/// locked.
class JobQueue {
 public:
  JobQueue() = default;
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  void push(Pool::Job& job) noexcept {
    job.queued_ = true;
    job.next_ = nullptr;
    job.previous_ = last_;
    (last_ ? last_->next_ : first_) = &job;
    last_ = &job;
    ++size_;
  }
  /// The oldest one; null if there is none.
  Pool::Job* pop() noexcept {
    Pool::Job* const job = first_;
    if (job) remove(*job);
    return job;
  }
  /// False if it is not here. REQUIRES: it is in no other queue.
  bool remove(Pool::Job& job) noexcept {
    if (!std::exchange(job.queued_, false)) return false;
    (job.previous_ ? job.previous_->next_ : first_) = job.next_;
    (job.next_ ? job.next_->previous_ : last_) = job.previous_;
    --size_;
    return true;
  }

 private:
  Pool::Job* first_ = nullptr;
  Pool::Job* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace deferred
