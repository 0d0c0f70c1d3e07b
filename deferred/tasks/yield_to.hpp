// SPDX-License-Identifier: MIT
//
// yield_to: hands a wait on to another yieldable. Decorators are written with it. Knows no
// yieldable. The law of yield_to, which all yieldables keep, stands in yieldable.hpp. Next:
// task.hpp; a first decorator is samples/decorator.cpp.
#pragma once

#include <type_traits>
#include <utility>

#include "deferred/tasks/detail/handler_of.hpp"
#include "deferred/tasks/detail/undo_room.hpp"
#include "deferred/tasks/waiter.hpp"
#include "deferred/yieldable.hpp"

namespace deferred {

/// What `co_await x` gives for an x of type Y: the R of its handler's Waiter<R> or Task<R>. An
/// lvalue's type is written `X&`, as in a forwarding reference.
template <class Y>
using AwaitedResult = detail::AwaitedResult<Y>;

/// A Y has a handler of its own, for some kind of expression.
template <class Y>
concept Yieldable = detail::HandlerOf<Y>::kind != detail::HandlerKind::none;
/// A Y is awaited as a subtask: it is a Task, or its handler is a coroutine. Such a one takes no
/// Waiter: a decorator hands it on with `yield_to(x)`.
template <class Y>
concept AwaitedAsSubtask = detail::HandlerOf<Y>::kind == detail::HandlerKind::task;

/// `co_await x` compiles for an x of type Y: its handler takes an object like it.
template <class Y>
concept Awaitable = detail::HandlerOf<Y>::awaitable;
/// What the handler of a Y returns, which is kept for the wait; void if nothing is to be undone.
template <class Y>
using UndoOf = detail::UndoOf<Y>;

/// Says at compile time what is wrong with awaiting a Y. For the function that makes a decorator,
/// so that the text names what was to be decorated.
template <class Y>
constexpr void require_yieldable() {
  detail::check_handler<Y>();
}

/// What a call of yield_to() leaves: destroying it undoes the wait, if it has not been answered. It
/// can be neither copied nor moved; keep it where it is returned, in a member or a variable.
template <class Y>
class [[nodiscard]] Undo {
 public:
  template <class R>
  Undo(std::remove_reference_t<Y>& x, Waiter<R>&& waiter) {
    room_.begin(kind_, x, detail::WaiterAccess::microthread(waiter),
                [&waiter] { return detail::WaiterAccess::pass<AwaitedResult<Y>>(waiter); });
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;
  ~Undo() {
    if (kind_ != detail::UndoKind::none) room_.end(kind_);
  }

  /// Asks what is waited for to end early. `answer_follows` if the handler's own undo has a member
  /// `Cancelling request_cancel()` that says so.
  Cancelling request_cancel() { return room_.request_cancel(kind_); }

 private:
  detail::UndoRoom<Y> room_;
  detail::UndoKind kind_ = detail::UndoKind::none;
};

/// Hands a Waiter to another yieldable, through the registry as an await would: this is how a
/// decorator is written. The Undo must be kept, in the decorator's own undo; `x` must outlive it.
template <class Y>
Undo<Y> yield_to(Y&& x, Waiter<AwaitedResult<Y>>&& waiter) {
  require_yieldable<Y>();
  return Undo<Y>(x, std::move(waiter));
}
template <class Y>
Undo<Y> yield_to(Y&& x, const Waiter<AwaitedResult<Y>>& waiter) {
  return deferred::yield_to(std::forward<Y>(x), Waiter<AwaitedResult<Y>>(waiter));
}
/// The same with a Waiter of an Outcome, to which x's failures are delivered.
template <class Y>
  requires detail::is_plain_value<AwaitedResult<Y>>
Undo<Y> yield_to(Y&& x, Waiter<Outcome<AwaitedResult<Y>>>&& waiter) {
  require_yieldable<Y>();
  return Undo<Y>(x, std::move(waiter));
}
/// Hands on what is awaited as a subtask, through the registry as an await would: the Task, to be
/// awaited or returned. `x` must outlive it.
template <AwaitedAsSubtask Y>
Task<AwaitedResult<Y>> yield_to(Y&& x);

}  // namespace deferred

// What it takes to await one, and to register a handler for one:
#include "deferred/tasks/detail/yield_awaiter.hpp"
#include "deferred/tasks/task.hpp"
