// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/offload.hpp"

#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"

namespace deferred::detail {

void Offload::start() {
  started_ = true;
  state_ = State::queued;
  retain();  // the pool's, until it has run or dropped it
  try {
    pool_->submit(*this);
  } catch (...) {
    started_ = false;
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
  try {
    error_ = std::make_exception_ptr(
        AbandonedError("in_thread: the pool was destroyed before the function began to run"));
  } catch (...) {
    error_ = std::current_exception();  // out of memory
  }
  discard();
  finish();
  release();
}

}  // namespace deferred::detail
