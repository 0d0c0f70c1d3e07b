// SPDX-License-Identifier: MIT
#include "deferred/reactor/reactor.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>

#include "deferred/reactor/detail/arrange.hpp"
#include "deferred/reactor/detail/describe.hpp"
#include "deferred/reactor/detail/interception.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/reactor/tracer.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {
namespace detail {

constinit thread_local Reactor* running_on_thread = nullptr;

}  // namespace detail
namespace {

// The reactors of this thread.
constinit thread_local Reactor* first_on_thread = nullptr;

[[noreturn]] void destroyed_inside(const char* what) noexcept {
  std::fprintf(stderr,
               "deferred: a Reactor was destroyed inside %s; stop() it, and destroy it outside\n",
               what);
  std::terminate();
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Backend> backend, detail::ThreadChecks checks)
    : Reactor(*backend, checks) {
  owned_backend_ = std::move(backend);
}

Reactor::Reactor(Backend& backend, detail::ThreadChecks checks)
    : Reactor(backend, checks, InboxHold(new detail::Inbox(backend))) {}

// The hold lets go of the inbox if what follows cannot be made.
Reactor::Reactor(Backend& backend, detail::ThreadChecks checks, InboxHold&& inbox)
    : ReactorState(backend, *inbox, checks) {
  detail::ReactorAccess::enlist(*this);
  static_cast<void>(inbox.release());
  backend_->drive(this);
  next_on_thread_ = std::exchange(first_on_thread, this);
}

Reactor::~Reactor() {
  require_home("the destructor");
  if (!dead_ && (running_ || in_turn_ || in_watch_)) destroyed_inside("of its own run or turn");
  detail::ReactorAccess::delist(*this);
  ending_ = true;
  error_hook_ = nullptr;  // what it refers to may be gone
  if (shutdown_) shutdown_->reactor = nullptr;
  awake_ = true;  // what destructors still post is dropped below, not armed for
  // First: a destructor below may join a thread that waits for its call.
  inbox_->refuse_calls(true);
  inbox_->discard();
  do {
    while (detail::Family* const family = loose_families_) {
      detail::close_children(*family);
      const bool is_left = loose_families_ == family && !family->children;
      if (is_left) detail::ReactorAccess::remove_loose(*family);
    }
    while (tasks_) close_or_leave(*tasks_);
    while (detail::RemoteEnd* const end = remote_ends_) {
      detail::ReactorAccess::remove_remote(*this, *end);
      end->reactor_gone(*end);
    }
    while (signals_) detail::ReactorAccess::remove_signal(*this, *signals_);
    for (const auto& trigger : std::exchange(triggers_, {})) trigger->drop();
    inbox_->close();
    registry_.clear();
    ready_.run_round(false);
    next_turn_.run_round(false);
    while (!timers_.empty()) {
      const TimePoint deadline = timers_.earliest();
      auto& node = static_cast<detail::TimerNode&>(timers_.pop());
      node.deadline = deadline;
      node.reactor = nullptr;
      node.state = detail::TimerNode::State::cancelled;
      node.drop_callable();
      node.release();
    }
    for (std::size_t fd = 0; fd < fds_.size(); ++fd) {
      if (fds_[fd]) fds_[fd]->reactor_gone();
    }
  } while (tasks_ || loose_families_ || remote_ends_ || signals_ || !triggers_.empty() ||
           !registry_.empty() || !ready_.empty() || !next_turn_.empty() || !timers_.empty() ||
           std::any_of(fds_.begin(), fds_.end(), [](auto& fd) { return fd && !fd->idle(); }) ||
           services_.end_newest());  // what its destructor leaves behind goes before the next one
  while (failed_) detail::ReactorAccess::forget_failed(*failed_);
  backend_->arm(TimePoint::max());
  backend_->drive(nullptr);
  inbox_->release();
  Reactor** link = &first_on_thread;
  while (*link && *link != this) link = &(*link)->next_on_thread_;
  if (*link) *link = next_on_thread_;
}

void Reactor::close_or_leave(detail::Microthread& m) {
  detail::close(m);
  if (tasks_ != &m) return;
  detail::Microthread& busy = detail::deepest_child(m);
  if (!busy.is_busy()) return;  // a new one, which a destructor has spawned
  if (!dead_) destroyed_inside("of one of its coroutines");
  if (busy.family) detail::ReactorAccess::orphan(*this, busy);
  detail::ReactorAccess::disown(*this, busy);  // it forked, and its code is still there
}

/// The state of a turn, and of what runs after the last one.
class Reactor::InTurn {
 public:
  explicit InTurn(Reactor& reactor) noexcept
      : reactor_(reactor), before_(std::exchange(detail::running_on_thread, &reactor)) {
    reactor_.in_turn_ = true;
    reactor_.awake_ = true;
    reactor_.now_is_known_ = false;
  }
  InTurn(const InTurn&) = delete;
  InTurn& operator=(const InTurn&) = delete;
  ~InTurn() {
    if (detail::raised_object) [[unlikely]]
      detail::forget_raised();
    detail::running_on_thread = before_;
    if (detail::free_list.has_grown) [[unlikely]]
      detail::tend_free_list(reactor_.now());
    reactor_.timers_.tend();
    reactor_.in_turn_ = false;
    reactor_.now_is_known_ = false;
    reactor_.arm_next();
  }

