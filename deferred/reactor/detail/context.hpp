// SPDX-License-Identifier: MIT
//
// Context: the values of TaskLocals, as one microthread has them. A list that is shared with those
// it has spawned, and never changed: whoever sets a value puts a node before it. Next:
// tasks/task_local.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/free_list.hpp"

namespace deferred::detail {

struct Microthread;

/// A value, or that there is none any more. Counted; stays on its thread.
struct ContextNode : Recycled {
  ContextNode(std::uint64_t of, const void* set_to) noexcept : key(of), value(set_to) {}
  ContextNode(const ContextNode&) = delete;
  ContextNode& operator=(const ContextNode&) = delete;
  virtual ~ContextNode() = default;

  const std::uint64_t key;  // the TaskLocal's number
  const void* const value;  // null: its initial one
  std::uint32_t refs = 1;
  ContextNode* next = nullptr;  // set before it: counted
};
void release_context(ContextNode* first) noexcept;

/// A counted pointer to a list of them.
class Context {
 public:
  constexpr Context() noexcept = default;
  explicit Context(ContextNode* counted) noexcept : first_(counted) {}
  Context(const Context& other) noexcept : first_(other.first_) {
    if (first_) ++first_->refs;
  }
  Context(Context&& other) noexcept : first_(std::exchange(other.first_, nullptr)) {}
  Context& operator=(Context other) noexcept {
    std::swap(first_, other.first_);
    return *this;
  }
  ~Context() {
    if (first_) release_context(first_);
  }

  ContextNode* first() const noexcept { return first_; }
  /// Puts a new node before the others.
  void push(ContextNode* fresh) noexcept {
    fresh->next = first_;
    first_ = fresh;
  }
  /// Takes one out, if it is there; those that share the list keep it. Without memory for copies of
  /// what stands before it, it stays.
  void remove(const ContextNode* node) noexcept;

 private:
  ContextNode* first_ = nullptr;
};

/// Whether a TaskLocal was ever set in this process.
DEFERRED_API extern constinit std::atomic<bool> contexts_are_used;
/// A new microthread has what its maker has. If that fails, releases it and throws std::bad_alloc.
[[gnu::cold]] DEFERRED_API void inherit_context(Microthread* fresh);
/// What the running code sees, of its microthread or its thread: null, if it was not set.
DEFERRED_API const void* context_value(std::uint64_t key) noexcept;
/// What a microthread sees.
DEFERRED_API const void* context_value(std::uint64_t key, const Microthread& of) noexcept;
/// Where the running code sets. Throws std::bad_alloc. / Of a microthread that has one; of null,
/// the thread's.
Context& current_context();
Context& context_of(Microthread* m) noexcept;
/// A mark of the running thread.
const void* this_context_thread() noexcept;
DEFERRED_API std::uint64_t next_context_key() noexcept;

}  // namespace deferred::detail
