// SPDX-License-Identifier: MIT
//
// Semaphore: so many at once. Next: lock.hpp, for one at once; for_each_at_most.hpp, for so many of
// a list.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

namespace detail {
class Permits;
class PermitWait;
}  // namespace detail

/// Leave to go on, of a Semaphore or a Lock. Its end gives it back, also where that of a
/// microthread brings it: closed before it went on, too. May outlive what has given it, and does
/// nothing then.
class [[nodiscard]] Permit {
 public:
  /// Holds nothing, as after a move.
  Permit() noexcept = default;
  Permit(Permit&& other) noexcept : from_(std::exchange(other.from_, nullptr)) {}
  Permit& operator=(Permit&& other) noexcept {
    Permit old(std::move(other));
    std::swap(from_, old.from_);
    return *this;
  }
  ~Permit() { release(); }

  /// Gives it back before its end: whoever waits first has it at once. Nothing the second time.
  void release() noexcept {
    if (from_) give_back(*std::exchange(from_, nullptr));
  }
  bool held() const noexcept { return from_ != nullptr; }

 private:
  friend class detail::Permits;
  explicit Permit(detail::Permits& from) noexcept : from_(&from) {}
  DEFERRED_API static void give_back(detail::Permits& from) noexcept;

  detail::Permits* from_ = nullptr;
};

/// What acquire() gives.
class [[nodiscard]] Acquire {
 public:
  explicit Acquire(detail::Permits& from) noexcept : from_(&from) {}
  DEFERRED_API detail::PermitWait yield_to(Waiter<Permit> waiter) const noexcept;

 private:
  detail::Permits* from_;
};

/// Has a number of permits; who finds none waits for one, first come, first served. One that is
/// given back goes to who waits first, in that call: nobody gets in between. A wait that is cut
/// takes none. Destroyed: those that wait get AbandonedError. (Twisted: DeferredSemaphore)
class DEFERRED_API Semaphore {
 public:
  /// Throws std::invalid_argument for 0, of which nobody would ever get one.
  explicit Semaphore(std::size_t permits);
  Semaphore(const Semaphore&) = delete;
  Semaphore& operator=(const Semaphore&) = delete;
  ~Semaphore();

  /// `const Permit permit = co_await semaphore.acquire();`
  Acquire acquire() noexcept { return Acquire(permits_); }
  /// Nothing if there is none, or others wait.
  std::optional<Permit> try_acquire() noexcept;
  std::size_t available() const noexcept;
  /// How many wait; takes time by their number.
  std::size_t waiting() const noexcept;

 private:
  detail::Permits& permits_;
};

}  // namespace deferred

// What it takes to wait for one:
#include "deferred/yieldables/detail/permits.hpp"
