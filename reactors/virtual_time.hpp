// SPDX-License-Identifier: MIT
//
// VirtualTime: a backend whose clock stands still until it is told, or has to, go on. Tests of
// asynchronous code take no time with it, and each deadline is met exactly.
#pragma once

#include <cstddef>
#include <memory>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred::reactors {

class PollSet;

/// A clock that begins at zero. `reactor.run()` jumps to the next deadline whenever nothing is left
/// to do; advance() and run_until_idle() step by hand. Descriptors are watched for real, and are
/// looked at before each jump; if nothing but them is left, it waits for them.
/// Does not wait for other threads while a timer is set: virtual time and real threads do not mix.
class DEFERRED_API VirtualTime final : public Backend {
 public:
  VirtualTime();
  ~VirtualTime() override;

  /// Moves the clock by `by`, stopping at each deadline on the way and running all that is due
  /// there, also what comes due meanwhile. advance() without time takes the turns that are due now.
  /// Throws std::logic_error if something reschedules itself without end at one moment, or inside a
  /// callback; std::invalid_argument if `by` is negative.
  void advance(AnyDuration by = Duration::zero());
  /// Takes turns, and jumps from deadline to deadline, until nothing is due any more; at most
  /// `limit` of virtual time. True if nothing is left.
  bool run_until_idle(AnyDuration limit = std::chrono::hours(24 * 365));

  TimePoint now() noexcept override { return now_; }
  void arm(TimePoint deadline) noexcept override { deadline_ = deadline; }
  void wake() noexcept override;
  void watch(int fd, Ready interest, IoHandler& handler) override;
  void rewatch(int fd, Ready interest) override;
  void unwatch(int fd) noexcept override;
  void run_once(bool block) override;
  void forked() noexcept override;

 private:
  static constexpr std::size_t most_turns = 100'000;  // at one moment, before advance() gives up
  [[gnu::visibility("hidden")]] void settle();
  [[gnu::visibility("hidden")]] void step_to(TimePoint target);
  /// A turn is wanted at this moment.
  bool due() const noexcept { return deadline_ <= now_ && deadline_ != TimePoint::max(); }

  std::unique_ptr<PollSet> set_;
  TimePoint now_{};
  TimePoint deadline_ = TimePoint::max();
  bool at_work_ = false;
};

}  // namespace deferred::reactors
