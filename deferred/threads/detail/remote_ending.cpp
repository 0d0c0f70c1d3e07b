// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/remote_ending.hpp"

namespace deferred::detail {

void RemoteEnding::await(Waiter<void> waiter) {
  bool ended = false;
  {
    const std::lock_guard lock(mutex_);
    ended = over_;
  }
  if (ended) {
    waiter.resume();
    return;
  }
  RemoteWaiter<void> remote = std::move(waiter).remote();
  {
    const std::lock_guard lock(mutex_);
    ended = over_;
    if (!ended && waiter_) {
      std::swap(*waiter_, remote);  // what is left of a wait that ended early
    } else if (!ended) {
      waiter_.emplace(std::move(remote));
    }
  }
  if (ended) std::move(remote).resume();
}

void RemoteEnding::forget() noexcept {
  std::optional<RemoteWaiter<void>> waiter;
  const std::lock_guard lock(mutex_);
  waiter.swap(waiter_);
}

void RemoteEnding::finish() noexcept {
  std::optional<RemoteWaiter<void>> waiter;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    waiter.swap(waiter_);
    on_finish();
  }
  if (waiter) std::move(*waiter).resume();
}

}  // namespace deferred::detail
