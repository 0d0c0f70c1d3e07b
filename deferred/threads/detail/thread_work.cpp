// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/thread_work.hpp"

#include <mutex>
#include <vector>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/detail/open_scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"

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

Task<Outcome<void>> wait_for_end(ThreadWork& work) {
  Microthread& m = *current_microthread;
  WorkEnd end(work);
  std::optional<OpenScope> shield;
  std::vector<Failure> errors;  // that were thrown into the wait
  Outcome<void> ended;
  for (;;) {
    AsOutcome<WorkEnd&> again(end);
    ended = co_await unlisted(std::move(again));
    if (ended.has_value()) break;
    // A failure to begin the wait, or an interruption before it was begun or of what was not.
    if (end.broken || !work.started() || work.withdraw()) co_return ended;
    ThreadWork::Ask what = ThreadWork::Ask::cancel;
    std::exception_ptr error;
    if (!ended.check<Cancelled>()) {
      what = ThreadWork::Ask::fail;
      if (!errors.empty() && !work.can_be_told()) {
        report_unhandled(m, errors.back());  // it gives way to the new one
        errors.pop_back();
      }
      errors.push_back(ended.failure());
      error = ended.failure().to_exception_ptr();
    } else if (m.is(Microthread::cancelled)) {
      shield.emplace(Shielding::level);
    } else {
      what = ThreadWork::Ask::cancel_once;
    }
    if (!work.ask(what, std::move(error))) co_return ended;
  }
  if (work.cancel_left()) TaskRef(m).cancel_once();
  if (work.errors_taken() == errors.size()) co_return ended;
  for (std::size_t i = work.errors_taken(); i + 1 < errors.size(); ++i) {
    report_unhandled(m, errors[i]);  // it gives way to the last one
  }
  co_return errors.back();
}

}  // namespace deferred::detail
