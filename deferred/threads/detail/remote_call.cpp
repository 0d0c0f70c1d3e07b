// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/remote_call.hpp"

#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/detail/scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::detail {
namespace {

constexpr const char* ended_early =
    "the other thread's reactor stopped, or was destroyed, before the call had a result";

}  // namespace

/// The wait for the end of a call there, as a yieldable: it can be begun again.
class OnAnotherReactor {
 public:
  explicit OnAnotherReactor(RemoteCall& call) noexcept : call_(call) {}

  class Undo {
   public:
    explicit Undo(RemoteCall& call) noexcept : call_(call) {}
    /// A one-shot cancel takes the call back or goes there, and then its answer is waited for.
    bool request_cancel() noexcept {
      return !call_.withdraw() && call_.ask(RemoteCall::Ask::cancel_once);
    }

   private:
    RemoteCall& call_;
  };
  Undo yield_to(Waiter<void> waiter) {
    broken = true;
    [[maybe_unused]] const Reactor& asked_first = waiter.reactor();  // throws if there is none
    if (!call_.started() && !call_.start()) {
      throw NoReactorError("on: the other reactor is gone, or was stopped");
    }
    call_.await(std::move(waiter));
    broken = false;
    return Undo(call_);
  }

  bool broken = false;  // the wait could not be begun

 private:
  RemoteCall& call_;
};

struct RemoteCall::Sent {
  explicit Sent(RemoteCall& of) noexcept : call(&of) { call->retain(); }
  Sent(Sent&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
  Sent& operator=(Sent&&) = delete;
  ~Sent() {
    if (!call) return;
    if (call->claim()) {
      call->failed(Failure(AbandonedError(ended_early)));
      call->settle();
    } else {
      call->release();
    }
  }
  void operator()() {
    RemoteCall& begun = *std::exchange(call, nullptr);
    if (!begun.claim()) return begun.release();
    Reactor& reactor = *running_on_thread;  // it takes a turn, or the last calls of a run
    try {
      if (ReactorAccess::inbox(reactor).refuses_calls()) throw AbandonedError(ended_early);
      begun.begin(reactor);
    } catch (...) {
      begun.error_ = std::current_exception();
      begun.settle();
    }
  }
  RemoteCall* call;
};

struct RemoteCall::Asked {
  Asked(RemoteCall& of, Ask what, std::exception_ptr with) noexcept
      : call(&of), what(what), error(std::move(with)) {
    call->retain();
  }
  Asked(Asked&& other) noexcept
      : call(std::exchange(other.call, nullptr)), what(other.what), error(std::move(other.error)) {}
  Asked& operator=(Asked&&) = delete;
  ~Asked() {
    if (call) call->release();
  }
  void operator()() {
    TaskRef task = call->task_;
    if (!task.valid() || task.done()) return;
    ++call->taken_[index(what)];
    if (what == Ask::cancel_once) cancel_in_a_row(task.microthread());
    if (what == Ask::cancel) task.cancel();
    if (what == Ask::close) task.close();
    if (what == Ask::fail) task.throw_(Failure::from(std::exchange(error, nullptr)));
  }
  RemoteCall* call;
  Ask what;
  std::exception_ptr error;
};

bool RemoteCall::start() {
  started_ = true;
  return there_.call_from_thread(Sent(*this));
}

bool RemoteCall::claim() noexcept {
  const std::lock_guard lock(mutex_);
  if (state_ != State::sent) return false;
  state_ = State::begun;
  return true;
}

bool RemoteCall::withdraw() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::sent) return state_ == State::withdrawn;
    state_ = State::withdrawn;
  }
  discard();
  return true;
}

bool RemoteCall::has_ended() noexcept {
  const std::lock_guard lock(mutex_);
  return over();
}

bool RemoteCall::ask(Ask what, std::exception_ptr error) noexcept {
  bool asked = false;
  try {
    Asked message(*this, what, std::move(error));
    // A reactor that has crashed takes no calls, and still has the task.
    asked = what == Ask::close ? post_from_thread(there_.inbox(), std::move(message))
                               : there_.call_from_thread(std::move(message));
  } catch (...) {
    asked = false;  // no memory for the message
  }
  if (!asked && !has_ended()) return false;
  if (what == Ask::cancel_once) ++cancels_;
  return true;
}

void RemoteCall::abandon() noexcept {
  forget();
  if (started_ && !withdraw() && !has_ended()) ask(Ask::close);
}

void RemoteCall::runs_as(Reactor& reactor, TaskRef task) {
  task_ = std::move(task);
  reactor_ = &reactor;
  stop_ = reactor.at_shutdown(Phase::after, [this] {
    stopped_ = true;
    TaskRef(task_).close();
  });
}

void RemoteCall::failed(const Failure& failure) noexcept {
  const auto* const abandoned = failure.check<AbandonedError>();
  const bool by_reactor =
      abandoned && abandoned->by_closing() && (stopped_ || ReactorAccess::ending(*reactor_));
  error_ = by_reactor ? std::make_exception_ptr(AbandonedError(ended_early))
                      : failure.to_exception_ptr();
}

void RemoteCall::count_left(unsigned flag, Ask what) noexcept {
  unsigned& taken = taken_[index(what)];
  if (taken > 0 && task_.microthread().is(flag)) --taken;
}

void RemoteCall::settle() noexcept {
  if (task_.valid()) {
    count_left(Microthread::cancel_next, Ask::cancel_once);
    count_left(Microthread::throw_next, Ask::fail);
  }
  task_ = {};
  stop_ = {};
  forget_raised();  // may share the exception with error_, which now goes to another thread
  finish();
  release();
}

Task<Outcome<void>> wait_for_end_there(RemoteCall& call) {
  Microthread& m = *current_microthread;
  OnAnotherReactor end(call);
  std::optional<OpenScope> shield;
  std::vector<Failure> errors;  // that were thrown into the wait
  Outcome<void> ended;
  for (;;) {
    AsOutcome<OnAnotherReactor&> again(end);
    ended = co_await Unlisted(std::move(again));
    if (ended.has_value()) break;
    // A failure to begin the wait, or an interruption before it was begun or of what was not.
    if (end.broken || !call.started() || call.withdraw()) co_return ended;
    RemoteCall::Ask what = RemoteCall::Ask::cancel;
    std::exception_ptr error;
    if (!ended.check<Cancelled>()) {
      what = RemoteCall::Ask::fail;
      errors.push_back(ended.failure());
      error = ended.failure().to_exception_ptr();
    } else if (m.is(Microthread::cancelled)) {
      shield.emplace(true);
    } else {
      what = RemoteCall::Ask::cancel_once;
    }
    if (!call.ask(what, std::move(error))) co_return ended;
  }
  if (call.cancel_left()) m.set(Microthread::cancel_next);
  if (call.errors_taken() == errors.size()) co_return ended;
  for (std::size_t i = call.errors_taken(); i + 1 < errors.size(); ++i) {
    report_unhandled(m, errors[i]);  // it gives way to the last one
  }
  co_return errors.back();
}

}  // namespace deferred::detail
