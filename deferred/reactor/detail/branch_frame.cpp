// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/branch_frame.hpp"

#include <utility>

#include "deferred/reactor/detail/microthread.hpp"

namespace deferred::detail {

// They stand in a list of their own, from the newest on.
void join_wait(Microthread& branch, Microthread& whole) noexcept {
  Microthread*& first = whole.extras()->branches;
  static_cast<BranchFrame&>(*branch.leaf).part_of = &whole;
  branch.next_live = first;
  if (first) first->previous_live = &branch;
  first = &branch;
  if (whole.wait->state == Wait::State::open) whole.waiters |= Microthread::branched;
}

namespace {

void leave_list(Microthread& branch, Microthread& whole) noexcept {
  Microthread* const previous = std::exchange(branch.previous_live, nullptr);
  Microthread* const next = std::exchange(branch.next_live, nullptr);
  if (next) next->previous_live = previous;
  (previous ? previous->next_live : whole.extras()->branches) = next;
}

// The handler may end the whole's wait, and the whole.
void lose_in_handler(Microthread& branch) noexcept {
  auto& frame = static_cast<BranchFrame&>(*branch.leaf);
  if (!frame.part_of || std::exchange(frame.keeps_whole, true)) return;
  frame.part_of->retain();
  leave_list(branch, *frame.part_of);
}

}  // namespace

void leave_wait(Microthread& branch) noexcept {
  auto& frame = static_cast<BranchFrame&>(*branch.leaf);
  Microthread* const whole = std::exchange(frame.part_of, nullptr);
  if (!whole) return;
  if (std::exchange(frame.keeps_whole, false)) return whole->release();
  leave_list(branch, *whole);
}

void expire_branch(Microthread& branch) noexcept {
  if (branch.handling) {  // it ends, too late, as soon as its handler does
    lose_in_handler(branch);
    expire_branches(branch);
    if (branch.wait->state == Wait::State::open) branch.answer_with(Wait::State::cancelled);
    return;
  }
  leave_wait(branch);
  branch.expire();
  if (branch.is(Microthread::queued)) branch.retain();  // released when the queue comes to it
  branch.change(Microthread::suspended | Microthread::answered_ahead, Microthread::done);
}

void expire_branches(Microthread& whole) noexcept {
  if (const Extras* const extras = whole.extras()) {
    while (Microthread* const branch = extras->branches) expire_branch(*branch);
  }
}

}  // namespace deferred::detail
