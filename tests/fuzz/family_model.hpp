// SPDX-License-Identifier: MIT
//
// What the model knows of tasks and of what they wait in: which cancels may, and which have to come
// to a wait, and how the inputs of a join have ended. Next: parcels.hpp, families.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "deferred/deferred.hpp"

namespace deferred::fuzz {

/// An error, with a number of its own.
struct Trouble {
  unsigned number = 0;
};

/// A scope as the model has it: what cancels it is noted here when it is asked for.
struct Modelled {
  const Modelled* outer = nullptr;
  TimePoint deadline = TimePoint::max();
  bool cancelled = false;
  bool maybe = false;  // something was done that may have cancelled it
  bool shield = false;
};
enum class Expected { no, maybe, yes };
inline Expected cancelled_in(const Modelled* scope, TimePoint now) {
  Expected expected = Expected::no;
  for (; scope; scope = scope->outer) {
    if (scope->cancelled || scope->deadline < now) return Expected::yes;
    if (scope->maybe || scope->deadline == now) expected = Expected::maybe;
    if (scope->shield) break;
  }
  return expected;
}

enum class JoinKind { all, all_settled, any, race };

/// How an input of a join has ended that is a task.
struct InputEnd {
  enum class How { value, trouble, cancelled, other };
  std::size_t index = 0;
  How how = How::other;  // also of one that was closed
  unsigned trouble = 0;
};

/// A nursery, or a join with its inputs.
struct Kin {
  Nursery* nursery = nullptr;  // null once it is over, and of a join
  Modelled scope;
  int begun = 0, ended = 0;
  std::vector<unsigned> troubles;  // that have left its children
  JoinKind kind = JoinKind::all_settled;
  bool is_nested = false;      // some input is a join of others
  std::vector<InputEnd> ends;  // of tasks, as they came

  bool has(InputEnd::How how) const {
    return std::any_of(ends.begin(), ends.end(), [how](auto& end) { return end.how == how; });
  }
  /// The first end that decides a join of tasks cancels the others.
  void input_ended(const InputEnd& end) {
    ends.push_back(end);
    const bool is_value = end.how == InputEnd::How::value;
    if (kind == JoinKind::race || (kind == JoinKind::any && is_value) ||
        (kind == JoinKind::all && !is_value)) {
      scope.maybe = true;
    }
  }
};
using KinPointer = std::shared_ptr<Kin>;

/// A task. A one-shot cancel is due, until it comes, at the wait that it is in or else at its next;
/// a shield holds it. Where more than one thing cuts the same wait, none is due any more.
struct Member {
  Modelled scope;
  TaskRef task;
  int once = 0;  // one-shot cancels that may still come
  bool once_due = false;
  bool once_held = false;
  int shields = 0;
  bool begun = false;
  bool waits = false;    // for a thing, not for tasks
  bool meddled = false;  // its nurseries may be cancelled by one, or by what was thrown in
  bool closed = false;
  std::vector<Kin*> own;  // nurseries and joins it has open

  void was_meddled_with() {
    meddled = true;
    for (Kin* const kin : own) kin->scope.maybe = true;
  }
  void cancel_once() {
    ++once;
    was_meddled_with();
    if (shields != 0) {
      once_held = true;
    } else if (!begun || waits || task == TaskRef::running()) {
      once_due = true;
    }
    task.cancel_once();
  }
  void enter_shield() {
    if (shields++ == 0) once_held = std::exchange(once_due, false);
  }
  void leave_shield() {
    if (--shields == 0) once_due = std::exchange(once_held, false);
  }
};
using MemberPointer = std::shared_ptr<Member>;

}  // namespace deferred::fuzz
