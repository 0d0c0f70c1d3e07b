// SPDX-License-Identifier: MIT
//
// The root of a microthread: made, run by the reactor's queue, and its result collected.
#pragma once

#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/detail/chain.hpp"  // with Cell

namespace deferred::detail {

[[noreturn, gnu::cold]] DEFERRED_API void throw_spawned_moved_from();

/// Says to the nursery of one that has failed why, before anybody else hears of it.
DEFERRED_API void tell_family(Microthread& m, Failure& failure) noexcept;

/// A new microthread without a frame, on no reactor, with one reference.
inline Microthread* make_microthread(void (*run)(Runnable&, bool) noexcept) {
  auto* const m = new Microthread;
  m->run = run;
  return m;
}
/// The same with the TaskLocals of the code that makes it.
inline Microthread* make_heir(void (*run)(Runnable&, bool) noexcept) {
  Microthread* const m = make_microthread(run);
  if (contexts_are_used.load(std::memory_order_relaxed)) [[unlikely]]
    inherit_context(m);
  return m;
}

/// The result of a finished root frame, into a chain's empty slot.
template <class T>
void move_result(ResultFor<T>& from, Chain& to) noexcept {
  try {
    if (from.state == Wait::State::value) {
      using Value = Stored<Delivered<T>>;
      Cell<Value>::emplace(to, [&]() -> Value { return Value(std::move(from.value)); });
    } else {
      to.set_failure(std::move(from.failure));
    }
  } catch (...) {
    to.set_failure(Failure::current());
  }
}

/// The result of a microthread that is done, out of its root frame and into a chain for its
/// Spawned. Without memory for that it throws, and the frame stays.
template <class T>
void give_up_frame(Microthread& m) {
  Chain* const chain = Chain::make_fired();
  auto& result = static_cast<ResultFor<T>&>(*std::exchange(m.leaf, nullptr));
  m.completion() = chain;
  move_result<T>(result, *chain);
  destroy_frame(result);
}

/// Nobody asks for the result of a microthread that is done. Its failure, if it failed.
template <class T>
Failure drop_result(Microthread& m) noexcept {
  ReactorAccess::forget_failed(m);
  Failure failure;
  if (FrameBase* const frame = std::exchange(m.leaf, nullptr)) {
    auto& result = static_cast<ResultFor<T>&>(*frame);
    if (result.state == Wait::State::failure) failure = std::move(result.failure);
    destroy_frame(result);
  } else if (Chain* const chain = std::exchange(m.completion(), nullptr)) {
    if (chain->state() == Chain::State::failure) failure = chain->take_failure();
    chain->drop_unreported();
  }
  return failure;
}

/// Moves a finished microthread's result to where it is wanted, and destroys its root frame.
template <class T>
void collect(Microthread& m) noexcept {
  auto& result = static_cast<ResultFor<T>&>(*m.leaf);
  const bool failed = result.state == Wait::State::failure;
  // One that gives an Outcome does not fail with what is in it.
  if (failed && m.family && is_plain_value<T>) [[unlikely]]
    tell_family(m, result.failure);
  if (Chain* const chain = std::exchange(m.completion(), nullptr)) {
    m.leaf = nullptr;
    const bool wanted = !chain->fired();
    if (wanted) move_result<T>(result, *chain);
    destroy_frame(result);
    retire(m);
    if (wanted) chain->fire();
    chain->drop_promise(typeid(T));
    return;
  }
  if (m.is(Microthread::has_handle)) {
    try {
      give_up_frame<T>(m);
    } catch (...) {  // for want of memory: the Spawned asks the frame
    }
    Reactor* const reactor = m.reactor;
    // The frame may have owned the Spawned; and of a child's failure its nursery knows.
    const bool kept = m.is(Microthread::has_handle) && !m.is(Microthread::silent);
    retire(m);
    if (failed && kept && reactor) ReactorAccess::keep_failed(*reactor, m);
    return;
  }
  m.leaf = nullptr;
  const Failure failure = failed ? std::move(result.failure) : Failure();
  destroy_frame(result);
  if (failure) report_unhandled(m, failure);
  retire(m);
}

/// What the reactor's queue calls for a microthread whose result is a T.
template <class T>
void run_microthread(Runnable& self, bool alive) noexcept {
  auto& m = static_cast<Microthread&>(self);
  if (m.is(Microthread::done)) [[unlikely]] {
    m.unset(Microthread::queued);
    m.release();  // it was closed while queued
  } else if (!alive) [[unlikely]] {
    m.unset(Microthread::queued);
  } else {
    m.awaits_left = Microthread::most_awaits;
    if (!resume(m)) return;
    if (m.family) [[unlikely]]
      return end_child(m, &collect<T>);
    collect<T>(m);
  }
}

}  // namespace deferred::detail
