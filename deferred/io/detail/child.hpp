// SPDX-License-Identifier: MIT
//
// Child: a process that was started, until it is reaped. Reaper: a reactor's children.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/exit.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/yieldables/event.hpp"

namespace deferred::io::detail {

class Reaper;

/// A child whose reactor is gone: one that is not reaped yet is tried again at each start.
struct Orphan {
  Descriptor pidfd;
  std::unique_ptr<Orphan> next;
};

/// Its last owner's end kills it, if it runs still.
class Child {
 public:
  /// Takes over a process that was just started. Without a pidfd it is gone already.
  Child(Reactor& reactor, Reaper& reaper, int pid, Descriptor pidfd);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  void signal(int number) noexcept;
  void signal_group(int number) noexcept;

  int pid;
  std::optional<Exit> exit;
  Event ended;

 private:
  bool runs() const noexcept;
  void on_end(Reaper& reaper) noexcept;

  int parent_;  // a child of fork() has the pidfd too, but not the right
  std::unique_ptr<Orphan> orphan_;
  Descriptor pidfd_;  // before what watches it
  Watch watch_;
};

/// Owns a reactor's children until they are reaped, with their Process or without.
class Reaper {
 public:
  explicit Reaper(Reactor&) noexcept {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// So that the next add() cannot fail.
  void make_room() { children_.reserve(children_.size() + 1); }
  void add(std::shared_ptr<Child> child) noexcept { children_.push_back(std::move(child)); }
  void remove(const Child& child) noexcept;

 private:
  std::vector<std::shared_ptr<Child>> children_;
};

/// Those whose reactors are gone, as far as they have ended.
void reap_orphans() noexcept;

}  // namespace deferred::io::detail
