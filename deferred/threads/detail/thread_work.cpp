// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/thread_work.hpp"

#include <mutex>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"

namespace deferred::detail {

/// The wait for the end of work, as a yieldable: it can be begun again. Its name is not this file's
/// alone, or g++ would warn of the frame that holds it where a unity build includes this file.
class WorkEnd {
 public:
  explicit WorkEnd(ThreadWork& work) noexcept : work_(work) {}

  class Undo {
   public:
    explicit Undo(ThreadWork& work) noexcept : work_(work) {}
    /// A one-shot cancel takes the work back or is handed on, and then its end is waited for.
    Cancelling request_cancel() noexcept {
      const bool asked = !work_.withdraw() && work_.ask(ThreadWork::Ask::cancel_once);
      return asked ? Cancelling::answer_follows : Cancelling::now;
    }

   private:
    ThreadWork& work_;
  };
  Undo yield_to(Waiter<void> waiter) {
    broken = true;
    [[maybe_unused]] const Reactor& asked_first = waiter.reactor();  // throws if there is none
    if (!work_.started()) work_.start();
    work_.await(std::move(waiter));
    broken = false;
    return Undo(work_);
  }

  bool broken = false;  // the wait could not be begun

 private:
  ThreadWork& work_;
};

void ThreadWork::await(Waiter<void> waiter) {
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

void ThreadWork::forget() noexcept {
  std::optional<RemoteWaiter<void>> waiter;
  const std::lock_guard lock(mutex_);
  waiter.swap(waiter_);
}

void ThreadWork::finish() noexcept {
  std::optional<RemoteWaiter<void>> waiter;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    waiter.swap(waiter_);
    on_finish();
  }
  if (waiter) std::move(*waiter).resume();
}

/// The wait, begun again after each interruption that was handed on. As WorkEnd, no file's own.
class UntilItEnds {
 public:
  explicit UntilItEnds(ThreadWork& work) noexcept : work_(work), end_(work) {}
  UntilItEnds(const UntilItEnds&) = delete;
  UntilItEnds& operator=(const UntilItEnds&) = delete;
  ~UntilItEnds() {
    if (work_.can_be_told()) return;
    for (const Failure& error : errors_) static_cast<void>(fail<void>(error));  // is reported
  }

  /// A failure: there is nothing to wait for; or, once, a level cancel, and shielded() is true.
  Task<Outcome<void>> wait() {
    for (;;) {
      auto again = as_outcome(end_);
      Outcome<void> ended = co_await unlisted(std::move(again));
      if (ended.has_value()) co_return ended;
      // A failure to begin the wait, or an interruption before it was begun or of what was not.
      if (end_.broken || !work_.started() || work_.withdraw()) co_return ended;
      if (!hand_on(ended.failure())) co_return ended;
      if (ended.check<Cancelled>() && is_cancelled()) co_return ended;
    }
  }
  /// A level cancel was handed on: the rest of the wait is shielded from it.
  bool shielded() const noexcept { return is_shielded_; }
  /// Of the errors that were not taken there the last one, with the others suppressed in it.
  Outcome<void> error_left() {
    const auto left = errors_.begin() + work_.errors_taken();
    if (left == errors_.end()) return {};
    Failure last = errors_.back();
    for (auto at = left; at + 1 != errors_.end(); ++at) last.suppress(*at);
    errors_.clear();
    return last;
  }

 private:
  static bool is_cancelled() noexcept { return current_deadline() == TimePoint::min(); }
  /// False if nobody will answer.
  bool hand_on(const Failure& cut) {
    if (!cut.check<Cancelled>()) {
      errors_.reserve(errors_.size() + 1);  // nothing may fail once it was handed on
      if (!work_.ask(ThreadWork::Ask::fail, cut.to_exception_ptr())) return false;
      errors_.push_back(cut);
      return true;
    }
    if (!is_cancelled()) return work_.ask(ThreadWork::Ask::cancel_once);
    is_shielded_ = work_.ask(ThreadWork::Ask::cancel);
    return is_shielded_;
  }

  ThreadWork& work_;
  WorkEnd end_;
  std::vector<Failure> errors_;  // that were thrown into the wait
  bool is_shielded_ = false;
};

Task<Outcome<void>> wait_for_end(ThreadWork& work) {
  UntilItEnds end(work);
  Outcome<void> ended = co_await unlisted(end.wait());
  if (end.shielded()) {
    auto rest = shield(end.wait());
    ended = co_await unlisted(std::move(rest));
  }
  if (!ended.has_value()) co_return ended;
  if (work.cancel_left()) current_task().cancel_once();
  co_return end.error_left();
}

}  // namespace deferred::detail
