// SPDX-License-Identifier: MIT
//
// BranchFrame: where the wait of a microthread stands that is a branch, and has no coroutine. Next:
// tasks/detail/branch_base.hpp.
#pragma once

#include "deferred/memory/api.hpp"
#include "deferred/reactor/detail/frame.hpp"

namespace deferred::detail {

struct Microthread;

struct BranchFrame : FrameBase {
  Microthread* part_of = nullptr;  // whose wait it is a part of; null: nobody's, or not any more
  bool keeps_whole = false;        // it has lost in its handler, whose code is that one's still
  void (*closed)(BranchFrame&) noexcept = nullptr;  // ends it, for close(); null: nobody can
};

/// Makes `branch` a part of the wait that `whole` is in: with that its own is over, too. REQUIRES:
/// `whole` has extras.
void join_wait(Microthread& branch, Microthread& whole) noexcept;
/// It is a part of no other wait from here on.
void leave_wait(Microthread& branch) noexcept;
/// Nobody takes its answer any more: its Waiters are stale. REQUIRES: it is not done.
void expire_branch(Microthread& branch) noexcept;
/// The same of all parts of the wait that `whole` was in.
DEFERRED_API void expire_branches(Microthread& whole) noexcept;

}  // namespace deferred::detail
