// SPDX-License-Identifier: MIT
//
// UndoRoom: where the undo of a wait stands, whichever handler gave it.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/tasks/detail/handler_of.hpp"
#include "deferred/tasks/detail/typed_handler.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred::detail {

/// Room for the undo of a wait for x. Who has it keeps its UndoKind, in a byte that is left there.
template <class Y>
class UndoRoom {
  using Handler = HandlerOf<Y>;
  using X = std::remove_cvref_t<Y>;
  using Fixed = UndoOf<Y>;
  static constexpr bool nothing = std::is_void_v<Fixed>;
  static_assert(!std::is_reference_v<Fixed>, "yield_to: return the undo by value");
  static_assert(ordinary_alignment<std::conditional_t<nothing, Unit, Fixed>>,
                "yield_to: the undo is over-aligned, and frames are not aligned for it: return a "
                "std::unique_ptr to it");
  static_assert(Handler::kind != HandlerKind::task,
                "yield_to: a task, or what else is awaited as a subtask, takes no Waiter: let the "
                "decorator's own handler be a coroutine that awaits deferred::yield_to(x)");

 public:
  using R = AwaitedResult<Y>;

  UndoRoom() noexcept {}
  UndoRoom(const UndoRoom&) = delete;
  UndoRoom& operator=(const UndoRoom&) = delete;
  [[gnu::always_inline]] ~UndoRoom() {}

  Cancelling request_cancel(UndoKind kind) {
    constexpr bool can =
        requires(std::conditional_t<nothing, Unit, Fixed>& undo) { undo.request_cancel(); };
    if (kind == UndoKind::erased) return erased_.request_cancel();
    if constexpr (can) {
      return ask_to_cancel([this] { return fixed_.request_cancel(); });
    } else {
      return Cancelling::now;
    }
  }
  /// Calls the handler with the Waiter that `make` returns, made in place.
  template <class Make>
  void begin(UndoKind& kind, std::remove_reference_t<Y>& x, Microthread& m, Make make) {
    if (is_overridable<Y> && m.has_run_time_handlers()) [[unlikely]] {
      Registry& registry = ReactorAccess::registry(*m.reactor);
      if (auto* const handler = find_handler<Y, R>(registry, x)) {
        const Registry::InUse in_use(registry);
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
    if constexpr (Handler::kind == HandlerKind::task) {
      return;  // has been refused
    } else if constexpr (nothing) {
      Handler::call(x, make);
    } else {
      new (&fixed_) Fixed(Handler::call(x, make));
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

}  // namespace deferred::detail
