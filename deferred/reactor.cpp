// SPDX-License-Identifier: MIT
#include "deferred/reactor.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <system_error>

namespace deferred {
namespace {

// The reactors of this thread, and which of them is in run() or in a turn.
constinit thread_local Reactor* first_on_thread = nullptr;
constinit thread_local Reactor* running_on_thread = nullptr;

[[noreturn]] void destroyed_inside(const char* what) noexcept {
  std::fprintf(stderr,
               "deferred: a Reactor was destroyed inside %s; stop() it, and destroy it outside\n",
               what);
  std::terminate();
}

}  // namespace

Reactor::Reactor(std::unique_ptr<Backend> backend) : Reactor(*backend) {
  owned_backend_ = std::move(backend);
}

Reactor::Reactor(Backend& backend) : backend_(&backend), inbox_(new detail::Inbox(backend)) {
  backend_->drive(this);
  next_on_thread_ = std::exchange(first_on_thread, this);
}

Reactor::~Reactor() {
  if (running_ || in_turn_) destroyed_inside("of its own run or turn");
  ending_ = true;
  awake_ = true;  // what destructors still post is dropped below, not armed for
  do {
    while (tasks_) {
      if (tasks_->is(detail::Microthread::running)) destroyed_inside("of one of its coroutines");
      detail::close(*tasks_);
    }
    while (detail::RemoteEnd* const end = remote_ends_) {
      detail::ReactorAccess::remove_remote(*this, *end);
      end->reactor_gone(*end);
    }
    inbox_->close();
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
  } while (tasks_ || remote_ends_ || !ready_.empty() || !next_turn_.empty() || !timers_.empty() ||
           std::any_of(fds_.begin(), fds_.end(), [](auto& fd) { return fd && !fd->idle(); }));
  backend_->arm(TimePoint::max());
  backend_->drive(nullptr);
  inbox_->release();
  Reactor** link = &first_on_thread;
  while (*link && *link != this) link = &(*link)->next_on_thread_;
  if (*link) *link = next_on_thread_;
}

void Reactor::require_not_running(const char* what) const {
  if (running_) {
    throw ReactorStateError(std::string(what) + " inside run(): this reactor is already running");
  }
  if (in_turn_) {
    throw ReactorStateError(std::string(what) + " inside a turn: it has to end first");
  }
}

void Reactor::run() {
  require_not_running("run()");
  struct Running {
    Reactor& reactor;
    Reactor* before;
    ~Running() {
      reactor.running_ = false;
      reactor.stopping_ = false;
      running_on_thread = before;
    }
  } running{*this, std::exchange(running_on_thread, this)};
  running_ = true;
  arm_next();  // the deadline armed last may have been cancelled
  while (!stopping_.load(std::memory_order_relaxed)) backend_->run_once(true);
}

void Reactor::stop() noexcept {
  detail::Inbox& inbox = *inbox_;
  inbox.retain();  // run() may return, and the reactor be destroyed, before the wake-up is done
  stopping_ = true;
  inbox.wake();
  inbox.release();
}

void Reactor::turn() noexcept {
  if (in_turn_) return;
  in_turn_ = true;
  awake_ = true;
  now_is_known_ = false;
  Reactor* const before = std::exchange(running_on_thread, this);

  next_turn_.append(ready_);
  ready_.append(next_turn_);
  inbox_->drain();
  if (!timers_.empty()) fire_due_timers();
  for (int round = 0; round < most_rounds && !ready_.empty(); ++round) ready_.run_round(true);

  detail::forget_raised();
  running_on_thread = before;
  in_turn_ = false;
  now_is_known_ = false;
  arm_next();
}

void Reactor::read_clock() noexcept {
  now_ = backend_->now();
  now_is_known_ = in_turn_;
}

void Reactor::fire_due_timers() noexcept {
  const TimePoint present = now();
  while (!timers_.empty() && timers_.earliest() <= present) {
    const TimePoint deadline = timers_.earliest();
    auto& node = static_cast<detail::TimerNode&>(timers_.pop());
    node.state = detail::TimerNode::State::due;
    node.deadline = deadline;
    due_.push_back(&node);  // has room: add_timer() saw to it
  }
  for (std::size_t i = 0; i < due_.size(); ++i) {  // a call may set timers, and due_ may move
    detail::TimerNode* const node = due_[i];
    if (node->state == detail::TimerNode::State::due) {
      node->state = detail::TimerNode::State::called;
      try {
        node->call();
      } catch (...) {
        detail::report_thrown("a callback of call_later");
      }
      node->reactor = nullptr;
      node->drop_callable();
    }
    node->release();
  }
  due_.clear();
}

void Reactor::arm_next() noexcept {
  awake_ = !ready_.empty() || !next_turn_.empty();
  armed_ = awake_ ? TimePoint::min() : !timers_.empty() ? timers_.earliest() : TimePoint::max();
  backend_->arm(armed_);
}

void Reactor::ask_for_turn() noexcept {
  awake_ = true;
  armed_ = TimePoint::min();
  backend_->arm(armed_);
}

DelayedCall Reactor::add_timer(TimePoint deadline, detail::TimerNode* made) {
  std::unique_ptr<detail::TimerNode> node(made);
  if (due_.capacity() <= timers_.size()) [[unlikely]]
    due_.reserve(2 * timers_.size() + 16);
  timers_.push(*node, deadline);
  node->reactor = this;
  node->refs = 2;
  if (!awake_ && deadline < armed_) backend_->arm(armed_ = deadline);
  return detail::ReactorAccess::handle(node.release());
}

Watch Reactor::add_watch(int fd, Ready interest, detail::WatchNode* made) {
  std::unique_ptr<detail::WatchNode> node(made);
  if (fd < 0) {
    throw std::system_error(std::make_error_code(std::errc::bad_file_descriptor),
                            "watch: descriptor " + std::to_string(fd));
  }
  node->fd = fd;
  node->interest = interest;
  const auto index = static_cast<std::size_t>(fd);
  if (index < fds_.size() && fds_[index]) {
    fds_[index]->add(*node);
  } else {
    // The backend is asked first: it knows whether there is such an fd, and room is made for it.
    auto entry = std::make_unique<detail::FdEntry>(*backend_, fd);
    entry->add(*node);
    try {
      if (index >= fds_.size()) fds_.resize(index + 1);
    } catch (...) {
      node.release();
      entry->reactor_gone();
      throw;
    }
    fds_[index] = std::move(entry);
  }
  node->reactor = this;
  node->refs = 2;
  return detail::ReactorAccess::handle(node.release());
}

std::size_t Reactor::watch_count() const noexcept {
  std::size_t count = 0;
  for (const auto& entry : fds_) count += entry ? entry->count() : 0;
  return count;
}

std::string Reactor::dump_tasks() const {
  std::vector<const detail::Microthread*> newest_first;
  for (const detail::Microthread* m = tasks_; m; m = m->next_live) newest_first.push_back(m);
  std::string text;
  for (auto m = newest_first.rbegin(); m != newest_first.rend(); ++m) {
    text += detail::describe(**m) + "\n";
  }
  return text;
}

namespace detail {

void report_thrown(const char* by) noexcept {
  try {
    report_unhandled(Failure::current(), by);
  } catch (...) {
    std::terminate();
  }
}

void ReactorAccess::adopt(Reactor& reactor, Microthread& m) noexcept {
  m.reactor = &reactor;
  m.previous_live = nullptr;
  m.next_live = reactor.tasks_;
  if (reactor.tasks_) reactor.tasks_->previous_live = &m;
  reactor.tasks_ = &m;
  ++reactor.task_count_;
  const std::uint64_t id = ++reactor.last_task_id_;
  m.id_low = static_cast<std::uint32_t>(id);
  m.id_high = static_cast<std::uint8_t>(id >> 32);
  m.retain();
}

void ReactorAccess::disown(Reactor& reactor, Microthread& m) noexcept {
  (m.previous_live ? m.previous_live->next_live : reactor.tasks_) = m.next_live;
  if (m.next_live) m.next_live->previous_live = m.previous_live;
  --reactor.task_count_;
  m.release();
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

Reactor* ReactorAccess::find() noexcept {
  if (current_microthread && current_microthread->reactor) return current_microthread->reactor;
  if (running_on_thread) return running_on_thread;
  const bool only_one = first_on_thread && !first_on_thread->next_on_thread_;
  return only_one ? first_on_thread : nullptr;
}

void ReactorAccess::cancel(Reactor& reactor, TimerNode& node) noexcept {
  const bool was_set = node.state == TimerNode::State::set;
  node.state = TimerNode::State::cancelled;
  node.reactor = nullptr;
  if (was_set) {
    node.deadline = reactor.timers_.deadline(node);
    reactor.timers_.remove(node);
  } else {
    ++node.refs;  // fire_due_timers() still has its own
  }
  node.drop_callable();  // may drop the last handle
  node.release();
}

void ReactorAccess::set(Reactor& reactor, TimerNode& node, TimePoint deadline) {
  const bool was_due = node.state == TimerNode::State::due;
  if (was_due) reactor.due_.reserve(reactor.timers_.size() + 1);
  if (!was_due) reactor.timers_.remove(node);
  reactor.timers_.push(node, deadline);
  if (was_due) ++node.refs;
  node.state = TimerNode::State::set;
  if (!reactor.awake_ && deadline < reactor.armed_) {
    reactor.backend_->arm(reactor.armed_ = deadline);
  }
}

TimePoint ReactorAccess::time(const Reactor& reactor, const TimerNode& node) noexcept {
  return node.state == TimerNode::State::set ? reactor.timers_.deadline(node) : node.deadline;
}

FdEntry& ReactorAccess::entry(Reactor& reactor, int fd) noexcept {
  return *reactor.fds_[static_cast<std::size_t>(fd)];
}

}  // namespace detail

void DelayedCall::withdraw() noexcept { detail::ReactorAccess::cancel(*node_->reactor, *node_); }

bool DelayedCall::cancel() noexcept {
  if (!active()) return false;
  withdraw();
  return true;
}

TimePoint DelayedCall::time() const noexcept {
  if (!node_) return TimePoint::max();
  if (!node_->reactor) return node_->deadline;
  return detail::ReactorAccess::time(*node_->reactor, *node_);
}

void DelayedCall::set(TimePoint deadline) {
  if (!active()) {
    throw AlreadyCalledError("this DelayedCall was called or cancelled before: it cannot be set");
  }
  detail::ReactorAccess::set(*node_->reactor, *node_, deadline);
}

void DelayedCall::reset(Duration delay) {
  set(active() ? later(node_->reactor->now(), delay) : TimePoint());
}
void DelayedCall::delay(Duration more) { set(later(time(), more)); }

void Watch::drop() noexcept {
  if (node_->reactor) {
    detail::FdEntry& entry = detail::ReactorAccess::entry(*node_->reactor, node_->fd);
    node_->reactor = nullptr;
    entry.remove(*node_);  // first: the callable may own the descriptor
    if (!node_->calling) node_->drop_callable();
  }
  std::exchange(node_, nullptr)->release();
}

void Watch::set_interest(Ready interest) {
  if (!active() || node_->interest == interest) return;
  const Ready before = std::exchange(node_->interest, interest);
  try {
    detail::ReactorAccess::entry(*node_->reactor, node_->fd).refresh();
  } catch (...) {
    node_->interest = before;
    throw;
  }
}

namespace detail {

void FdEntry::add(WatchNode& node) {
  watches_.push_back(&node);
  try {
    refresh();
  } catch (...) {
    watches_.pop_back();
    throw;
  }
}

void FdEntry::remove(WatchNode& node) noexcept {
  const auto it = std::find(watches_.begin(), watches_.end(), &node);
  if (dispatching_ > 0) {
    *it = nullptr;
  } else {
    watches_.erase(it);
  }
  try {
    refresh();
  } catch (...) {
    // Wanting less of an fd cannot fail on a sane loop; a report too many would be harmless.
  }
  node.release();
}

void FdEntry::refresh() {
  Ready wanted = Ready::none;
  for (const WatchNode* node : watches_) {
    if (node) wanted = wanted | node->interest;
  }
  if (wanted == watched_) return;
  if (wanted == Ready::none) {
    backend_.unwatch(fd_);
  } else if (watched_ == Ready::none) {
    backend_.watch(fd_, wanted, *this);
  } else {
    backend_.rewatch(fd_, wanted);
  }
  watched_ = wanted;
}

void FdEntry::on_ready(Ready what) noexcept {
  ++dispatching_;
  for (std::size_t i = 0, end = watches_.size(); i < end; ++i) {
    WatchNode* const node = watches_[i];
    if (!node || (node->interest & what) == Ready::none) continue;
    ++node->refs;
    node->calling = true;
    try {
      node->call(node->interest & what);
    } catch (...) {
      report_thrown("a callback of watch");
    }
    node->calling = false;
    if (!node->reactor) node->drop_callable();
    node->release();
  }
  if (--dispatching_ == 0) std::erase(watches_, nullptr);
}

void FdEntry::reactor_gone() noexcept {
  std::vector<WatchNode*> watches = std::exchange(watches_, {});
  if (watched_ != Ready::none) backend_.unwatch(fd_);
  watched_ = Ready::none;
  for (WatchNode* node : watches) {
    if (!node) continue;
    node->reactor = nullptr;
    node->drop_callable();
    node->release();
  }
}

}  // namespace detail
}  // namespace deferred
