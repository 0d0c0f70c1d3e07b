// SPDX-License-Identifier: MIT
//
// Deferred<T> and Promise<T>: a result that will come, with a chain of callbacks and errbacks
// (Twisted's Deferred). Knows neither tasks nor reactors: everything here happens inside the call
// that fires, adds, cancels or drops. A task awaits one: detail/awaited_deferred.hpp. Next:
// tasks/deferred_coroutine.hpp (functions that return one).
#pragma once

#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/results/cancelling.hpp"
#include "deferred/results/detail/arguments.hpp"
#include "deferred/results/detail/deferred_state.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

template <class T>
class Deferred;
template <class T>
class Promise;
template <class T>
class [[nodiscard]] SharedDeferred;
namespace detail {
struct DeferredAccess;
}

/// The consuming end of a result of type T. Move-only, one consumer: `add_*`, `co_await` and the
/// like take it by `&&`. Dropping it detaches it: the operation goes on, and a failure that nobody
/// handled is given to the unhandled-failure hook, at once or when it comes. It never cancels.
///
/// `T value = co_await std::move(deferred);` in a task takes a fired one's result at once, without
/// a suspension; else the microthread goes on in the reactor's next round after it fires, not
/// inside callback() as in Twisted. If the await is cut, the operation is cancelled and its result
/// dropped unreported.
///
/// Callbacks run inside Promise::callback() or errback(), or inside `add_*` if the result is there
/// already, in the order they were added; each is destroyed right after its run. What a callback
/// returns is the next one's argument: a U, nothing, an Outcome<U> (its failure goes to the next
/// errback), or a Deferred<U> or what converts to one (the chain waits for it, and a chain that
/// only waits on steps aside: a loop of callbacks that return Deferreds runs in constant memory).
/// What it throws is a failure. (Twisted: Deferred.addCallbacks)
template <class T>
class [[nodiscard]] Deferred {
  static_assert(!detail::IsDeferred<T>::value,
                "Deferred<Deferred<T>>: return the inner Deferred from a callback, and the chain "
                "waits for it and gives a Deferred<T>");
  static_assert(!detail::IsOutcome<T>::value,
                "Deferred<Outcome<T>>: a Deferred<T> already ends in an Outcome<T>");
  static_assert(!std::is_reference_v<T>, "Deferred: hold a pointer instead of a reference");
  static_assert(std::is_void_v<T> || std::is_move_constructible_v<T>,
                "Deferred: a result is moved to whoever takes it; hold a std::unique_ptr to a type "
                "that cannot move");

 public:
  using value_type = T;

  /// Holds nothing, as after a move. Only assignment, destruction and valid() make sense.
  Deferred() noexcept = default;
  [[gnu::always_inline]] Deferred(Deferred&&) noexcept = default;
  Deferred& operator=(Deferred&&) noexcept = default;
  [[gnu::always_inline]] ~Deferred() = default;

  // What these return goes on from here. If the result is there, and f gives a Deferred, it is that
  // one, with its Promise and its pauses.

  /// `f(value)` on success; a failure passes it by. `f()` for void.
  template <class F>
  auto add_callback(F&& f, SourceLocation where = SourceLocation::current()) &&;
  /// `f(error)` on a failure of the parameter's type, or of any type if it takes a Failure or
  /// nothing; a value, or another failure, passes it by. Types are told apart without a throw.
  template <class F>
  Deferred<T> add_errback(F&& f, SourceLocation where = SourceLocation::current()) &&;
  /// One of the two, never both: a failure of `callback` does not reach `errback`.
  template <class F, class G>
  auto add_callbacks(F&& callback, G&& errback,
                     SourceLocation where = SourceLocation::current()) &&;
  /// `f(Outcome<T>)` in either case.
  template <class F>
  auto add_both(F&& f, SourceLocation where = SourceLocation::current()) &&;
  /// Fires `next` with the result, whatever it is. Cancelling the other end does not cancel this
  /// one; the result then comes too late and is dropped, and a failure among them is reported where
  /// AlreadyCalledError would be thrown. Long ways of chained Deferreds use no stack. Throws
  /// AlreadyCalledError if `next` was fired before, CircularChainError if this Deferred waits for
  /// what `next` would fire. (Twisted: chainDeferred)
  void chain(Promise<T> next) &&;

