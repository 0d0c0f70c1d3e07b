// SPDX-License-Identifier: MIT
//
// TaskRef: a handle to a microthread, to look at it, cancel it or close it. Does not give its
// result: that is Spawned's. Next: tasks/spawn.hpp.
#pragma once

#include <cassert>
#include <cstdint>
#include <string>
#include <utility>

#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/results/failure.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
/// Refers to a microthread; copyable; may outlive it and its reactor.
class TaskRef {
 public:
  TaskRef() noexcept = default;
  explicit TaskRef(detail::Microthread& m) noexcept : m_(&m) { m_->retain(); }
  TaskRef(const TaskRef& other) noexcept : m_(other.m_) {
    if (m_) m_->retain();
  }
  TaskRef(TaskRef&& other) noexcept : m_(std::exchange(other.m_, nullptr)) {}
  TaskRef& operator=(TaskRef other) noexcept {
    std::swap(m_, other.m_);
    return *this;
  }
  ~TaskRef() {
    if (m_) m_->release();
  }

  /// The one whose code runs on this thread; an empty one if there is none.
  static TaskRef running() noexcept {
    detail::Microthread* const m = detail::current_microthread;
    return m ? TaskRef(m->whole()) : TaskRef();
  }

  bool valid() const noexcept { return m_ != nullptr; }
  friend bool operator==(const TaskRef&, const TaskRef&) noexcept = default;

  // The rest is for one that is valid(). For another, what is not noexcept throws std::logic_error;
  // what is ends the program where assert() does, and else says "done" and does nothing.

  /// Counts from 1 in each reactor; 0 if it has no reactor.
  std::uint64_t id() const noexcept { return refers() ? m_->id() : 0; }
  std::string name() const { return task().extras() ? m_->extras()->name : std::string(); }
  /// For dumps and reports.
  void set_name(std::string name) { detail::extras_of(task()).name = std::move(name); }
  /// It has returned, thrown, or was closed.
  bool done() const noexcept { return !refers() || m_->is(detail::Microthread::done); }

  /// Throws Cancelled where it waits, in the next round, and again at every later await, so that no
  /// catch can lose it. A wait that has its answer already gives the value first. If it has not
  /// started, it runs to its first await.
  void cancel() noexcept {
    if (refers()) detail::cancel_level(*m_);
  }
  /// Cancels, once, what it waits on, as Deferred::cancel() of its result does; if it does not
  /// wait, its next wait that is not answered at once. To be told to the task itself: a cancel that
  /// came too late for what it was meant for is left for a later await.
  void cancel_once() noexcept {
    if (refers()) detail::cancel_once(*m_);
  }
  /// Throws `error` where it waits, or at its next await if it is about to go on. If it is done,
  /// the error is thrown here instead; if it is running, TaskRunningError is. (PJE: throw)
  template <class E>
  void throw_(E&& error, SourceLocation where = SourceLocation::current()) {
    if constexpr (std::is_same_v<std::decay_t<E>, Failure>) {
      detail::throw_into(task(), std::forward<E>(error));
    } else {
      detail::throw_into(task(), Failure(std::forward<E>(error), where));
    }
  }
  /// Destroys it at once: its frames, leaf first, in a loop; nothing can catch that. If its own
  /// code is running, as soon as that gives control back. Its result is an AbandonedError.
  void close() noexcept {
    if (refers()) detail::close(*m_);
  }

  /// It does not go on until resume() has been called as often: a wait that has its answer keeps
  /// it. One that runs goes on to its next wait that is not answered at once. A cancel of it as
  /// a whole ends the pause; one of a scope in it waits, as its limits do; close() does not. Done:
  /// nothing. (Twisted: CooperativeTask.pause)
  void pause() { detail::pause(task()); }
  /// Throws NotPausedError if it is not paused. Done: nothing.
  void resume() { detail::unpause(task()); }

  /// The reactor it runs on. Throws NoReactorError if it has none, or is done.
  Reactor& reactor() const {
    if (!task().reactor || done()) detail::no_reactor(*m_);
    return *m_->reactor;
  }

  /// For the machinery. REQUIRES: valid().
  detail::Microthread& microthread() const noexcept { return *m_; }

  /// "task #7 waiting on Pause at a.cpp:3 in f, from b.cpp:9 in g".
  std::string where() const { return detail::describe(task()); }
  /// Only the place: "at a.cpp:3 in f, from b.cpp:9 in g"; empty if it is done, or not known.
  std::string place() const { return detail::place_of(task()); }

 private:
  bool refers() const noexcept {
    assert(m_ && "an empty TaskRef is nobody's: it was moved from, or never given a task");
    return m_ != nullptr;
  }
  detail::Microthread& task() const {
    if (!m_) [[unlikely]]
      detail::throw_empty_task_ref();
    return *m_;
  }

  detail::Microthread* m_ = nullptr;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
