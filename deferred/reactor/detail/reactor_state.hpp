// SPDX-License-Identifier: MIT
//
// ReactorState: what a Reactor holds. Part of reactor.hpp: include that.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "deferred/reactor/backend.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/remote_end.hpp"
#include "deferred/reactor/detail/runnable.hpp"
#include "deferred/reactor/detail/services.hpp"
#include "deferred/reactor/detail/timer_heap.hpp"
#include "deferred/reactor/registry.hpp"
#include "deferred/reactor/round_order.hpp"
#include "deferred/reactor/shutdown_trigger.hpp"
#include "deferred/reactor/signal_watch.hpp"
#include "deferred/reactor/watch.hpp"
#include "deferred/results/failure.hpp"

namespace deferred {

class Reactor;
class Tracer;

/// Takes what a reactor's callbacks throw, and StuckError; `by` says what threw it.
using ErrorHook = std::function<void(const Failure&, std::string_view by)>;

namespace detail {

struct Family;
struct Microthread;

struct ReactorState {
  ReactorState(Backend& backend, Inbox& inbox, ThreadChecks checks)
      : backend_(&backend), inbox_(&inbox), checks_(checks) {}
  ReactorState(const ReactorState&) = delete;
  ReactorState& operator=(const ReactorState&) = delete;

  std::unique_ptr<Backend> owned_backend_;
  Backend* backend_;
  Inbox* inbox_;  // counted
  RunQueue ready_;
  RunQueue next_turn_;
  int event_interval_ = 256;
  const ThreadChecks checks_;
  bool awake_ = false;   // in a turn, or one is armed for as soon as possible
  bool ending_ = false;  // in its destructor
  bool running_ = false;
  bool now_is_known_ = false;
  bool in_turn_ = false;
  bool crashed_ = false;
  bool dead_ = false;                 // this is the child of a fork(), and it is the parent's
  bool stuck_ = false;                // it has been reported in this run
  bool overseen_ = false;             // somebody is told of turns, or orders their rounds
  std::uint32_t in_watch_ = 0;        // in so many callbacks of watches, one inside the other
  std::uint32_t turns_ = 0;           // that have begun; it wraps around
  TimePoint now_ = TimePoint::min();  // never goes back
  TimePoint armed_ = TimePoint::max();
  TimerHeap timers_;
  // For timers that are set: the present, while older ones may be due in this turn.
  TimePoint not_before_ = TimePoint::min();
  Registry registry_;
  Microthread* tasks_ = nullptr;      // the live ones that are in no nursery
  Family* loose_families_ = nullptr;  // nurseries on no stack
  Microthread* failed_ = nullptr;     // that have failed, and whose Spawned was not asked yet
  std::size_t task_count_ = 0;
  std::uint64_t last_task_id_ = 0;
  Tracer* tracer_ = nullptr;
  std::unique_ptr<RoundOrder> order_;
  std::vector<Runnable*> room_;                // for a round that is put in order; else empty
  RemoteEnd* remote_ends_ = nullptr;           // all outstanding ones
  std::vector<std::unique_ptr<FdEntry>> fds_;  // by fd
  std::size_t watched_fds_ = 0;
  SignalNode* signals_ = nullptr;  // all active ones
  Triggers triggers_;
  std::shared_ptr<Shutdown> shutdown_;  // made by the first one
  ErrorHook error_hook_;
  Services services_;
  Reactor* next_on_thread_ = nullptr;
  Reactor* next_of_process_ = nullptr;
  Reactor* previous_of_process_ = nullptr;
};

}  // namespace detail
}  // namespace deferred
