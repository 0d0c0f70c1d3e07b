// SPDX-License-Identifier: MIT
//
// Tracer: is told what a reactor does. Next: report_slow.hpp, which is one.
#pragma once

#include "deferred/memory/api.hpp"

namespace deferred {

class Reactor;
class TaskRef;

/// To be derived from and given to Reactor::trace(). Each is called on the reactor's thread, inside
/// of what it tells of; what runs outside of turns - a Deferred coroutine up to its first wait - is
/// its caller's. A task pays for it only if one was set while it lived.
class DEFERRED_API Tracer {
 public:
  Tracer() = default;
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;
  virtual ~Tracer() = default;

  virtual void turn_begins(Reactor&) noexcept {}
  virtual void turn_ends(Reactor&) noexcept {}
  /// It was spawned, or called. It has no name yet. REQUIRES: it is left alone here.
  virtual void task_begins(const TaskRef&) noexcept {}
  /// It goes on, from the place() that it has.
  virtual void task_runs(const TaskRef&) noexcept {}
  /// It waits again, or is done.
  virtual void task_has_run(const TaskRef&) noexcept {}
  /// Its frames are gone.
  virtual void task_ends(const TaskRef&) noexcept {}
};

}  // namespace deferred
