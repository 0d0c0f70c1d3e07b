// SPDX-License-Identifier: MIT
//
// Readiness: one direction of a descriptor, for one task at a time to wait for. What streams and
// listeners wait through; made only of what any yieldable can use. Next: socket.hpp.
#pragma once

#include <optional>
#include <string>

#include "deferred/tasks/yield_to.hpp"

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

  /// Who waits: the undo of a wait for readiness, which may be for nothing. Leaves at its end.
  class Waiting {
   public:
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   protected:
    Waiting() noexcept = default;
    ~Waiting() { leave(); }

    /// Waits from now on. Throws if the descriptor cannot be watched. REQUIRES: nobody waits yet;
    /// the Readiness outlives the wait.
    void wait_for(Readiness& readiness, Reactor& reactor) {
      readiness.require_same(reactor);
      wait_for(readiness);
    }
    /// The same on the reactor that is known to be its own.
    void wait_for(Readiness& readiness) {
      readiness.begin();
      enter(readiness);
    }
    /// Takes the place of the one who waits, without a watch.
    void enter(Readiness& readiness) noexcept {
      readiness.waiting_ = this;
      readiness_ = &readiness;
    }
    /// Is told nothing any more.
    void leave() noexcept {
      if (readiness_) readiness_->waiting_ = nullptr;
      readiness_ = nullptr;
    }

   private:
    friend class Readiness;
    /// The descriptor is ready, or in error; it is reported again until leave().
    virtual void on_ready() noexcept = 0;
    /// It will not be: after leave().
    virtual void on_end(Failure failure) noexcept = 0;

    Readiness* readiness_ = nullptr;
  };

  /// The undo of the two below. A rest has a timer.
  class Place final : public Waiting {
   public:
    Place(Readiness& readiness, Waiter<void> waiter);
    Place(Readiness& readiness, Waiter<void> waiter, Duration delay);

   private:
    void on_ready() noexcept override;
    void on_end(Failure failure) noexcept override;

    Waiter<void> waiter_;
    DelayedCall timer_;
  };

  /// `co_await readiness.wait()` goes on when the descriptor is ready, or in error.
  /// REQUIRES: nobody waits yet; the Readiness outlives the wait.
  class Wait {
   public:
    explicit Wait(Readiness& readiness) noexcept : readiness_(&readiness) {}
    Place yield_to(Waiter<void> waiter) const { return Place(*readiness_, std::move(waiter)); }

   private:
    Readiness* readiness_;
  };
  Wait wait() noexcept { return Wait(*this); }

  /// `co_await readiness.rest(1s)` goes on after that time, ready or not; end() cuts it short.
  class Rest {
   public:
    Rest(Readiness& readiness, Duration delay) noexcept : readiness_(&readiness), delay_(delay) {}
    Place yield_to(Waiter<void> waiter) const {
      return Place(*readiness_, std::move(waiter), delay_);
    }

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

  /// Throws std::logic_error if it is awaited on another reactor than its own.
  void require_same(const Reactor& reactor) const {
    if (&reactor != reactor_) [[unlikely]]
      other_reactor();
  }

 private:
  [[noreturn]] static void other_reactor();
  void begin() {
    if (watch_.interest() != direction_ || !watch_.active()) watch();
  }
  void watch();
  void on_ready() {
    if (waiting_) {
      waiting_->on_ready();
    } else {
      watch_.set_interest(Ready::none);
    }
  }

  Reactor* reactor_;  // may be gone when nobody waits
  int fd_;
  Ready direction_;
  Watch watch_;                 // made by the first wait
  Waiting* waiting_ = nullptr;  // who waits
};

}  // namespace deferred::io::detail
