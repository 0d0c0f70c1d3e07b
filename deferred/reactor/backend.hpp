// SPDX-License-Identifier: MIT
//
// Backend: what a reactor needs from an event loop - a clock, one deadline, a wake-up and fd
// readiness. Write one to run the library on another loop; reactors/poll.cpp is the pattern. Knows
// no tasks and no Deferreds. Next: reactor.hpp.
#pragma once

#include <chrono>
#include <cstdint>

#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"

namespace deferred {

/// All times are on std::chrono::steady_clock, in nanoseconds (virtual time: from zero).
using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// `from + by`; the ends of time instead of an overflow.
constexpr TimePoint later(TimePoint from, AnyDuration any) noexcept {
  const Duration by = any;
  if (by >= Duration::zero()) return from > TimePoint::max() - by ? TimePoint::max() : from + by;
  return from < TimePoint::min() - by ? TimePoint::min() : from + by;
}

/// What an fd is ready for, or watched for.
enum class Ready : std::uint8_t { none = 0, read = 1, write = 2, both = 3 };

constexpr Ready operator|(Ready a, Ready b) noexcept {
  return static_cast<Ready>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr Ready operator&(Ready a, Ready b) noexcept {
  return static_cast<Ready>(static_cast<unsigned>(a) & static_cast<unsigned>(b));
}

/// Who is told that a watched fd is ready.
class DEFERRED_API IoHandler {
 public:
  /// May watch, rewatch and unwatch any fd, this one included. A report too many is allowed; one
  /// too few is not.
  virtual void on_ready(Ready what) noexcept = 0;

 protected:
  ~IoHandler() = default;
};

/// The reactor, as its backend sees it.
class DEFERRED_API Turn {
 public:
  /// Takes one turn: posts of other threads, due timers, the ready queue. Ends with arm(), if the
  /// deadline changed. Does not throw.
  virtual void turn() noexcept = 0;

 protected:
  ~Turn() = default;
};

/// An event loop. All calls but wake() come from the thread that runs it. Level-triggered: an fd
/// that stays ready is reported again.
class DEFERRED_API Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  /// The clock that deadlines are measured with. If it goes back, the reactor's time stands still
  /// until it is there again.
  virtual TimePoint now() noexcept = 0;
  /// A turn is wanted at `deadline`, and not before for this reason. TimePoint::min(): as soon as
  /// possible; TimePoint::max(): not at all. Replaces the deadline armed before.
  virtual void arm(TimePoint deadline) noexcept = 0;
  /// A turn is wanted as soon as possible. From any thread, and in signal handlers: so no lock, but
  /// the like of a write to an eventfd. Also before run_once(): it is not lost.
  virtual void wake() noexcept = 0;

  /// Reports readiness of `fd` to `handler` until unwatch(). `interest` is never none. Throws
  /// std::system_error if the fd cannot be watched. REQUIRES: fd is not watched.
  virtual void watch(int fd, Ready interest, IoHandler& handler) = 0;
  /// REQUIRES: fd is watched; `interest` is not none.
  virtual void rewatch(int fd, Ready interest) = 0;
  /// After this call the handler is not called any more. REQUIRES: fd is watched.
  virtual void unwatch(int fd) noexcept = 0;

  /// Waits for readiness, wake() or the deadline - not at all if `block` is false -, reports what
  /// is ready, then calls turn() once.
  virtual void run_once(bool block) = 0;

  /// In the child of a fork(): the reactor is dead there, and no turn is taken any more. To give
  /// the child descriptors of its own in place of those that the backend shares with its parent
  /// now, or to close them, without a word to what both have: an epoll set, an eventfd's count.
  /// Afterwards unwatch(), arm() and the destructor may still be called, and by a loop that goes on
  /// in the child, run_once(). If the reactor is another thread's than the one that forks, that
  /// thread may have been anywhere in this object, and is not in the child.
  virtual void forked() noexcept {}

  /// Called by the reactor when it takes the backend into use, and with null when it lets go.
  void drive(Turn* turn) noexcept { turn_ = turn; }

  /// Others have work in this loop too: the reactor cannot know what may still wake its tasks.
  bool shared() const noexcept { return shared_; }

 protected:
  /// To be called by the constructor of a backend inside somebody else's loop.
  void share() noexcept { shared_ = true; }
  void turn() noexcept {
    if (turn_) turn_->turn();
  }

 private:
  Turn* turn_ = nullptr;
  bool shared_ = false;
};

}  // namespace deferred