 private:
  Reactor& reactor_;
  Reactor* const before_;
};

inline void Reactor::begin_rounds() noexcept {
  ready_.prepend(next_turn_);
  if (timers_.empty()) {
    inbox_->drain(most_messages);
  } else {
    take_messages_and_timers();
  }
}

void Reactor::turn() noexcept {
  if (in_turn_ || dead_) return;
  const InTurn in_turn(*this);
  ++turns_;
  if (overseen_) [[unlikely]]
    return take_overseen_turn();
  begin_rounds();
  ready_.run_round(true);
  ready_.run_at_most(event_interval_);
  if (tracer_) [[unlikely]]
    tracer_->turn_ends(*this);
}

// Does what turn() does. Of a round that goes on, what is pushed meanwhile is no part; what it
// leaves is of the next one.
void Reactor::take_overseen_turn() noexcept {
  if (tracer_) tracer_->turn_begins(*this);
  begin_rounds();
  arrange_round();
  ready_.run_round(true);
  int left = event_interval_;
  while (left > 0 && !ready_.empty()) {
    arrange_round();
    detail::RunQueue round;
    round.prepend(ready_);
    left = round.run_at_most(left);
    if (!dead_) ready_.prepend(round);
  }
  if (tracer_) tracer_->turn_ends(*this);
}

void Reactor::arrange_round() noexcept {
  if (order_) detail::arrange(ready_, *order_, room_);
}

// What a message sets is for the next turn already.
inline void Reactor::take_messages_and_timers() noexcept {
  const std::uint64_t set_before = timers_.pushes();
  not_before_ = now();
  inbox_->drain(most_messages);
  fire_due_timers(set_before);
  not_before_ = TimePoint::min();
}

void Reactor::take_last_calls() noexcept {
  inbox_->refuse_calls(true);
  const InTurn in_turn(*this);
  inbox_->drain(detail::Inbox::all);
}

void Reactor::take_last_round() noexcept {
  const InTurn in_turn(*this);
  arrange_round();
  ready_.run_round(true);
}

[[gnu::cold]] void Reactor::require_here(const char* what) const noexcept {
  inbox_->home().require_here(what);
}

void Reactor::read_clock() noexcept {
  require_home("now()");
  now_ = std::max(now_, backend_->now());
  now_is_known_ = in_turn_;
}

void Reactor::arm_next() noexcept {
  awake_ = !ready_.empty() || !next_turn_.empty() || inbox_->has_more();
  armed_ = awake_ ? TimePoint::min() : !timers_.empty() ? timers_.earliest() : TimePoint::max();
  backend_->arm(armed_);
}

void Reactor::ask_for_turn() noexcept {
  awake_ = true;
  armed_ = TimePoint::min();
  backend_->arm(armed_);
}

Reactor& Reactor::current() {
  if (Reactor* const found = detail::ReactorAccess::find()) return *found;
  throw NoReactorError(
      "no reactor was named, none runs on this thread, and it has not exactly one: give the "
      "reactor, or do it in a task");
}

void Reactor::order_rounds(std::unique_ptr<RoundOrder> order) noexcept {
  require_home("order_rounds()");
  order_ = std::move(order);
  overseen_ = tracer_ || order_;
}

namespace detail {

void report_thrown(const char* by) noexcept {
  if (running_on_thread) {
    ReactorAccess::report(*running_on_thread, Failure::current(), by);
  } else {
    report_unhandled(Failure::current(), by);
  }
}

void ReactorAccess::report(Reactor& reactor, const Failure& failure, const char* by) noexcept {
  if (reactor.error_hook_) {
    if (!is_to_be_reported(failure)) return;
    try {
      const ErrorHook hook = reactor.error_hook_;  // it may set another one
      hook(failure, by);
      return set_reported(failure);
    } catch (...) {
      report_unhandled(Failure::current(), "the error hook of a reactor");
    }
  }
  report_unhandled(failure, by);
}

namespace {

void add_to(Microthread*& list, Microthread& m) noexcept {
  m.previous_live = nullptr;
  m.next_live = list;
  if (list) list->previous_live = &m;
  list = &m;
}
void take_from(Microthread*& list, Microthread& m) noexcept {
  (m.previous_live ? m.previous_live->next_live : list) = m.next_live;
  if (m.next_live) m.next_live->previous_live = m.previous_live;
}

}  // namespace

[[gnu::always_inline]] inline void ReactorAccess::number(Reactor& reactor,
                                                         Microthread& m) noexcept {
  m.reactor = &reactor;
  ++reactor.task_count_;
  const std::uint64_t id = ++reactor.last_task_id_;
  m.id_low = static_cast<std::uint32_t>(id);
  m.id_high = static_cast<std::uint8_t>(id >> 32);
  m.born = reactor.turns_;
  m.retain();
  if (reactor.tracer_) [[unlikely]]
    trace_begin(reactor, m);
}
void ReactorAccess::adopt(Reactor& reactor, Microthread& m) noexcept {
  add_to(reactor.tasks_, m);
  number(reactor, m);
}
void ReactorAccess::adopt(Family& family, Microthread& m) noexcept {
  m.family = &family;
  add_to(family.children, m);
  if (family.task) {
    Family*& first = family.task->extras()->may_have_children;
    if (!first || first->depth < family.depth) first = &family;
  }
  if (family.effective) m.set(Microthread::root_cancelled | Microthread::cancelled);
  number(*family.reactor, m);
}
void ReactorAccess::keep_failed(Reactor& reactor, Microthread& m) noexcept {
  m.reactor = &reactor;
  m.set(Microthread::listed_as_failed);
  add_to(reactor.failed_, m);
}
void ReactorAccess::forget_failed(Microthread& m) noexcept {
  if (!m.is(Microthread::listed_as_failed)) return;
  m.unset(Microthread::listed_as_failed);
  take_from(std::exchange(m.reactor, nullptr)->failed_, m);
}

void ReactorAccess::trace_begin(Reactor& reactor, Microthread& m) noexcept {
  try {
    intercept(m);
  } catch (...) {  // for want of memory: its turns are not told of
  }
  reactor.tracer_->task_begins(TaskRef(m));
}
[[gnu::always_inline]] inline void ReactorAccess::forget(Reactor& reactor,
                                                         Microthread& m) noexcept {
  --reactor.task_count_;
  if (reactor.tracer_) [[unlikely]]
    reactor.tracer_->task_ends(TaskRef(m));
  m.release();
}

void ReactorAccess::disown(Reactor& reactor, Microthread& m) noexcept {
  take_from(reactor.tasks_, m);
  forget(reactor, m);
}

void ReactorAccess::disown(Reactor& reactor, Family& family, Microthread& m) noexcept {
  take_from(family.children, m);
  m.family = nullptr;
  forget(reactor, m);
}

void ReactorAccess::orphan(Reactor& reactor, Microthread& m) noexcept {
  take_from(std::exchange(m.family, nullptr)->children, m);
  add_to(reactor.tasks_, m);
}

void ReactorAccess::add_loose(Reactor& reactor, Family& family) noexcept {
  family.next_loose = std::exchange(reactor.loose_families_, &family);
  if (family.next_loose) family.next_loose->previous_loose = &family;
}
void ReactorAccess::remove_loose(Family& family) noexcept {
  if (!family.reactor) return;
  (family.previous_loose ? family.previous_loose->next_loose : family.reactor->loose_families_) =
      family.next_loose;
  if (family.next_loose) family.next_loose->previous_loose = family.previous_loose;
  family.reactor = nullptr;
}

void ReactorAccess::add_remote(Reactor& reactor, RemoteEnd& end) noexcept {
  end.previous = nullptr;
  end.next = reactor.remote_ends_;
  if (end.next) end.next->previous = &end;
  reactor.remote_ends_ = &end;
}

void ReactorAccess::remove_remote(Reactor& reactor, RemoteEnd& end) noexcept {
  (end.previous ? end.previous->next : reactor.remote_ends_) = end.next;
  if (end.next) end.next->previous = end.previous;
}

void ReactorAccess::forget_types() noexcept {
  for (Reactor* each = first_on_thread; each; each = each->next_on_thread_) {
    each->registry_.forget_found();
  }
}

Reactor* ReactorAccess::find() noexcept {
  if (current_microthread && current_microthread->reactor) return current_microthread->reactor;
  if (running_on_thread) return running_on_thread;
  const bool only_one = first_on_thread && !first_on_thread->next_on_thread_;
  return only_one ? first_on_thread : nullptr;
}

}  // namespace detail
}  // namespace deferred
