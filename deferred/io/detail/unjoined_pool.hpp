// SPDX-License-Identifier: MIT
//
// UnjoinedPool: threads for functions that may not return for minutes and cannot be interrupted,
// as getaddrinfo. Unlike a ThreadPool, its end does not wait for them.
#pragma once

#include <cstddef>
#include <memory>

#include "deferred/threads/pool.hpp"

namespace deferred::io::detail {

/// At most `size` threads, started when there is work and none of them is free. Jobs begin in the
/// order they came. At its end those that have not begun are dropped, and a thread that is busy is
/// left to itself: it ends when its job does, or with the process. Its job has to do without what
/// has gone before.
class UnjoinedPool final : public Pool {
 public:
  explicit UnjoinedPool(std::size_t size);
  ~UnjoinedPool() override;

  /// Throws std::system_error if no thread can be started and there is none yet.
  void submit(Job& job) override;
  bool withdraw(Job& job) noexcept override;

 private:
  struct Thread;
  struct Shared;
  static void work(Shared& shared, Thread& thread) noexcept;

  const std::shared_ptr<Shared> shared_;  // with the threads
};

}  // namespace deferred::io::detail
