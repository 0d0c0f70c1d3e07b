// SPDX-License-Identifier: MIT
//
// The typed side of a chain: what a callback or errback does to a result. A stage runs against a
// target (a chain's slot, or a Deferred that holds its result inline), so each rule - what a
// returned Deferred, Outcome or exception means - stands here once.
#pragma once

#include <exception>
#include <functional>
#include <type_traits>
#include <utility>

#include "deferred/results/detail/callable.hpp"
#include "deferred/results/detail/chain.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/outcome.hpp"

namespace deferred {

template <class T>
class Deferred;
template <class T>
class Task;

namespace detail {

template <class T>
struct IsDeferred : std::false_type {};
template <class T>
struct IsDeferred<Deferred<T>> : std::true_type {};

/// What is a Deferred or becomes one (deferred.hpp: Deferrable).
template <class R>
inline constexpr bool becomes_deferred = false;
template <class R>
  requires requires { typename R::value_type; }
inline constexpr bool becomes_deferred<R> =
    std::is_convertible_v<R, Deferred<typename R::value_type>>;

template <class R>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<Task<T>> = true;

/// What a callback that returns R makes of the chain: Deferred<U> and Outcome<U> give U.
template <class R>
struct ResultOf {
  static_assert(!std::is_same_v<R, Failure>,
                "a callback that returns a Failure must say what its value would be: return "
                "Outcome<T>, or throw");
  static_assert(!is_task<R>,
                "a callback that returns a Task would only drop it, for nobody runs it: return "
                "spawn(reactor, task), or let the coroutine itself return a Deferred");
  using Value = R;
};
template <class R>
  requires becomes_deferred<R>
struct ResultOf<R> {
  using Value = typename R::value_type;
};
template <class T>
struct ResultOf<Outcome<T>> {
  using Value = T;
};

/// Calls f with the arguments, or, if it takes none, without: a Unit stands for no argument.
template <class F, class... A>
decltype(auto) call(F& f, A&&... arguments) {
  if constexpr (std::is_invocable_v<F&, A...>) {
    return std::invoke(f, std::forward<A>(arguments)...);
  } else {
    return std::invoke(f);
  }
}
template <class F, class A>
inline constexpr bool takes = std::is_invocable_v<F&, A> ||
                              (std::is_same_v<std::decay_t<A>, Unit> && std::is_invocable_v<F&>);
/// What a callback returns.
template <class F, class A>
using Returned = std::decay_t<decltype(call(std::declval<F&>(), std::declval<A>()))>;

/// Passes its side on unchanged.
struct PassThrough {};

/// The error type an errback asks for by its parameter; Failure for one that takes any.
template <class F>
constexpr auto error_type() {
  if constexpr (std::is_invocable_v<F&, Failure>) {
    return std::type_identity<Failure>{};
  } else if constexpr (std::is_invocable_v<F&>) {
    return std::type_identity<void>{};
  } else {
    static_assert(SignatureOf<F>::known,
                  "add_errback: the errback must take a Failure, an error type such as "
                  "`const TimeoutError&`, or nothing; an overloaded or generic one does not tell");
    using Parameter = typename SignatureOf<F>::First;
    using E = std::decay_t<Parameter>;
    static_assert(!std::is_same_v<E, std::exception_ptr>,
                  "add_errback: no error is an exception_ptr: take a Failure, which has "
                  "to_exception_ptr() and raise()");
    static_assert(std::is_invocable_v<F&, const E&>,
                  "add_errback: take the error by value or by const reference");
    return std::type_identity<E>{};
  }
}
template <class F>
using ErrorOf = typename decltype(error_type<F>())::type;

template <class F>
constexpr auto errback_result() {
  using E = ErrorOf<F>;
  if constexpr (std::is_void_v<E>) {
    return std::type_identity<std::decay_t<std::invoke_result_t<F&>>>{};
  } else if constexpr (std::is_same_v<E, Failure>) {
    return std::type_identity<std::decay_t<std::invoke_result_t<F&, Failure>>>{};
  } else {
    return std::type_identity<std::decay_t<std::invoke_result_t<F&, const E&>>>{};
  }
}
template <class F>
using ErrbackReturned = typename decltype(errback_result<F>())::type;

/// Refuses an errback whose result cannot stand in for a U.
template <class U, class F>
constexpr void check_errback() {
  using R = ErrbackReturned<F>;
  if constexpr (!std::is_same_v<R, Failure>) {
    using V = typename ResultOf<R>::Value;
    static_assert(std::is_void_v<U> || !std::is_void_v<V>,
                  "add_errback: this errback returns nothing, but the Deferred holds a value: "
                  "return a value that stands in for it, or throw");
    static_assert(std::is_void_v<U> || std::is_void_v<V> || std::is_convertible_v<V, U>,
                  "add_errback: the errback must return what the Deferred holds, for it stands in "
                  "for the value");
    static_assert(!becomes_deferred<R> || std::is_same_v<V, U>,
                  "add_errback: the errback must return a Deferred of the same type");
  }
}

/// Calls f and puts what it gives, in whichever form, into the target.
template <class U, class Target, class F, class... A>
void produce(Target& target, F& f, A&&... arguments) noexcept {
  try {
    using R = std::decay_t<decltype(call(f, std::forward<A>(arguments)...))>;
    if constexpr (becomes_deferred<R>) {
      target.follow(Deferred<U>(call(f, std::forward<A>(arguments)...)));
    } else if constexpr (IsOutcome<R>::value) {
      auto outcome = call(f, std::forward<A>(arguments)...);
      if (outcome.has_value()) {
        target.emplace([&]() -> Stored<U> { return Stored<U>(*std::move(outcome)); });
      } else {
        target.fail(std::move(outcome).failure());
      }
    } else if constexpr (std::is_same_v<R, Failure>) {
      target.fail(call(f, std::forward<A>(arguments)...));
    } else if constexpr (std::is_void_v<U>) {
      static_cast<void>(call(f, std::forward<A>(arguments)...));
      target.emplace([]() noexcept { return Unit{}; });
    } else {
      target.emplace([&]() -> Stored<U> { return call(f, std::forward<A>(arguments)...); });
    }
  } catch (...) {
    target.fail(Failure::current(target.where()));
  }
}

/// A pair of callbacks that turns a T into a U. `in` gives the present result, `out` takes the new
/// one; they may be the same place.
template <class T, class U, class OnValue, class OnFailure>
struct Stage {
  [[no_unique_address]] OnValue on_value;
  [[no_unique_address]] OnFailure on_failure;

