// SPDX-License-Identifier: MIT
//
// Readiness: one direction of a descriptor, for one task at a time to wait for. What streams and
// listeners wait through; made only of what any yieldable can use. Next: socket.hpp.
#pragma once

#include <optional>

#include "deferred/yield_to.hpp"

namespace deferred::io::detail {

/// Keeps its watch from one wait to the next. Readiness that nobody waits for turns the watch's
/// interest off, and the next wait turns it on again: a task that reads in a loop costs the backend
/// nothing, and data that nobody reads costs it one report.
class Readiness {
 public:
  Readiness(Reactor& reactor, int fd, Ready direction) noexcept
      : reactor_(&reactor), fd_(fd), direction_(direction) {}
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  /// Undo of both waits: frees the place, and stops the timer of a rest.
  class Place {
   public:
    Place(Readiness& readiness, DelayedCall timer) noexcept
        : readiness_(readiness), timer_(std::move(timer)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { readiness_.waiter_.reset(); }

   private:
    Readiness& readiness_;
    DelayedCall timer_;
  };

  /// `co_await readiness.wait()` goes on when the descriptor is ready, or in error.
  /// REQUIRES: nobody waits yet; the Readiness outlives the wait.
  class Wait {
   public:
    explicit Wait(Readiness& readiness) noexcept : readiness_(&readiness) {}
    Place yield_to(Waiter<void> waiter) const;

   private:
    Readiness* readiness_;
  };
  Wait wait() noexcept { return Wait(*this); }

  /// `co_await readiness.rest(1s)` goes on after that time, ready or not; end() cuts it short.
  class Rest {
   public:
    Rest(Readiness& readiness, Duration delay) noexcept : readiness_(&readiness), delay_(delay) {}
    Place yield_to(Waiter<void> waiter) const;

   private:
    Readiness* readiness_;
    Duration delay_;
  };
  Rest rest(Duration delay) noexcept { return Rest(*this, delay); }

  /// Turns the interest off at once, where no further wait is to be expected.
  void ignore() { watch_.set_interest(Ready::none); }
  /// Stops watching, for the descriptor is about to be closed, and throws Errc::closed where a
  /// task waits: "WHAT WHOM: ...".
  void end(const char* what, const std::string& whom) noexcept;

 private:
  void require_same_reactor(const Waiter<void>& waiter) const;
  void on_ready();

  Reactor* reactor_;  // may be gone when nobody waits
  int fd_;
  Ready direction_;
  Watch watch_;                         // made by the first wait
  std::optional<Waiter<void>> waiter_;  // who waits
};

}  // namespace deferred::io::detail
