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

class [[gnu::visibility("hidden")]] Reaper;

/// A child whose reactor is gone: one that is not reaped yet is tried again at each start.
struct Orphan {
  Descriptor pidfd;
  Orphan* next = nullptr;
};

/// Its last owner's end kills it, if it runs still, and reaps it.
class Child {
 public:
  /// Takes over a process that was just started. Without a pidfd it is gone already.
  Child(Reactor& reactor, Reaper& reaper, int pid, Descriptor pidfd);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  bool runs() const noexcept;
  /// To it alone; 0, or what the kernel says against it.
  int signal(int number) noexcept;
  /// To its group, which there may be after its own end too, until it is reaped. The child hears of
  /// it also if it has left its group.
  int signal_group(int number) noexcept;
  /// From now on its number may be another process's. REQUIRES: it has ended.
  void reap() noexcept;

  int pid;
  std::optional<Exit> exit;
  Event ended;

 private:
  bool is_ours() const noexcept;
  void on_end(Reaper& reaper) noexcept;

  int parent_;  // a child of fork() has the pidfd too, but not the right
  std::unique_ptr<Orphan> orphan_;
  Descriptor pidfd_;  // before what watches it; none once it is reaped
  Watch watch_;
};

/// Owns a reactor's children until they have ended, with their Process or without.
class [[gnu::visibility("hidden")]] Reaper {
 public:
  explicit Reaper(Reactor&) noexcept {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;

  /// So that the next add() cannot fail.
  void make_room() { children_.reserve(children_.size() + 1); }
  void add(std::shared_ptr<Child> child) noexcept { children_.push_back(std::move(child)); }
  /// Gives it, for it may be the last that owns it.
  std::shared_ptr<Child> remove(const Child& child) noexcept;

 private:
  std::vector<std::shared_ptr<Child>> children_;
};

/// Those whose reactors are gone, as far as they have ended.
void reap_orphans() noexcept;

}  // namespace deferred::io::detail
