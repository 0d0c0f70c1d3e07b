// SPDX-License-Identifier: MIT
//
// The bodies of deferred.hpp's templates.
#pragma once

#include "deferred/results/deferred.hpp"
#include "deferred/results/detail/deferred_access.hpp"

namespace deferred {

template <class T>
template <class U, class S, class... F>
inline Deferred<U> Deferred<T>::append(SourceLocation where, F&&... callables) {
  if (detail::Chain* const chain = state_.chain()) {
    using L = detail::StageLink<T, U, S>;
    void* const memory = chain->arena(sizeof(L), alignof(L));
    detail::Link* link;
    try {
      link = ::new (memory) L(where, std::forward<F>(callables)...);
    } catch (...) {
      chain->free_arena(memory, sizeof(L), alignof(L));
      throw;
    }
    state_.release_chain();
    Deferred<U> next = detail::DeferredAccess::deferred<U>(chain);
    chain->append(link);
    return next;
  }
  if (!state_.valid()) detail::throw_moved_from();
  S stage{std::forward<F>(callables)...};
  Deferred<U> next;
  detail::ReadyTarget<U> target(detail::DeferredAccess::state(next), where);
  stage.apply(state_, target);
  return next;
}

template <class T>
template <class F>
inline auto Deferred<T>::add_callback(F&& f, SourceLocation where) && {
  using Callback = std::decay_t<F>;
  static_assert(detail::takes<Callback, Stored<T>>,
                "add_callback: the callback cannot be called with this Deferred's value; take it "
                "by value, const& or &&");
  using U = typename detail::ResultOf<detail::Returned<Callback, Stored<T>>>::Value;
  return append<U, detail::Stage<T, U, Callback, detail::PassThrough>>(where, std::forward<F>(f),
                                                                       detail::PassThrough{});
}

template <class T>
template <class F>
inline Deferred<T> Deferred<T>::add_errback(F&& f, SourceLocation where) && {
  detail::check_errback<T, std::decay_t<F>>();
  return append<T, detail::Stage<T, T, detail::PassThrough, std::decay_t<F>>>(
      where, detail::PassThrough{}, std::forward<F>(f));
}

template <class T>
template <class F, class G>
inline auto Deferred<T>::add_callbacks(F&& callback, G&& errback, SourceLocation where) && {
  using Callback = std::decay_t<F>;
  static_assert(detail::takes<Callback, Stored<T>>,
                "add_callbacks: the callback cannot be called with this Deferred's value; take it "
                "by value, const& or &&");
  using U = typename detail::ResultOf<detail::Returned<Callback, Stored<T>>>::Value;
  detail::check_errback<U, std::decay_t<G>>();
  return append<U, detail::Stage<T, U, Callback, std::decay_t<G>>>(where, std::forward<F>(callback),
                                                                   std::forward<G>(errback));
}

template <class T>
template <class F>
inline auto Deferred<T>::add_both(F&& f, SourceLocation where) && {
  using Both = std::decay_t<F>;
  static_assert(std::is_invocable_v<Both&, Outcome<T>>,
                "add_both: the callable must take an Outcome of this Deferred's type");
  using U = typename detail::ResultOf<std::decay_t<std::invoke_result_t<Both&, Outcome<T>>>>::Value;
  return append<U, detail::BothStage<T, U, Both>>(where, std::forward<F>(f));
}

template <class T>
void Deferred<T>::chain(Promise<T> next) && {
  if (!state_.valid()) detail::throw_moved_from();
  if (!detail::DeferredAccess::chain(next).may_fire()) return state_.drop_unreported();
  if (!state_.chain()) return next.fire(state_.take());
  if (detail::DeferredAccess::chain(next).is_awaited_by(state_.chain())) {
    throw CircularChainError("chain(): this Deferred waits for the one it would fire");
  }
  detail::Chain* const other = detail::DeferredAccess::release(next);
  state_.release_chain()->pipe_to(other, &detail::Cell<Stored<T>>::move);
}

namespace detail {

template <class T, class U>
void ChainSlot<T, U>::follow(Deferred<U>&& inner) {
  DeferredState<U>& state = DeferredAccess::state(inner);
  if (!state.valid()) throw_moved_from();
  Chain* const other = state.chain();
  if (!other) {
    if (state.has_value())
      return emplace([&]() noexcept -> Stored<U> { return state.take_value(); });
    chain_.set_failure(state.take_failure());
    chain_.note_passed(where_);
    return;
  }
  if (chain_.is_awaited_by(other)) {
    throw CircularChainError("a callback returned a Deferred that waits for that same callback");
  }
  state.release_chain();
  if (other->has_result()) {
    Cell<Stored<U>>::move(*other, chain_);
    chain_.note_passed(where_);
    other->drop_consumer();
  } else {
    chain_.follow(other, &Cell<Stored<U>>::move, where_);
  }
}

template <class U>
void ReadyTarget<U>::follow(Deferred<U>&& inner) {
  if (!inner.valid()) throw_moved_from();
  state_ = std::move(DeferredAccess::state(inner));
  state_.note_passed(where_);
}

/// A user's canceller, kept in the chain's arena.
template <class T, class C>
struct CancellerOf : Canceller {
  CancellerOf(Chain& owner, C&& moved)
      : Canceller(owner, &ask_it, &destroy_it), f(std::move(moved)) {}

