// SPDX-License-Identifier: MIT
//
// YieldAwaiter: what `co_await` makes of a yieldable whose handler takes a Waiter.
#pragma once

#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/tasks/detail/handler_of.hpp"
#include "deferred/tasks/detail/undo_room.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/tasks/yield_to.hpp"

namespace deferred::detail {

DEFERRED_API Failure abandoned_failure(const std::type_info& yieldable, SourceLocation where);
DEFERRED_API Failure no_reactor_failure(SourceLocation where);

/// The awaiter of a yieldable with a Waiter handler. It stands in the frame of the waiting
/// coroutine and holds the answer's slot, the yieldable and its undo.
template <class Y>
class YieldAwaiter : private SlotFor<AwaitedResult<Y>> {
  using R = AwaitedResult<Y>;
  using Q = Delivered<R>;
  using Slot = SlotFor<R>;
  using State = Wait::State;
  static constexpr bool delivers = !std::is_same_v<R, Q>;
  static_assert(std::is_lvalue_reference_v<Y> || ordinary_alignment<Y>,
                "co_await: this yieldable is over-aligned, and frames are not aligned for it: "
                "await an lvalue that stands elsewhere");
  static_assert(ordinary_alignment<Stored<Q>>,
                "co_await: what this gives is over-aligned, and frames are not aligned for it: "
                "let it give a std::unique_ptr");

 public:
  explicit YieldAwaiter(Y&& x) : x_(std::forward<Y>(x)) { this->ops = &table; }
  YieldAwaiter(const YieldAwaiter&) = delete;
  YieldAwaiter& operator=(const YieldAwaiter&) = delete;
  [[gnu::always_inline]] ~YieldAwaiter() {
    if (this->undo_kind != UndoKind::none) [[unlikely]]
      undo_.end_late(this->undo_kind);  // before x_, which it may still look at
  }

  [[gnu::always_inline]] bool await_ready() {
    Microthread& m = *current_microthread;
    m.wait = this;
    // What is rare is a way of its own to the end: where the two joined again, the compiler would
    // not know any more that the wait is this one and open.
    if (m.interrupted() || (is_overridable<Y> && m.has_run_time_handlers())) [[unlikely]]
      return is_ready_after_all(m);
    return call_handler(m, [this](auto make) __attribute__((always_inline)) {
      undo_.begin_fixed(this->undo_kind, x_, make);
    });
  }
  void await_suspend(std::coroutine_handle<>) noexcept {}
  /// Before its time: of a branch, whose answer is still to be taken.
  void end_undo() noexcept {
    if (this->undo_kind != UndoKind::none) undo_.end(this->undo_kind);
  }
  [[gnu::always_inline]] R await_resume() {
    if (this->undo_kind != UndoKind::none) undo_.end(this->undo_kind);
    if constexpr (delivers) {
      if (this->state == State::value) return R(std::move(this->value));
      return R(take_failure());
    } else {
      if (this->state != State::value) [[unlikely]]
        fail();
      if constexpr (!std::is_void_v<R>) return std::move(this->value);
    }
  }

 private:
  [[gnu::noinline]] bool is_ready_after_all(Microthread& m) {
    if (m.interrupted()) {
      if (!interrupt(m)) return true;
      if (this->state != State::open) {
        m.set(Microthread::suspended);
        return false;
      }
    }
    return call_handler(m, [this, &m](auto make) { undo_.begin(this->undo_kind, x_, m, make); });
  }
  /// False if there is something to wait for.
  template <class Begin>
  [[gnu::always_inline]] bool call_handler(Microthread& m, Begin begin) {
    m.handling = true;
    try {
      begin([&m] { return WaiterAccess::borrow<R>(m); });
      m.handling = false;
    } catch (...) {
      m.handling = false;
      handler_threw(m);
      if (!m.is(Microthread::queued)) return m.may_go_on(Microthread::suspended);
    }
    if (this->state != State::open) {
      if (!m.is(Microthread::queued)) return m.may_go_on(Microthread::suspended);
      if (m.is(Microthread::cancel_next | Microthread::cancelled)) [[unlikely]]
        cancel_what_was_answered_ahead(m);
      m.set(Microthread::suspended);
      return false;
    }
    if (!m.has_waiters() || !m.reactor) [[unlikely]] {
      if (nobody_will_answer(m)) return m.may_go_on(Microthread::suspended);
    }
    m.set(Microthread::suspended);
    if (m.is(Microthread::cancel_next | Microthread::cancelled)) [[unlikely]]
      cancel_now(m);
    return false;
  }
  /// The await this is. REQUIRES: the microthread runs.
  static SourceLocation where() noexcept { return current_microthread->leaf->where; }
  Failure take_failure() {
    switch (this->state) {
      case State::failure:
        if (is_listed(where())) this->failure.passed(Failure::Passed::await, where());
        return std::move(this->failure);
      case State::abandoned:
        return abandoned_failure(typeid(std::remove_cvref_t<Y>), where());
      default:
        return Failure(Cancelled{}, where());
    }
  }
  [[noreturn, gnu::noinline, gnu::cold]] void fail() { take_failure().raise(); }

