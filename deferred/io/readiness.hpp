// SPDX-License-Identifier: MIT
//
// Readiness: one direction of a transport, for one task at a time to wait for. FdReadiness: that of
// a descriptor. Who writes a transport derives from the first or has two of the second; made only
// of what any yieldable can use. Next: transport.hpp.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred::io {

/// Tells one observer when it is worth to try again. It may report too often, never too seldom.
class DEFERRED_API Readiness {
 public:
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  class Observer;
  class Wait;

  /// `co_await readiness.wait()` goes on when it is reported. Throws std::logic_error if somebody
  /// waits already. REQUIRES: the Readiness outlives the wait.
  Wait wait() noexcept;

  /// For the transport: what is below is ready, or in error. Tells the observer, and goes on
  /// looking if that goes on waiting; without one, stops looking. Callbacks of who waits may run
  /// in it, and may drop the transport: so it is called last.
  void report() noexcept;
  bool waited_for() const noexcept { return observer_ != nullptr; }
  /// Ends the wait, if there is one, with `why`.
  void end(Failure why) noexcept;
  /// Stops looking at once, where no further wait is to be expected.
  void ignore() noexcept { disarm(); }

  /// Throws std::logic_error if it is awaited on another reactor than its own.
  void require_same(const Reactor& reactor) const {
    if (&reactor != reactor_) [[unlikely]]
      other_reactor();
  }

 protected:
  explicit Readiness(Reactor& reactor) noexcept : reactor_(&reactor) {}
  ~Readiness() = default;

  /// Looks at what is below from now on, and calls report() when it is ready, until disarm() or for
  /// one report, as it likes. Is called at the beginning of each wait, and after a report that has
  /// not ended it: so also while it looks. What is ready already is reported too, in a later turn
  /// at the earliest, never inside this call. May throw.
  virtual void arm() = 0;
  /// Need not report any more. Also when it does not look.
  virtual void disarm() noexcept = 0;

  /// REQUIRES: it lives.
  Reactor& reactor() const noexcept { return *reactor_; }

 private:
  [[noreturn]] static void other_reactor();
  [[gnu::visibility("hidden")]] void look_again() noexcept;

  Reactor* reactor_;  // may be gone when nobody waits
  Observer* observer_ = nullptr;
};

/// Who waits: the undo of a wait derives from it, which may be for nothing. Leaves at its end.
class DEFERRED_API Readiness::Observer {
 public:
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

 protected:
  Observer() noexcept = default;
  ~Observer() { leave(); }

  /// Waits from now on. Throws if what is below cannot be looked at. REQUIRES: nobody waits yet;
  /// the Readiness outlives the wait.
  void wait_for(Readiness& readiness) {
    readiness.arm();
    take_place(readiness);
  }
  /// The same without looking: for those who wait for its end().
  void take_place(Readiness& readiness) noexcept {
    readiness.observer_ = this;
    readiness_ = &readiness;
  }
  /// Is told nothing any more.
  void leave() noexcept {
    if (readiness_) readiness_->observer_ = nullptr;
    readiness_ = nullptr;
  }

 private:
  friend class Readiness;
  /// It is worth to try again. True: it goes on waiting. False: it has left, and the Readiness may
  /// be gone.
  virtual bool on_ready() noexcept = 0;
  /// It will never be, after leave(). The Readiness may be gone behind it.
  virtual void on_end(Failure why) noexcept = 0;

  Readiness* readiness_ = nullptr;
};

/// What Readiness::wait() gives.
class [[nodiscard]] Readiness::Wait {
 public:
  explicit Wait(Readiness& readiness) noexcept : readiness_(&readiness) {}

  /// The undo.
  class DEFERRED_API Place final : public Observer {
   public:
    Place(Readiness& readiness, Waiter<void> waiter);

   private:
    [[gnu::visibility("hidden")]] bool on_ready() noexcept override;
    [[gnu::visibility("hidden")]] void on_end(Failure why) noexcept override;

    Waiter<void> waiter_;
  };
  Place yield_to(Waiter<void> waiter) const { return Place(*readiness_, std::move(waiter)); }

 private:
  Readiness* readiness_;
};

inline Readiness::Wait Readiness::wait() noexcept { return Wait(*this); }

/// Keeps its watch from one wait to the next. Readiness that nobody waits for turns the watch's
/// interest off, and the next wait turns it on again: a task that reads in a loop costs the backend
/// nothing, and data that nobody reads costs it one report.
class DEFERRED_API FdReadiness final : public Readiness {
 public:
  FdReadiness(Reactor& reactor, int fd, Ready direction) noexcept
      : Readiness(reactor), fd_(fd), direction_(direction) {}

  /// Stops watching, for good: the descriptor is about to be closed.
  void forget() noexcept { watch_ = Watch(); }

 private:
  [[gnu::visibility("hidden")]] void arm() override;
  [[gnu::visibility("hidden")]] void disarm() noexcept override;

  int fd_;
  Ready direction_;
  Watch watch_;  // made by the first wait
};

}  // namespace deferred::io
