// SPDX-License-Identifier: MIT
//
// Branch: a wait without a coroutine, whose end is told at once. What waits for several yieldables
// is written with it, as decorators are with yield_to(): see yieldables/all.hpp and the like. Next:
// yieldables/to_deferred.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/results/deferred.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/detail/branch_base.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred {

namespace detail {
template <class Y>
class LoneBranch;
}

/// One of the waits that are parts of another, for an x that takes a Waiter. It stands in the undo
/// of that other one. Whoever answers it runs ended(), inside that very call, and `expire()` there
/// makes the Waiters of the other branches stale: so of several that may answer one does, and
/// nothing that the others could have been given is lost. They are stale, too, as soon as the wait
/// of the whole is over: answered, cancelled or closed; where its own handler has answered it, from
/// that one's end on.
///
/// To x's handler it is as if the whole were waiting for x alone: `waiter.task()` is the task that
/// waits for the whole. Destroying it undoes the wait.
template <class Y>
class Branch : public detail::BranchBase {
  using R = AwaitedResult<Y>;
  using Slot = detail::SlotFor<R>;

 public:
  /// An undo that can be asked to end: it may answer that x will end by itself.
  static constexpr bool can_be_asked =
      requires(std::conditional_t<std::is_void_v<detail::UndoOf<Y>>, Unit, detail::UndoOf<Y>>& u) {
        u.request_cancel();
      };

  /// Calls x's handler, through the registry as an await would, for a part of the wait of `whole`,
  /// which is pending. `how` and `input` are for the trace of what x fails with. What that leaves
  /// may be that it has ended. Once.
  template <class W>
  void begin(Y&& x, const Waiter<W>& whole, Failure::Passed how, std::uint32_t input) {
    this->make_part_of(detail::WaiterAccess::microthread(whole));
    how_ = how;
    input_ = input;
    keep(std::forward<Y>(x));
    call_handler();
  }

  /// What it has failed with, if it has: an Outcome that x gives is a value. REQUIRES: ended.
  bool failed() const noexcept { return std::is_same_v<R, Delivered<R>> && failure_; }
  const Failure& failure() const noexcept { return failure_; }
  /// What x gives, taken out. REQUIRES: ended, and not failed.
  Stored<R> value() {
    if constexpr (std::is_same_v<R, Delivered<R>>) {
      return std::move(slot().value);
    } else {
      if (failure_) return R(std::move(failure_));
      return R(std::move(slot().value));
    }
  }

 protected:
  Branch() = default;
  ~Branch() override { this->stop(); }

  /// It has its answer. The last act of whoever calls it: it may end *this.
  virtual void ended() noexcept = 0;

 private:
  friend class detail::LoneBranch<Y>;
  Slot& slot() noexcept { return static_cast<Slot&>(*this->m_->wait); }
  void keep(Y&& x) {
    try {
      awaiter_.emplace(std::forward<Y>(x));
    } catch (...) {  // its move threw
      this->not_begun();
      throw;
    }
  }
  void call_handler() {
    const detail::BranchBase::Beginning beginning(*this);
    awaiter_->await_ready();
  }
  void answered() noexcept override {
    if (slot().state != detail::Wait::State::value) {
      failure_ = this->failure_of(slot().state, slot().failure, typeid(std::remove_cvref_t<Y>));
      if (how_ != Failure::Passed::await || detail::is_listed(this->frame_.where)) {
        failure_.passed(how_, this->frame_.where, input_);
      }
    }
    ended();
  }
  void round_over() noexcept override {
    if (awaiter_) awaiter_->end_undo();
  }

  std::optional<detail::YieldAwaiter<Y>> awaiter_;
  Failure failure_;
  Failure::Passed how_ = Failure::Passed::await;
  std::uint32_t input_ = 0;
};

/// Begins to wait for x, which takes a Waiter, without a coroutine. The Deferred fires inside the
/// call that answers; its cancel() is a one-shot cancel of that wait. It is listed as a task of the
/// reactor, and closed as one at the reactor's end. REQUIRES: an lvalue x lives until then.
template <class Y>
Deferred<Delivered<AwaitedResult<Y>>> start_wait(Reactor& reactor, Y&& x, SourceLocation where) {
  return detail::LoneBranch<Y>::start(&reactor, std::forward<Y>(x), where);
}
/// The same on the reactor that Reactor::current() would give, or on none: then what needs one
/// fails with NoReactorError, and the undo ends inside the answer instead of in the next round.
template <class Y>
Deferred<Delivered<AwaitedResult<Y>>> start_wait(Y&& x, SourceLocation where) {
  return detail::LoneBranch<Y>::start(detail::ReactorAccess::find(), std::forward<Y>(x), where);
}

namespace detail {

/// A branch of nothing: it fires a Deferred, and owns itself.
template <class Y>
class LoneBranch final : public Branch<Y>, public Recycled {
  using Q = Delivered<AwaitedResult<Y>>;
  using State = Wait::State;

 public:
  static Deferred<Q> start(Reactor* reactor, Y&& x, SourceLocation where) {
    LoneBranch* lone = nullptr;
    Deferred<Q> result;
    try {
      lone = new LoneBranch;
      lone->make_alone(where);
      result = deferred_of<Q>(*lone->m_, where);
      lone->frame_.closed = [](BranchFrame& frame) noexcept {
        auto& branch = static_cast<LoneBranch&>(static_cast<BranchBase::Frame&>(frame).branch);
        if (!branch.m_->reactor) branch.m_->retain();  // retire() lets go of a list's
        delete &branch;
      };
      lone->keep(std::forward<Y>(x));
    } catch (...) {
      if (result.valid()) {
        Chain* const chain = std::exchange(lone->m_->completion(), nullptr);
        std::move(result).abandon();
        chain->drop_promise(typeid(Q));
      }
      delete lone;
      deferred::abandon(std::forward<Y>(x));
      throw;
    }
    if (reactor) ReactorAccess::adopt(*reactor, *lone->m_);
    lone->call_handler();
    return result;
  }

 private:
  LoneBranch() = default;

  void ended() noexcept override {
    Microthread& m = *this->m_;
    Chain* const chain = std::exchange(m.completion(), nullptr);
    try {
      if (this->failure_) {
        chain->set_failure(std::move(this->failure_));
      } else {
        Cell<Stored<Q>>::emplace(
            *chain, [this]() -> Stored<Q> { return Stored<Q>(std::move(this->slot().value)); });
      }
    } catch (...) {  // the move of the value threw
      chain->set_failure(Failure::current());
    }
    const bool has_rounds = m.reactor != nullptr;
    if (has_rounds) {
      m.set(Microthread::queued);
      ReactorAccess::make_ready(*m.reactor, m);
      retire(m);
    }
    chain->fire();
    chain->drop_promise(typeid(Q));
    if (!has_rounds) delete this;
  }
  void round_over() noexcept override { delete this; }
};

}  // namespace detail

}  // namespace deferred
