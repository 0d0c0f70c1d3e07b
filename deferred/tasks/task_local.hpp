// SPDX-License-Identifier: MIT
//
// TaskLocal: a variable of which each microthread has its own value. (Python: contextvars)
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/context.hpp"
#include "deferred/reactor/task_ref.hpp"

namespace deferred {

/// What TaskLocal::set() gives: dropped, it takes the value away from the microthread where it was
/// set, wherever and in whatever order that is; the newest that is still set is seen there then.
/// REQUIRES: dropped on its thread.
class [[nodiscard]] DEFERRED_API RestoreTaskLocal {
 public:
  /// For set().
  explicit RestoreTaskLocal(std::unique_ptr<detail::ContextNode> fresh);
  RestoreTaskLocal(RestoreTaskLocal&& other) noexcept
      : task_(std::move(other.task_)),
        thread_(other.thread_),
        node_(std::exchange(other.node_, nullptr)) {}
  RestoreTaskLocal& operator=(RestoreTaskLocal&&) = delete;
  ~RestoreTaskLocal() {
    if (node_) restore();
  }
  /// Lets the value be.
  void detach() && noexcept { node_ = nullptr; }

 private:
  void restore() noexcept;

  TaskRef task_;                     // where it was set; empty: in no microthread
  const void* thread_;               // of this thread
  const detail::ContextNode* node_;  // null: nothing to do
};

/// What was set is seen by the microthread that has set it, with all its subtasks, and by those it
/// spawns from then on, and calls of Deferred coroutines: each has the values that its maker had,
/// and goes on with its own. A callback or a post sees what whoever fires or runs it sees; code
/// outside of microthreads, its thread's. A function in another thread, or a task that another
/// thread's reactor runs, begins with none.
///
///     const TaskLocal<std::string> request_id;   // often a variable of a namespace
///     const auto restore = request_id.set("17");
///     log(request_id.get());
///
/// Until the first is set in a process, what begins a microthread asks one flag, and nothing else
/// pays. REQUIRES: the value's destructor does not use a TaskLocal.
template <class T>
class TaskLocal {
  static_assert(!std::is_reference_v<T>, "TaskLocal: it holds values; let it hold a pointer");

 public:
  TaskLocal()
    requires std::is_default_constructible_v<T>
      : initial_() {}
  explicit TaskLocal(T initial) : initial_(std::move(initial)) {}
  TaskLocal(const TaskLocal&) = delete;
  TaskLocal& operator=(const TaskLocal&) = delete;

  /// The value here; the initial one, if it was not set. Valid until that is restored.
  const T& get() const noexcept {
    const auto* const found = static_cast<const T*>(detail::context_value(key_));
    return found ? *found : initial_;
  }

  /// The value in another task. Valid until that is restored there, or the task has ended.
  /// REQUIRES: task.valid().
  const T& of(const TaskRef& task) const noexcept {
    const auto* const found =
        static_cast<const T*>(detail::context_value(key_, task.microthread()));
    return found ? *found : initial_;
  }

  /// Sets it for the running microthread, until what this gives is dropped. Throws std::bad_alloc,
  /// and what T's move throws.
  RestoreTaskLocal set(T value) const;

 private:
  const std::uint64_t key_ = detail::next_context_key();
  T initial_;
};

namespace detail {

template <class T>
struct TaskLocalNode : ContextNode {
  TaskLocalNode(std::uint64_t of, T&& given) : ContextNode(of, &set_to), set_to(std::move(given)) {}
  T set_to;
};

}  // namespace detail

template <class T>
RestoreTaskLocal TaskLocal<T>::set(T value) const {
  static_assert(detail::ordinary_alignment<T>,
                "TaskLocal: the value is over-aligned: let it hold a std::unique_ptr to it");
  return RestoreTaskLocal(std::make_unique<detail::TaskLocalNode<T>>(key_, std::move(value)));
}

}  // namespace deferred