  template <class In, class Out>
  void apply(In& in, Out& out) noexcept {
    if (in.has_value()) {
      if constexpr (std::is_same_v<OnValue, PassThrough>) {
        out.pass_value(in);
      } else {
        on_success(in, out);
      }
    } else if constexpr (std::is_same_v<OnFailure, PassThrough>) {
      out.pass_failure(in);
    } else {
      on_error(in, out);
    }
  }

 private:
  template <class In, class Out>
  void on_success(In& in, Out& out) noexcept {
    try {
      Stored<T> value = in.take_value();
      produce<U>(out, on_value, std::move(value));
    } catch (...) {  // the move of the value threw
      out.fail(Failure::current(out.where()));
    }
  }
  template <class In, class Out>
  void on_error(In& in, Out& out) noexcept {
    using E = ErrorOf<OnFailure>;
    if constexpr (std::is_same_v<E, Failure>) {
      Failure failure = in.take_failure();
      produce<U>(out, on_failure, std::move(failure));
    } else if constexpr (std::is_void_v<E>) {
      const Failure failure = in.take_failure();
      produce<U>(out, on_failure);
    } else if (const E* const error = in.failure().template check<E>()) {
      const Failure failure = in.take_failure();  // keeps *error
      produce<U>(out, on_failure, *error);
    } else {
      out.pass_failure(in);
    }
  }
};

/// add_both: one callable for both sides, called with an Outcome.
template <class T, class U, class F>
struct BothStage {
  F f;

  template <class In, class Out>
  void apply(In& in, Out& out) noexcept {
    if (!in.has_value()) return produce<U>(out, f, Outcome<T>(in.take_failure()));
    Failure lost;
    try {
      return produce<U>(out, f, Outcome<T>(in.take_value()));
    } catch (...) {  // the move of the value threw: then that is what f is told
      lost = Failure::current(out.where());
    }
    produce<U>(out, f, Outcome<T>(std::move(lost)));
  }
};

/// A chain's slot as the source of a T and the target of a U.
template <class T, class U>
class ChainSlot {
 public:
  ChainSlot(Chain& chain, const SourceLocation& where) noexcept : chain_(chain), where_(where) {}

  bool has_value() const noexcept { return chain_.state() == Chain::State::value; }
  const Failure& failure() const noexcept { return chain_.failure(); }
  Stored<T> take_value() { return Cell<Stored<T>>::take(chain_); }
  Failure take_failure() noexcept { return chain_.take_failure(); }

  template <class Make>
  void emplace(Make&& make) {
    Cell<Stored<U>>::emplace(chain_, make);
  }
  void fail(Failure failure) noexcept {
    chain_.clear();
    chain_.set_failure(std::move(failure));
  }
  void pass_value(ChainSlot&) noexcept {}
  void pass_failure(ChainSlot&) noexcept {}
  void follow(Deferred<U>&& inner);
  SourceLocation where() const noexcept { return where_; }

 private:
  Chain& chain_;
  const SourceLocation& where_;
};

template <class T, class U, class S>
struct StageLink : Link {
  template <class... F>
  explicit StageLink(SourceLocation added, F&&... callables)
      : Link(&run_stage, added), stage{std::forward<F>(callables)...} {}

  static void run_stage(Chain& chain, Link& self, bool execute) noexcept {
    auto& link = static_cast<StageLink&>(self);
    if (execute) {
      ChainSlot<T, U> slot(chain, link.where);
      link.stage.apply(slot, slot);
    }
    link.~StageLink();
    chain.free_arena(&link, sizeof(StageLink), alignof(StageLink));
  }

  S stage;
};

}  // namespace detail
}  // namespace deferred
