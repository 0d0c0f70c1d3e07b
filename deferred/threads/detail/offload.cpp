// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/offload.hpp"

#include "deferred/results/errors.hpp"
#include "deferred/tasks/detail/scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::detail {

/// The wait for a job's end, as a yieldable: it can be begun again.
class ThreadJob {
 public:
  ThreadJob(Offload& job, Pool& pool) noexcept : job_(job), pool_(pool) {}

  /// With `shielded`, a one-shot cancel does not end the wait, but is noted.
  class Undo {
   public:
    explicit Undo(ThreadJob& wait) noexcept : wait_(wait) {}
    bool request_cancel() noexcept {
      if (wait_.shielded) wait_.cancelled_once = true;
      return wait_.shielded;
    }

   private:
    ThreadJob& wait_;
  };
  Undo yield_to(Waiter<void> waiter) {
    broken = true;
    [[maybe_unused]] const Reactor& asked_first = waiter.reactor();  // throws if there is none
    if (!job_.submitted()) job_.submit(pool_);
    job_.await(std::move(waiter));
    broken = false;
    return Undo(*this);
  }

  bool shielded = false;
  bool cancelled_once = false;
  bool broken = false;  // the wait could not be begun

 private:
  Offload& job_;
  Pool& pool_;
};

void Offload::submit(Pool& pool) {
  pool_ = &pool;
  state_ = State::queued;
  retain();  // the pool's, until it has run or dropped it
  try {
    pool.submit(*this);
  } catch (...) {
    pool_ = nullptr;
    state_ = State::idle;
    release();
    throw;
  }
}

bool Offload::withdraw() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::idle) return true;
    // The pool is there as long as this is queued: drop() needs our mutex before its end.
    if (state_ != State::queued || !pool_->withdraw(*this)) return false;
    state_ = State::idle;
  }
  discard();
  release();
  return true;
}

void Offload::abandon() noexcept {
  withdraw();
  forget();
}

void Offload::run() noexcept {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::begun;
  }
  try {
    call();
  } catch (...) {
    error_ = std::current_exception();
  }
  discard();
  forget_raised();  // may share the exception with error_, which now goes to another thread
  finish();
  release();
}

void Offload::drop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    state_ = State::begun;
  }
  error_ = std::make_exception_ptr(
      AbandonedError("in_thread: the pool was destroyed before the function began to run"));
  discard();
  finish();
  release();
}

Task<Outcome<void>> wait_for_end(Offload& job, Pool& pool, bool abandon) {
  ThreadJob end(job, pool);
  AsOutcome<ThreadJob&> first(end);
  Outcome<void> ended = co_await Unlisted(std::move(first));
  if (ended.has_value() || end.broken || job.withdraw() || abandon) co_return ended;

  // It runs, and somebody wants the wait to end.
  Microthread& m = *current_microthread;
  end.shielded = true;
  // A level cancel is the scopes' to remember, a one-shot one ours: a scope that is cancelled too
  // may be left at once, as that of with_timeout.
  bool by_scope = ended.check<Cancelled>() && m.is(Microthread::cancelled);
  Failure thrown;
  OpenScope shield(true);
  while (!ended.has_value() && !end.broken) {
    if (!ended.check<Cancelled>()) {
      if (thrown) report_unhandled(m, thrown);  // it gives way to the new one
      thrown = ended.failure();
    } else if (!std::exchange(by_scope, false)) {
      end.cancelled_once = true;
    }
    AsOutcome<ThreadJob&> again(end);
    ended = co_await Unlisted(std::move(again));
  }
  shield.close();
  if (end.cancelled_once) m.set(Microthread::cancel_next);
  if (thrown) co_return thrown;
  co_return ended;
}

}  // namespace deferred::detail
