// SPDX-License-Identifier: MIT
#include "deferred/threads/thread_pool.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <system_error>

namespace deferred {
namespace {

constinit thread_local const ThreadPool* pool_of_thread = nullptr;

}  // namespace

ThreadPool::ThreadPool(std::size_t size) : size_(size) {
  if (size == 0) throw std::invalid_argument("ThreadPool: it needs a thread, and the size is 0");
  threads_.reserve(size);
}

ThreadPool::~ThreadPool() {
  if (pool_of_thread == this) {
    std::fputs(
        "deferred: a ThreadPool was destroyed by one of its own jobs; for the default pool: a job "
        "called exit()\n",
        stderr);
    std::terminate();
  }
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  for (;;) {
    Job* job = nullptr;
    {
      const std::lock_guard lock(mutex_);
      job = queue_.pop();
    }
    if (!job) break;
    job->drop();
  }
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::submit(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    if (!ending_) {
      queue_.push(job);
      if (idle_ < queue_.size() && threads_.size() < size_) {
        try {
          threads_.emplace_back([this] { work(); });
        } catch (...) {
          // The threads there are will come to it; without any it would lie there for ever.
          if (threads_.empty()) {
            queue_.remove(job);
            throw;
          }
        }
      }
      changed_.notify_one();
      return;
    }
  }
  job.drop();
}

bool ThreadPool::withdraw(Job& job) noexcept {
  const std::lock_guard lock(mutex_);
  return queue_.remove(job);
}

std::size_t ThreadPool::queued() const {
  const std::lock_guard lock(mutex_);
  return queue_.size();
}

std::size_t ThreadPool::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

void ThreadPool::work() noexcept {
  pool_of_thread = this;
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    --idle_;
    if (ending_) return;  // what is left is the destructor's to drop
    Job* const job = queue_.pop();
    ++running_;
    lock.unlock();
    job->run();
    lock.lock();
    --running_;
  }
}

Pool& default_pool() {
  static ThreadPool pool(std::min(32U, std::thread::hardware_concurrency() + 4));
  return pool;
}

}  // namespace deferred
