// SPDX-License-Identifier: MIT
//
// FrameBase: what the machinery knows of a coroutine's frame, and how frames are called by each
// other. Next: microthread.hpp.
#pragma once

#include <coroutine>
#include <cstdint>

#include "deferred/memory/api.hpp"
#include "deferred/results/source_location.hpp"

namespace deferred::detail {

struct FrameBase;
struct Microthread;

/// The awaiter in a caller's frame that owns a called subtask.
struct CallLink {
  FrameBase* caller = nullptr;
  FrameBase* callee = nullptr;  // nulled by close(), which destroys the callee itself
};

/// What stands first in each coroutine's promise, so that a coroutine_handle can be made from it.
struct FrameHead {
  union {
    CallLink* called_by = nullptr;  // null in a root frame
    FrameHead* next_dropped;        // see drop_uncalled()
  };

  std::coroutine_handle<> handle() noexcept {
    return std::coroutine_handle<FrameHead>::from_promise(*this);
  }
};

/// The part of a promise that the machinery of microthreads walks.
struct FrameBase : FrameHead {
  Microthread* microthread = nullptr;
  SourceLocation where;  // the await it is in, or was in last
};

inline void destroy_frame(FrameHead& frame) noexcept { frame.handle().destroy(); }
/// The same of a coroutine that nobody has called: a loop, however long the row of such that are
/// each other's parameters.
DEFERRED_API void drop_uncalled(FrameHead& frame) noexcept;

/// Awaits inside the library have no place of their own.
inline bool is_listed(const SourceLocation& where) noexcept { return where.line() != 0; }

}  // namespace deferred::detail
