// SPDX-License-Identifier: MIT
//
// yieldable: the trait that makes somebody else's type awaitable, and the law of yield_to, the one
// extension point. Knows nothing of the library; all of it knows this. Next: tasks/yield_to.hpp
// (handing a wait on), tasks/waiter.hpp (answering it); a first example is yieldables/pause.hpp.
#pragma once

#include <type_traits>
#include <utility>

namespace deferred {

template <class R>
class Waiter;
template <class T>
class Task;

/// Makes an X awaitable that cannot be given a member: `template <> struct deferred::yieldable<X> {
/// static auto yield_to(X& x, Waiter<R> waiter); };`. `yieldable<X&>`, if there is one, is asked
/// first for lvalues. A type of one's own has a member `auto yield_to(Waiter<R> waiter)` instead.
///
/// THE LAW OF yield_to. Built-in yieldables are held to it as a user's are.
///
/// 1. The handler. `co_await x` calls one function with a Waiter<R>, inside the coroutine's own
///    code, before it suspends. R is what the await gives; it is read from the signature, so there
///    is one handler, neither overloaded nor a template. `const`, `&`, `&&` and `noexcept` count: a
///    handler with `&&` is for what is given away, one with `&` for what keeps its state between
///    awaits. The parameter of a static handler says the same: `X&`, `const X&`, `X&&`.
/// 2. The look-up: first the running reactor's registry, for this object and then for its type
///    (Registry::when_object, when_type); then `yieldable<X&>`, `yieldable<X>`, the member. A
///    handler of the registry stands in for the type's own in all that follows.
/// 3. The answer. Whoever has the Waiter, or a copy, may answer it: with a value (resume), an error
///    (throw_), either (fire), now or later (schedule); from inside the handler, which costs no
///    suspension; from any callback on the reactor's thread; from another thread through
///    `std::move(waiter).remote()`. The first answer wins, the others return false. No answer runs
///    the task: it goes on in the reactor's next round. All Waiters dropped: AbandonedError.
/// 4. The undo. What the handler returns is kept until the task goes on, or its frame is destroyed,
///    and then destroyed, before x is: so its destructor takes back what the handler began. Until
///    then callbacks may still come, and find their Waiter not pending. Void: nothing is to be
///    taken back. Answers that the undo gives at its end are too late. Of what was given to
///    to_deferred() it ends in the reactor's next round; inside the answer, if there is no reactor.
/// 5. Exceptions. What the handler throws is thrown at the await; Waiters that it kept are stale.
///    Where the coroutine has no reactor, a wait that is not answered in the handler ends as
///    NoReactorError.
/// 6. Cancel. A level cancel, of the task or a scope around it, ends the wait. A one-shot cancel
///    (Deferred::cancel of the result; TaskRef::cancel_once) ends it too, unless the undo has a
///    `Cancelling request_cancel()` that returns `answer_follows`, which says: what I wait for has
///    been asked to end, and will answer; what it throws is the answer. It may be asked again. An
///    answer that is there already is given, and the cancel is for a later await: a level one for
///    the next, a one-shot one for the next that has to wait, whose handler is called and whose
///    undo is then asked. Only an answer without a value that schedule() gave for the next turn
///    gives way. An error that is thrown into the wait (TaskRef::throw_) ends it as a level cancel
///    does. close() destroys the undo and x with the frame.
/// 7. Not reached. The handler is not called at all if the await begins under a level cancel, in a
///    task into which an error was thrown, or if what was spawned is closed before its first turn.
///    A yieldable that stands for something that goes on already, and is given away to be awaited,
///    is told so: `void abandon() &&` is called in place of the handler, if there is one, and does
///    what the undo would have done: a Deferred's cancels the operation, and drops its result
///    unreported. A decorator that owns what it waits for hands that on:
///    `void abandon() && { deferred::abandon(std::forward<Y>(x_)); }`.
/// 8. A handler that is a coroutine, `Task<R> yield_to()` without a Waiter, is called as a subtask
///    instead: it waits, catches and cleans up as any task; it is no cancel point, its awaits are.
template <class X>
struct yieldable {};

/// Says to an x that was given away to be awaited that it will not be: calls its `abandon() &&`, if
/// it has one, which must not throw. Nothing happens to an lvalue. A decorator that owns what it
/// waits for has a member `void abandon() && { deferred::abandon(std::forward<Y>(x_)); }`: the law
/// of yield_to, 7.
template <class Y>
void abandon(Y&& x) noexcept {
  if constexpr (!std::is_reference_v<Y> && requires { std::move(x).abandon(); }) {
    std::move(x).abandon();
  }
}

}  // namespace deferred