  static Cancelling ask_it(Canceller& self) {
    C& call = static_cast<CancellerOf&>(self).f;
    if constexpr (std::is_invocable_v<C&, Promise<T>&>) {
      self.chain.retain();
      Promise<T> promise = DeferredAccess::promise<T>(&self.chain);
      struct GiveBack {  // unless the canceller moved it away, it still fires by itself
        Promise<T>& promise;
        ~GiveBack() {
          if (Chain* const chain = DeferredAccess::release(promise)) chain->release();
        }
      } give_back{promise};
      return ask_to_cancel(call, promise);
    } else {
      return ask_to_cancel(call);
    }
  }
  static void destroy_it(Canceller& self) noexcept {
    auto& canceller = static_cast<CancellerOf&>(self);
    Chain& owner = canceller.chain;
    canceller.~CancellerOf();
    owner.free_arena(&canceller, sizeof(CancellerOf), alignof(CancellerOf));
  }

  C f;
};

template <class T, class C>
void set_canceller(Chain& chain, C&& canceller) {
  using Kept = CancellerOf<T, C>;
  void* const memory = chain.arena(sizeof(Kept), alignof(Kept));
  try {
    chain.set_canceller(::new (memory) Kept(chain, std::move(canceller)));
  } catch (...) {
    chain.free_arena(memory, sizeof(Kept), alignof(Kept));
    throw;
  }
}

}  // namespace detail

// `inline` here and below is for g++, which inlines templates more readily when they say so.
template <class T>
[[gnu::always_inline]] inline std::pair<Promise<T>, Deferred<T>> make_deferred(
    SourceLocation where) {
  detail::Chain* const chain = detail::Chain::make(where);
  return {detail::DeferredAccess::promise<T>(chain), detail::DeferredAccess::deferred<T>(chain)};
}

template <class T, class C>
  requires(std::is_invocable_v<C&> || std::is_invocable_v<C&, Promise<T>&>)
std::pair<Promise<T>, Deferred<T>> make_deferred(C canceller, SourceLocation where) {
  detail::Chain* const chain = detail::Chain::make(where);
  try {
    detail::set_canceller<T>(*chain, std::move(canceller));
  } catch (...) {  // no ends yet: the block goes without being fired
    chain->release();
    chain->release();
    throw;
  }
  return {detail::DeferredAccess::promise<T>(chain), detail::DeferredAccess::deferred<T>(chain)};
}

template <class T>
[[gnu::always_inline]] inline Deferred<std::decay_t<T>> succeed(T&& value) {
  using V = std::decay_t<T>;
  Deferred<V> ready;
  detail::DeferredAccess::state(ready).emplace([&]() -> V { return std::forward<T>(value); });
  return ready;
}
inline Deferred<void> succeed() {
  Deferred<void> ready;
  detail::DeferredAccess::state(ready).emplace([]() noexcept { return Unit{}; });
  return ready;
}

template <class T, class E>
inline Deferred<T> fail(E&& error, SourceLocation where) {
  Deferred<T> ready;
  detail::DeferredAccess::state(ready).fail(detail::to_failure(std::forward<E>(error), where));
  return ready;
}

template <class F, class... A>
auto maybe_deferred(F&& f, A&&... arguments) {
  return succeed().add_callback(
      [&] { return std::invoke(std::forward<F>(f), std::forward<A>(arguments)...); });
}

}  // namespace deferred
