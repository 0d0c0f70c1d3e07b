// SPDX-License-Identifier: MIT
#include "deferred/io/detail/unjoined_pool.hpp"

#include <dlfcn.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace deferred::io::detail {

struct UnjoinedPool::Thread {
  std::thread handle;  // the pool's
  bool busy = false;   // with a job; under the mutex
};

struct UnjoinedPool::Shared {
  explicit Shared(std::size_t most) : size(most) { threads.reserve(size); }

  const std::size_t size;
  std::mutex mutex;
  std::condition_variable changed;  // a job came, or the end
  // Under the mutex:
  JobQueue queue;
  std::vector<Thread> threads;  // has room for all: they stay where they are
  std::size_t idle = 0;         // waiting for a job, or notified of one and not awake yet
  bool ending = false;
};

namespace {

/// The code of a thread that is left must not go, as it would with a plug-in that has this library
/// in it. In a program, nothing is found under its name, and nothing has to be.
void keep_code_loaded() noexcept {
  Dl_info here;
  if (::dladdr(reinterpret_cast<const void*>(&keep_code_loaded), &here) == 0) return;
  void* const library = ::dlopen(here.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
  if (library) ::dlclose(library);  // it stays
}

}  // namespace

UnjoinedPool::UnjoinedPool(std::size_t size) : shared_(std::make_shared<Shared>(size)) {}

UnjoinedPool::~UnjoinedPool() {
  std::unique_lock lock(shared_->mutex);
  shared_->ending = true;
  while (Job* const job = shared_->queue.pop()) {
    lock.unlock();
    job->drop();
    lock.lock();
  }
  shared_->changed.notify_all();
  for (Thread& thread : shared_->threads) {
    if (thread.busy) {
      keep_code_loaded();
      thread.handle.detach();
    } else {
      lock.unlock();
      thread.handle.join();
      lock.lock();
    }
  }
}

void UnjoinedPool::submit(Job& job) {
  const std::lock_guard lock(shared_->mutex);
  Shared& shared = *shared_;
  shared.queue.push(job);
  if (shared.idle < shared.queue.size() && shared.threads.size() < shared.size) {
    Thread& thread = shared.threads.emplace_back();
    try {
      thread.handle = std::thread([held = shared_, &thread] { work(*held, thread); });
    } catch (...) {
      shared.threads.pop_back();
      // The threads there are will come to it; without any it would lie there for ever.
      if (shared.threads.empty()) {
        shared.queue.remove(job);
        throw;
      }
    }
  }
  shared.changed.notify_one();
}

bool UnjoinedPool::withdraw(Job& job) noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->queue.remove(job);
}

void UnjoinedPool::work(Shared& shared, Thread& thread) noexcept {
  std::unique_lock lock(shared.mutex);
  for (;;) {
    ++shared.idle;
    shared.changed.wait(lock, [&] { return shared.ending || !shared.queue.empty(); });
    --shared.idle;
    if (shared.ending) return;
    Job* const job = shared.queue.pop();
    thread.busy = true;
    lock.unlock();
    job->run();
    lock.lock();
    thread.busy = false;
  }
}

}  // namespace deferred::io::detail
