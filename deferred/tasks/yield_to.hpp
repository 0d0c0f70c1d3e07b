// SPDX-License-Identifier: MIT
//
// yield_to: the one extension point. `co_await x` calls x's handler with a Waiter and keeps what it
// returns, the undo, until the wait ends. Knows no yieldable. Handlers are found in this order: the
// reactor's registry (an object's, then the type's), `yieldable<X>`, the member `x.yield_to(w)`.
// Next: task.hpp; a first example is yieldables/pause.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/registry.hpp"
#include "deferred/tasks/detail/route.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred {

/// What `co_await x` gives for an x of type Y: the R of its handler's Waiter<R> or Task<R>. An
/// lvalue's type is written `X&`, as in a forwarding reference.
template <class Y>
using AwaitedResult = detail::AwaitedResult<Y>;

namespace detail {

template <class Y>
class YieldAwaiter;

/// What a run-time handler returned: destroyed when the wait ends.
struct ErasedUndo {
  virtual ~ErasedUndo() = default;
  /// False if it cannot be asked to end early.
  virtual bool request_cancel() { return false; }
};
class UndoPointer {
 public:
  UndoPointer() noexcept = default;
  explicit UndoPointer(ErasedUndo* undo) noexcept : undo_(undo) {}
  bool request_cancel() { return undo_ && undo_->request_cancel(); }

 private:
  std::unique_ptr<ErasedUndo> undo_;  // null: nothing to undo
};

/// A run-time handler for an X that is awaited for an R.
template <class X, class R>
struct TypedHandler : Handler {
  TypedHandler() noexcept : Handler(typeid(X), typeid(R)) {}
  virtual UndoPointer call(X& x, Waiter<R>&& waiter) = 0;
};

[[noreturn]] void wrong_result(const Handler& handler, const std::type_info& wanted);

/// Whether run-time handlers may take the place of a Y's own.
template <class Y>
inline constexpr bool is_overridable = true;

/// The run-time handler for an object that is awaited as a Y, for an R; null if there is none.
template <class Y, class R>
TypedHandler<std::remove_cvref_t<Y>, R>* find_handler(Registry& registry,
                                                      const std::remove_reference_t<Y>& x) {
  using X = std::remove_cvref_t<Y>;
  Handler* found = nullptr;
  if constexpr (std::is_lvalue_reference_v<Y>) {
    if (registry.has_objects()) found = registry.find(std::addressof(x), typeid(X));
  }
  if (!found) found = registry.find(typeid(X));
  if (found && found->result != typeid(R)) [[unlikely]]
    wrong_result(*found, typeid(R));
  return static_cast<TypedHandler<X, R>*>(found);
}

/// Room for the undo of a wait for x. Who has it keeps its UndoKind, in a byte that is left there.
template <class Y>
class UndoRoom {
  using Route = detail::Route<Y>;
  using X = std::remove_cvref_t<Y>;
  using Fixed = decltype(Route::call(std::declval<std::remove_reference_t<Y>&>(),
                                     std::declval<Waiter<AwaitedResult<Y>> (&)()>()));
  static constexpr bool nothing = std::is_void_v<Fixed>;
  static_assert(!std::is_reference_v<Fixed>, "yield_to: return the undo by value");

 public:
  using R = AwaitedResult<Y>;

  UndoRoom() noexcept {}
  UndoRoom(const UndoRoom&) = delete;
  UndoRoom& operator=(const UndoRoom&) = delete;
  [[gnu::always_inline]] ~UndoRoom() {}

  bool request_cancel(UndoKind kind) {
    constexpr bool can =
        requires(std::conditional_t<nothing, Unit, Fixed>& undo) { undo.request_cancel(); };
    if (kind == UndoKind::erased) return erased_.request_cancel();
    if constexpr (can) {
      return fixed_.request_cancel();
    } else {
      return false;
    }
  }
  /// Calls the handler with the Waiter that `make` returns, made in place.
  template <class Make>
  void begin(UndoKind& kind, std::remove_reference_t<Y>& x, Microthread& m, Make make) {
    if (is_overridable<Y> && m.has_run_time_handlers()) [[unlikely]] {
      if (auto* const handler = find_handler<Y, R>(m.reactor->registry(), x)) {
        const Registry::InUse in_use(m.reactor->registry());
        new (&erased_) UndoPointer(handler->call(const_cast<X&>(x), make()));
        kind = UndoKind::erased;
        return;
      }
    }
    begin_fixed(kind, x, make);
  }
  /// The same where no handler was added at run time.
  template <class Make>
  [[gnu::always_inline]] void begin_fixed(UndoKind& kind, std::remove_reference_t<Y>& x,
                                          Make make) {
    if constexpr (nothing) {
      Route::call(x, make);
    } else {
      new (&fixed_) Fixed(Route::call(x, make));
      kind = UndoKind::fixed;
    }
  }
  [[gnu::always_inline]] void end(UndoKind& kind) noexcept {
    const UndoKind was = std::exchange(kind, UndoKind::none);
    if constexpr (!nothing) {
      if (was == UndoKind::fixed) [[likely]]
        return fixed_.~Fixed();
    }
    if (was == UndoKind::erased) erased_.~UndoPointer();
  }
  [[gnu::noinline]] void end_late(UndoKind& kind) noexcept { end(kind); }

