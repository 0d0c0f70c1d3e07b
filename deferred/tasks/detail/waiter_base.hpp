// SPDX-License-Identifier: MIT
//
// WaiterBase: how the Waiters of a suspension are counted.
#pragma once

#include <cstdint>
#include <utility>

#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred::detail {

struct WaiterAccess;

/// The one that a handler is called with is borrowed and costs nothing; copies and moves of it own
/// a reference, and count as somebody who may still answer.
class WaiterBase {
 public:
  WaiterBase(const WaiterBase& other) noexcept : m_(other.m_), epoch_(other.epoch_) {
    if (m_) own();
  }
  [[gnu::always_inline]] WaiterBase(WaiterBase&& other) noexcept
      : m_(std::exchange(other.m_, nullptr)), epoch_(other.epoch_) {
    if (epoch_ == borrowed && m_) own();
  }
  [[gnu::always_inline]] WaiterBase& operator=(WaiterBase other) noexcept {
    std::swap(m_, other.m_);
    std::swap(epoch_, other.epoch_);
    return *this;
  }
  [[gnu::always_inline]] ~WaiterBase() {
    if (epoch_ != borrowed && m_) disown();
  }

  /// False once the wait was answered, by whomever, or has ended.
  [[gnu::always_inline]] bool pending() const noexcept {
    if (!m_) return false;
    if (epoch_ == borrowed) return m_->wait->state == Wait::State::open;
    return m_->epoch == epoch_;
  }
  /// The reactor of the waiting microthread. Throws NoReactorError if it has none, and
  /// std::logic_error if this Waiter is empty.
  Reactor& reactor() const {
    if (!m_) [[unlikely]]
      throw_empty_waiter();
    if (!m_->reactor) no_reactor(*m_);
    return *m_->reactor;
  }
  /// The waiting microthread; of an empty Waiter an empty TaskRef.
  TaskRef task() const noexcept { return m_ ? TaskRef(m_->whole()) : TaskRef(); }

 protected:
  static constexpr std::uint64_t borrowed = 0;  // in place of the epoch
  static constexpr std::uint64_t stale = UINT64_MAX;
  explicit WaiterBase(Microthread& m) noexcept : m_(&m), epoch_(borrowed) {}
  WaiterBase(Microthread* m, std::uint64_t epoch) noexcept : m_(m), epoch_(epoch) {}

  Microthread* m_;
  std::uint64_t epoch_;

 private:
  friend struct WaiterAccess;
  void own() noexcept {
    if (epoch_ == borrowed) epoch_ = pending() ? m_->epoch : stale;
    m_->retain();
    if (m_->epoch == epoch_) ++m_->waiters;
  }
  void disown() noexcept {
    if (m_->epoch == epoch_ && (--m_->waiters, !m_->has_waiters()) && m_->is_waiting()) {
      m_->answer_with(Wait::State::abandoned);
    }
    m_->release();
  }
};

}  // namespace deferred::detail
