// SPDX-License-Identifier: MIT
//
// TaskRef: a handle to a microthread, to look at it, cancel it or close it. Does not give its
// result: that is Spawned's. Next: tasks/spawn.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/describe.hpp"
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

  bool valid() const noexcept { return m_ != nullptr; }
  friend bool operator==(const TaskRef&, const TaskRef&) noexcept = default;

  // The rest REQUIRES: valid().

  /// Counts from 1 in each reactor; 0 if it has no reactor.
  std::uint64_t id() const noexcept { return m_->id(); }
  std::string name() const { return m_->extras() ? m_->extras()->name : std::string(); }
  /// For dumps and reports.
  void set_name(std::string name) { detail::extras_of(*m_).name = std::move(name); }
  /// It has returned, thrown, or was closed.
  bool done() const noexcept { return m_->is(detail::Microthread::done); }

  /// Throws Cancelled where it waits, in the next round, and again at every later await, so that no
  /// catch can lose it. A wait that has its answer already gives the value first. If it has not
  /// started, it runs to its first await.
  void cancel() noexcept { detail::cancel_level(*m_); }
  /// Cancels, once, what it waits on, as Deferred::cancel() of its result does; if it does not
  /// wait, its next wait that is not answered at once. To be told to the task itself: a cancel that
  /// came too late for what it was meant for is left for a later await.
  void cancel_once() noexcept { detail::cancel_once(*m_); }
  /// Throws `error` where it waits, or at its next await if it is about to go on. If it is done,
  /// the error is thrown here instead; if it is running, TaskRunningError is. (PJE: throw)
  template <class E>
  void throw_(E&& error, SourceLocation where = SourceLocation::current()) {
    if constexpr (std::is_same_v<std::decay_t<E>, Failure>) {
      detail::throw_into(*m_, std::forward<E>(error));
    } else {
      detail::throw_into(*m_, Failure(std::forward<E>(error), where));
    }
  }
  /// Destroys it at once: its frames, leaf first, in a loop; nothing can catch that. If its own
  /// code is running, as soon as that gives control back. Its result is an AbandonedError.
  void close() noexcept { detail::close(*m_); }

  /// The reactor it runs on. Throws NoReactorError if it has none, or is done.
  Reactor& reactor() const {
    if (!m_->reactor || done()) detail::no_reactor(*m_);
    return *m_->reactor;
  }

  /// For the machinery.
  detail::Microthread& microthread() const noexcept { return *m_; }

  /// "task #7 waiting on Pause at a.cpp:3 in f, from b.cpp:9 in g".
  std::string where() const { return detail::describe(*m_); }
  /// Only the place: "at a.cpp:3 in f, from b.cpp:9 in g"; empty if it is done, or not known.
  std::string place() const { return detail::place_of(*m_); }

 private:
  detail::Microthread* m_ = nullptr;
};
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