 private:
  union {
    std::conditional_t<nothing, Unit, Fixed> fixed_;
    UndoPointer erased_;
  };
};

}  // namespace detail

/// What a call of yield_to() leaves: destroying it undoes the wait, if it has not been answered. It
/// can be neither copied nor moved; keep it where it is returned, in a member or a variable.
template <class Y>
class [[nodiscard]] Undo {
 public:
  Undo(std::remove_reference_t<Y>& x, Waiter<detail::AwaitedResult<Y>>&& waiter) {
    room_.begin(kind_, x, detail::WaiterAccess::microthread(waiter),
                [&waiter] { return detail::WaiterAccess::pass(waiter); });
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (kind_ != detail::UndoKind::none) room_.end(kind_);
  }

  /// Asks what is waited for to end early: true if it will answer. That is so if the handler's own
  /// undo has a member `bool request_cancel()` that says so.
  bool request_cancel() { return room_.request_cancel(kind_); }

 private:
  detail::UndoRoom<Y> room_;
  detail::UndoKind kind_ = detail::UndoKind::none;
};

/// Hands a Waiter to another yieldable, through the registry as an await would: this is how a
/// decorator is written. The Undo must be kept, in the decorator's own undo; `x` must outlive it.
template <class Y>
Undo<Y> yield_to(Y&& x, Waiter<detail::AwaitedResult<Y>>&& waiter) {
  detail::check_route<Y>();
  return Undo<Y>(x, std::move(waiter));
}
template <class Y>
Undo<Y> yield_to(Y&& x, const Waiter<detail::AwaitedResult<Y>>& waiter) {
  return deferred::yield_to(std::forward<Y>(x), Waiter<detail::AwaitedResult<Y>>(waiter));
}

namespace detail {

/// The wait for x is over before its handler was called. An x that stands for something that is
/// going on, and was given away to be awaited, is told by its member `abandon() &&`.
template <class Y>
void abandon_yieldable(std::remove_reference_t<Y>& x) noexcept {
  if constexpr (!std::is_reference_v<Y> && requires { std::move(x).abandon(); }) {
    std::move(x).abandon();
  }
}

Failure abandoned_failure(const std::type_info& yieldable, SourceLocation where);
Failure no_reactor_failure(SourceLocation where);

/// The awaiter of a yieldable with a Waiter handler. It stands in the frame of the waiting
/// coroutine and holds the answer's slot, the yieldable and its undo.
template <class Y>
class YieldAwaiter : private SlotFor<AwaitedResult<Y>> {
  using R = AwaitedResult<Y>;
  using Q = Delivered<R>;
  using Slot = SlotFor<R>;
  using State = Wait::State;
  static constexpr bool delivers = !std::is_same_v<R, Q>;

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
      if (!m.is(Microthread::queued)) return true;
    }
    if (this->state != State::open) {
      if (!m.is(Microthread::queued)) return true;
      if (m.is(Microthread::cancel_next | Microthread::cancelled)) [[unlikely]]
        cancel_what_was_answered_ahead(m);
      m.set(Microthread::suspended);
      return false;
    }
    if (m.waiters == 0 || !m.reactor) [[unlikely]] {
      nobody_will_answer(m);
      return true;
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
      abandon_yieldable<Y>(x_);
      return false;
    }
    if (m.is(Microthread::cancelled)) {
      abandon_yieldable<Y>(x_);
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
    this->clear();
    this->set_failure(Failure::current(where()));
  }
  [[gnu::noinline, gnu::cold]] void nobody_will_answer(Microthread& m) {
    if (m.waiters == 0) {
      this->state = State::abandoned;
    } else {
      m.expire();
      this->set_failure(no_reactor_failure(where()));
    }
  }

  static constexpr WaitOps table{
      []() noexcept -> const std::type_info& { return typeid(std::remove_cvref_t<Y>); },
      [](Wait& wait) {
        return static_cast<YieldAwaiter&>(static_cast<Slot&>(wait))
            .undo_.request_cancel(wait.undo_kind);
      },
      [](Wait& wait, Failure failure) noexcept {
        static_cast<Slot&>(wait).set_failure(std::move(failure));
      },
      [](Wait& wait) noexcept { static_cast<Slot&>(wait).clear(); }};

  [[no_unique_address]] std::conditional_t<std::is_lvalue_reference_v<Y>, Y, std::remove_cv_t<Y>>
      x_;
  UndoRoom<Y> undo_;
};

}  // namespace detail
}  // namespace deferred
