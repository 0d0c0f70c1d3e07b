// SPDX-License-Identifier: MIT
// fork(): in the child the reactors of the parent are dead. They are all in one list, which is
// locked while the process forks; of the threads only the one that forked goes on in the child.
#include <pthread.h>

#include <mutex>
#include <system_error>

#include "deferred/reactor/detail/gdb_layout.hpp"
#include "deferred/reactor/detail/signal_node.hpp"
#include "deferred/reactor/reactor.hpp"

namespace deferred::detail {
namespace {

constinit std::mutex all;  // held over a fork()

// What stands for threads, processes and connections of the parent is no child's to end. Held here,
// so that nobody takes it for a leak.
constinit Service* of_parents = nullptr;

void keep(Service* services) noexcept {
  Service** last = &of_parents;
  while (*last) last = &(*last)->older;
  *last = services;
}

void before_fork() {
  all.lock();
  lock_signals();
}
void in_parent() {
  unlock_signals();
  all.unlock();
}
void in_child() {
  forget_signals();
  for (Reactor* reactor = all_reactors.first; reactor;) reactor = ReactorAccess::die(*reactor);
  all_reactors.first = nullptr;
  in_parent();
}

}  // namespace

void ReactorAccess::enlist(Reactor& reactor) {
  static const int error = ::pthread_atfork(&before_fork, &in_parent, &in_child);
  if (error != 0) throw std::system_error(error, std::generic_category(), "reactor: atfork");
  const std::lock_guard lock(all);
  Reactor*& first = all_reactors.first;
  reactor.next_of_process_ = first;
  if (first) first->previous_of_process_ = &reactor;
  first = &reactor;
}

void ReactorAccess::delist(Reactor& reactor) noexcept {
  const std::lock_guard lock(all);
  if (reactor.dead_) return;
  Reactor* const next = reactor.next_of_process_;
  Reactor* const previous = reactor.previous_of_process_;
  (previous ? previous->next_of_process_ : all_reactors.first) = next;
  if (next) next->previous_of_process_ = previous;
}

Reactor* ReactorAccess::die(Reactor& reactor) noexcept {
  reactor.dead_ = true;
  reactor.crashed_ = true;  // a run() that the fork was in ends when control comes back to it
  reactor.awake_ = true;    // nothing is armed any more
  reactor.ready_.forget();
  reactor.next_turn_.forget();
  keep(reactor.services_.leave());
  reactor.inbox_->die();
  reactor.backend_->forked();
  return reactor.next_of_process_;
}

}  // namespace deferred::detail
