// SPDX-License-Identifier: MIT
//
// What a program and its plug-in agree on.
#pragma once

#include <memory>
#include <stdexcept>

#include "deferred/results/deferred.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/tasks/value.hpp"

namespace plugin {

/// Has no handler but the one that the plug-in registers.
struct Question {
  int number;
};
/// Has one, which the plug-in takes the place of for `Host::jammed`.
struct Door {
  void yield_to(deferred::Waiter<int> waiter) const { waiter.resume(1); }
};
/// Thrown by one, caught by the other.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A service of the reactor, for both.
struct Tally {
  explicit Tally(deferred::Reactor&) {}
  int uses = 0;
};

struct Host {
  deferred::Reactor& reactor;
  Door jammed;
};

class Plugin {
 public:
  virtual ~Plugin() = default;

  /// `number` and one for each way to wait that the library knows.
  virtual deferred::Task<int> count(int number) = 0;
  virtual deferred::Deferred<int> count_later(int number) = 0;
  /// Uses the reactor's Tally.
  virtual void tally(deferred::Reactor& reactor) = 0;
  /// Twice what the host's Deferred gives.
  virtual deferred::Task<int> twice(deferred::Deferred<int> number) = 0;
  /// Runs out of time: the library's own exception.
  virtual deferred::Task<> run_out_of_time() = 0;
  virtual deferred::Task<> refuse() = 0;
  /// Fails with an exception that only the plug-in knows.
  virtual deferred::Task<> fail() = 0;
  virtual deferred::Deferred<int> fail_in_callback() = 0;
  /// The host's Deferred has failed with what only the plug-in knows.
  virtual bool knows(const deferred::Failure& failure) const = 0;
  /// Each raises that exception, outside of any turn, and catches it.
  virtual void raise_made() const = 0;
  virtual void raise_caught() const = 0;
};

}  // namespace plugin

using MakePlugin = plugin::Plugin*(plugin::Host&);