  // Without std::move they do not compile, and the text says why.
  template <class... A>
  void add_callback(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_errback(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_callbacks(A&&...) & {
    detail::needs_rvalue<T>();
  }
  template <class... A>
  void add_both(A&&...) & {
    detail::needs_rvalue<T>();
  }

  /// Says that nobody waits. The same as dropping it, but visibly meant.
  void detach() && { state_.drop(); }
  /// Cancels it and takes no notice of what comes, failures included.
  void abandon() && {
    Deferred gone(std::move(*this));  // a canceller may destroy *this
    gone.cancel();
    gone.state_.drop_unreported();
  }

  /// Asks the operation to end: its canceller is called, once; if that does not fire it, or there
  /// is none, it fires with Cancelled. A canceller that returns Cancelling::answer_follows leaves
  /// it pending, and may be called again. If the chain waits for a Deferred that a callback
  /// returned, that one is cancelled instead. Nothing happens once the result is there. What a
  /// canceller throws becomes the result. (Twisted: Deferred.cancel)
  void cancel() {
    if (detail::Chain* chain = state_.chain()) chain->cancel();
  }
  /// Holds the chain after the callback now running, until as many unpause() calls; or until nobody
  /// is left who could call it: the Promise is gone, and the Deferred is too, shared or awaited.
  void pause() { state_.materialise().pause(); }
  /// Throws NotPausedError if it is not paused.
  void unpause() { state_.materialise().unpause(); }

  bool valid() const noexcept { return state_.valid(); }
  /// The Promise has been fired (or cancelled); callbacks may still be to run.
  bool fired() const noexcept { return state_.fired(); }
  /// All callbacks have run and result() can be taken.
  bool has_result() const noexcept { return state_.has_result(); }
  /// The result, taken out. Throws std::logic_error, and keeps it, if has_result() is false.
  Outcome<T> result() && { return state_.take(); }
  /// The same result for any number of readers.
  SharedDeferred<T> share() &&;
  /// "Deferred<int> made at a.cpp:7 in f, not fired": for logs.
  std::string describe() const {
    const std::string type = detail::demangled(typeid(T));
    if (const detail::Chain* chain = state_.chain()) return chain->describe(type);
    return "Deferred<" + type + (state_.valid() ? ">, fired" : ">, moved from");
  }

 private:
  friend struct detail::DeferredAccess;

  explicit Deferred(detail::Chain* chain) noexcept : state_(chain) {}

  template <class U, class S, class... F>
  Deferred<U> append(SourceLocation where, F&&... callables);

  detail::DeferredState<T> state_;
};

/// The producing end: fires the Deferred once, with a value or a failure. Move-only. Dropping it
/// unfired fires AbandonedError, so that nothing hangs in silence.
template <class T>
class [[nodiscard]] Promise {
 public:
  using value_type = T;

  Promise() noexcept = default;
  Promise(Promise&& other) noexcept : chain_(std::exchange(other.chain_, nullptr)) {}
  Promise& operator=(Promise&& other) noexcept {
    Promise old(std::move(other));
    std::swap(chain_, old.chain_);
    return *this;
  }
  ~Promise() {
    if (chain_) chain_->drop_promise(typeid(T));
  }

  /// Fires with a value made from the arguments - of one as `return` would, of several in place -
  /// and runs the callbacks here and now; when more than 64 of these calls stand in each other, as
  /// soon as the innermost of them is done. Throws AlreadyCalledError the second time; but one late
  /// answer to a cancelled Deferred without a canceller is ignored. If making the value throws,
  /// nothing is fired. (Twisted: Deferred.callback)
  template <class... A>
    requires MakesResult<T, A...>
  void callback(A&&... arguments) {
    if (!chain().may_fire()) return;
    detail::Cell<Stored<T>>::emplace(
        *chain_, [&]() -> Stored<T> { return Stored<T>(std::forward<A>(arguments)...); });
    chain_->fire();
  }
  /// Fires with a failure: an error of any copyable type, or a Failure as it is. Of a reference to
  /// a base class see Failure's constructor.
  template <class E>
  void errback(E&& error, SourceLocation where = SourceLocation::current()) {
    if (!chain().may_fire()) return;
    chain_->fire_failure(detail::to_failure(std::forward<E>(error), where));
  }
  /// Fires with the exception being handled; outside a handler with a std::logic_error that says
  /// so. (Twisted: errback with no argument)
  void errback_current(SourceLocation where = SourceLocation::current()) {
    errback(Failure::current(where));
  }
  /// Fires with either side; if moving the value throws, with that error.
  void fire(Outcome<T>&& outcome, SourceLocation where = SourceLocation::current()) {
    if (!chain().may_fire()) return;
    if (!outcome.has_value()) return chain_->fire_failure(std::move(outcome).failure());
    try {
      detail::Cell<Stored<T>>::emplace(
          *chain_, [&]() -> Stored<T> { return Stored<T>(*std::move(outcome)); });
    } catch (...) {
      return chain_->fire_failure(Failure::current(where));
    }
    chain_->fire();
  }
  void fire(const Outcome<T>& outcome) { fire(Outcome<T>(outcome)); }

  bool valid() const noexcept { return chain_ != nullptr; }
  /// Fired or cancelled: nobody waits for an answer any more.
  bool fired() const noexcept { return chain_ && chain_->fired(); }
  /// Somebody may still see the result: not fired or cancelled, and there is a Deferred, a reader
  /// or a callback. False: the work for it can be left. share() and add_timeout() are readers, as
  /// long as they wait, whoever reads from them.
  bool wanted() const noexcept { return chain_ && !chain_->fired() && chain_->wanted(); }
  /// As Deferred::pause(), from this end: what a chain that stepped aside has become is not held.
  void pause() { chain().pause(); }
  void unpause() { chain().unpause(); }

 private:
  friend struct detail::DeferredAccess;

  detail::Chain& chain() const {
    if (!chain_) detail::throw_moved_from();
    return *chain_;
  }

  detail::Chain* chain_ = nullptr;
};

/// What is a Deferred, or becomes one where one is wanted: a Deferred, a Spawned. Callbacks may
/// return it, and add_timeout(), run_until() and the like take it.
template <class D>
concept Deferrable = requires { typename D::value_type; } &&
                     std::is_convertible_v<D, Deferred<typename D::value_type>>;

/// The two ends of a result: `auto [promise, deferred] = make_deferred<int>();`
template <class T>
std::pair<Promise<T>, Deferred<T>> make_deferred(SourceLocation where = SourceLocation::current());
/// The same with a canceller, which Deferred::cancel() calls inside its call: `canceller()` or
/// `canceller(Promise<T>&)`, which returns nothing or a Cancelling. If it neither fires the Promise
/// nor says that an answer follows, the Deferred ends with Cancelled; so it does if it destroys the
/// Promise. It is dropped when the Deferred fires. (Twisted: Deferred(canceller))
template <class T, class C>
  requires(std::is_invocable_v<C&> || std::is_invocable_v<C&, Promise<T>&>)
std::pair<Promise<T>, Deferred<T>> make_deferred(C canceller,
                                                 SourceLocation where = SourceLocation::current());

/// A Deferred that has its value already. (Twisted: succeed)
template <class T>
Deferred<std::decay_t<T>> succeed(T&& value);
Deferred<void> succeed();
/// A Deferred that has failed already. (Twisted: fail)
template <class T, class E>
Deferred<T> fail(E&& error, SourceLocation where = SourceLocation::current());
/// Calls `f` now; its result or exception, whichever form it has (Deferred, Spawned, Outcome,
/// value), as a Deferred; a Deferred it returns is given as it is. (Twisted: maybeDeferred,
/// execute)
template <class F, class... A>
auto maybe_deferred(F&& f, A&&... arguments);

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred

// What it takes to chain, await and share one:
#include "deferred/results/detail/awaited_deferred.hpp"
#include "deferred/results/detail/deferred_bodies.hpp"
#include "deferred/results/shared_deferred.hpp"
