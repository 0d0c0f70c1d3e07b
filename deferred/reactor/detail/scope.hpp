// SPDX-License-Identifier: MIT
//
// Scope and Family: the tree down which a cancel spreads, and close() goes. Next: cancel.hpp;
// tasks/detail/open_scope.hpp, which opens one around a library coroutine.
#pragma once

#include <cstdint>

#include "deferred/memory/api.hpp"
#include "deferred/reactor/backend.hpp"
#include "deferred/results/failure.hpp"

namespace deferred {
class Reactor;
}

namespace deferred::detail {

struct Microthread;

/// One cancel scope. Those of a microthread form a stack, which stands in its frames.
struct Scope {
  Scope* outer = nullptr;
  Scope* inner = nullptr;
  Microthread* task = nullptr;  // whose stack it is on; null: none's
  TimePoint deadline = TimePoint::max();
  std::uint32_t depth = 0;  // on that stack, from 1
  bool cancelled = false;   // it was asked for
  bool shield = false;      // what is cancelled around it is kept away
  bool holds_once = false;  // and one-shot cancels too
  bool held = false;        // by this one, or one around it
  bool effective = false;   // what happens in it is cancelled: by it, or from around it
  bool is_family = false;
};

/// The scope of a nursery: its microthreads hang below it instead of in the reactor's list.
struct Family : Scope {
  explicit Family(Reactor& of) noexcept : reactor(&of) { is_family = true; }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    if (gone) *gone = true;
  }

  Reactor* reactor;                 // null: it is gone
  Microthread* children = nullptr;  // the newest first
  Family* outer_family = nullptr;   // on the same stack
  Family* next_to_tell = nullptr;   // of those whose children are to hear of a cancel
  Family* previous_loose = nullptr;
  Family* next_loose = nullptr;  // of the reactor's that are on no stack
  bool* gone = nullptr;          // to be set at its end: its children are being closed
  /// A child has failed; before anybody else is told.
  void (*failed)(Family& family, const Failure& failure) noexcept = nullptr;
  /// A child is off the list, and its frames are gone.
  void (*ended)(Family& family) noexcept = nullptr;
};

/// Opens a scope inside of the innermost one, or ends the innermost. Opening may throw
/// std::bad_alloc, and then has opened nothing.
DEFERRED_API void push_scope(Microthread& m, Scope& scope);
DEFERRED_API void pop_scope(Microthread& m, Scope& scope) noexcept;
/// Cancels all that is in it, for good: its microthread's waits from there inwards, up to a shield,
/// and its children, and theirs. In a loop, however deep that is.
DEFERRED_API void cancel_scope(Scope& scope) noexcept;

/// Closes all children of a family that ends. One whose code runs, or is being closed around this
/// very call, becomes the reactor's, and goes when it gives control back.
DEFERRED_API void close_children(Family& family) noexcept;
/// The innermost family of a microthread that has children; null if none has.
Family* family_with_children(Microthread& m) noexcept;

}  // namespace deferred::detail