  /// False: a failure was put into the slot and is thrown at once. True: go on; the slot tells
  /// whether the wait is over already.
  [[gnu::noinline, gnu::cold]] bool interrupt(Microthread& m) {
    if (m.is(Microthread::throw_next)) {
      m.unset(Microthread::throw_next);
      this->set_failure(std::move(m.extras()->pending));
      deferred::abandon(std::forward<Y>(x_));
      return false;
    }
    if (m.is(Microthread::cancelled)) {
      deferred::abandon(std::forward<Y>(x_));
      // Thrown in the next turn, so that a loop that swallows it cannot hang the reactor.
      this->state = State::cancelled;
      if (!m.reactor) return false;
      m.set(Microthread::queued);
      ReactorAccess::next_turn(*m.reactor, m);
    }
    return true;
  }
  /// Answered ahead: a cancel that came before takes the answer's place.
  [[gnu::noinline]] static void cancel_what_was_answered_ahead(Microthread& m) noexcept {
    if (!m.is(Microthread::answered_ahead)) return;
    m.unset(Microthread::cancel_next);
    m.replace_answer(State::cancelled);
  }
  /// A cancel that came while it was running, or from the handler, goes to this wait.
  [[gnu::noinline, gnu::cold]] void cancel_now(Microthread& m) {
    if (m.is(Microthread::cancelled)) {
      m.answer_with(State::cancelled);
    } else {
      m.unset(Microthread::cancel_next);
      cancel_once(m);
    }
  }
  [[gnu::noinline, gnu::cold]] void handler_threw(Microthread& m) noexcept {
    m.expire();
    m.unset(Microthread::answered_ahead);  // what it threw is not to be replaced
    this->clear();
    this->set_failure(Failure::current(where()));
  }
  /// False of a branch that somebody may answer: it needs no reactor to go on.
  [[gnu::noinline, gnu::cold]] bool nobody_will_answer(Microthread& m) {
    const bool abandoned = !m.has_waiters();
    if (!abandoned && m.is_branch()) return false;
    m.expire();
    if (abandoned) {
      this->state = State::abandoned;
    } else {
      this->set_failure(no_reactor_failure(where()));
    }
    return true;
  }

  /// What its handler has taken away has nothing to say of itself any more.
  static constexpr bool stays_whole = [] {
    if constexpr (std::is_lvalue_reference_v<Y>) {
      return true;
    } else {
      return HandlerOf<Y>::by_member && requires(const std::remove_cv_t<Y>& x, Waiter<R> waiter) {
        x.yield_to(std::move(waiter));
      };
    }
  }();
  static constexpr WaitOps table{
      &typeid(std::remove_cvref_t<Y>),
      [](Wait& wait) {
        return static_cast<YieldAwaiter&>(static_cast<Slot&>(wait))
            .undo_.request_cancel(wait.undo_kind);
      },
      [](Wait& wait, Failure failure) noexcept {
        static_cast<Slot&>(wait).set_failure(std::move(failure));
      },
      [](Wait& wait) noexcept { static_cast<Slot&>(wait).clear(); },
      [] {
        std::string (*describe)(const Wait&) = nullptr;
        if constexpr (stays_whole &&
                      requires(const YieldAwaiter& at) { std::string(at.x_.describe()); }) {
          describe = [](const Wait& wait) {
            const auto& at = static_cast<const YieldAwaiter&>(static_cast<const Slot&>(wait));
            return std::string(at.x_.describe());
          };
        }
        return describe;
      }()};

  [[no_unique_address]] std::conditional_t<std::is_lvalue_reference_v<Y>, Y, std::remove_cv_t<Y>>
      x_;
  UndoRoom<Y> undo_;
};

}  // namespace deferred::detail
