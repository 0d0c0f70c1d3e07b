// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/scope.hpp"

#include <utility>

#include "deferred/reactor/detail/cancel.hpp"
#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/detail/microthread.hpp"

namespace deferred::detail {
namespace {

// Families whose children are still to hear of a cancel. They may be deep in each other: they are
// gone through in a loop.
constinit thread_local Family* to_tell = nullptr;
constinit thread_local bool telling = false;

// From `first` inwards, up to a shield or to what is cancelled already.
void make_effective(Scope* first) noexcept {
  for (Scope* at = first; at && !at->effective && (at == first || !at->shield); at = at->inner) {
    at->effective = true;
    if (!at->is_family) continue;
    auto& family = static_cast<Family&>(*at);
    if (family.children) family.next_to_tell = std::exchange(to_tell, &family);
  }
}

void set_root_cancelled(Microthread& m) noexcept {
  m.set(Microthread::root_cancelled);
  Scope* const outermost = m.extras() ? m.extras()->outermost : nullptr;
  if (outermost && !outermost->shield) make_effective(outermost);
  update_cancelled(m);
  let_go_on(m);
}

void tell_children() noexcept {
  if (std::exchange(telling, true)) return;
  while (Family* const family = to_tell) {
    to_tell = family->next_to_tell;
    for (Microthread* child = family->children; child; child = child->next_live) {
      if (!child->is(Microthread::root_cancelled)) set_root_cancelled(*child);
    }
  }
  telling = false;
}

}  // namespace

void push_scope(Microthread& m, Scope& scope) {
  Extras& extras = extras_of(m);
  scope.task = &m;
  scope.outer = extras.innermost;
  scope.depth = scope.outer ? scope.outer->depth + 1 : 1;
  (scope.outer ? scope.outer->inner : extras.outermost) = &scope;
  extras.innermost = &scope;
  const bool around = scope.outer ? scope.outer->effective : m.is(Microthread::root_cancelled);
  scope.effective = scope.cancelled || (around && !scope.shield);
  if (scope.is_family) {
    auto& family = static_cast<Family&>(scope);
    family.outer_family = std::exchange(extras.innermost_family, &family);
  }
  scope.held = scope.holds_once || (scope.outer && scope.outer->held);
  if (scope.holds_once) {
    m.set(Microthread::shielded);
    if (m.is(Microthread::cancel_next)) {  // it came before, and has found no wait yet
      m.unset(Microthread::cancel_next);
      extras.held_once = true;
    }
  }
  if (scope.effective || m.is(Microthread::cancelled)) [[unlikely]]
    update_cancelled(m);
}

void pop_scope(Microthread& m, Scope& scope) noexcept {
  Extras& extras = *m.extras();
  extras.innermost = scope.outer;
  (scope.outer ? scope.outer->inner : extras.outermost) = nullptr;
  if (scope.is_family) {
    auto& family = static_cast<Family&>(scope);
    extras.innermost_family = family.outer_family;
    if (extras.may_have_children == &family) extras.may_have_children = family.outer_family;
  }
  if (scope.holds_once && !(scope.outer && scope.outer->held)) {
    m.unset(Microthread::shielded);
    if (std::exchange(extras.held_once, false)) m.set(Microthread::cancel_next);
  }
  if (scope.shield || m.is(Microthread::cancelled)) [[unlikely]]
    update_cancelled(m);
}

void cancel_scope(Scope& scope) noexcept {
  if (scope.task) scope.task->require_home("cancel()");
  scope.cancelled = true;
  make_effective(&scope);
  if (scope.task) update_cancelled(*scope.task);
  tell_children();
}

void cancel_level(Microthread& m) noexcept {
  m.require_home("cancel()");
  if (m.is(Microthread::done)) return;
  set_root_cancelled(m);
  tell_children();
}

Family* family_with_children(Microthread& m) noexcept {
  if (!m.extras()) return nullptr;
  Family*& family = m.extras()->may_have_children;
  while (family && !family->children) family = family->outer_family;
  return family;
}

void close_children(Family& family) noexcept {
  bool gone = false;  // with a child that owned it
  bool* const around = std::exchange(family.gone, &gone);
  while (!gone && family.children) {
    Microthread& child = *family.children;
    child.retain();
    close(child);
    if (!gone && family.children == &child) ReactorAccess::orphan(*child.reactor, child);
    child.release();
  }
  if (!gone) {
    family.gone = around;
  } else if (around) {
    *around = true;
  }
}

}  // namespace deferred::detail
