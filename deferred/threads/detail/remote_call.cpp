// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/remote_call.hpp"

#include "deferred/results/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::detail {
namespace {

constexpr const char* ended_early =
    "the other thread's reactor stopped, or was destroyed, before the call had a result";

}  // namespace

struct RemoteCall::Sent {
  explicit Sent(RemoteCall& of) noexcept : call(&of) { call->retain(); }
  Sent(Sent&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
  Sent& operator=(Sent&&) = delete;
  ~Sent() {
    if (!call) return;
    if (call->claim()) {
      try {
        call->failed(Failure(AbandonedError(ended_early)));
      } catch (...) {
        call->error_ = std::current_exception();  // out of memory
      }
      call->settle();
    } else {
      call->release();
    }
  }
  void operator()(Reactor& reactor) {
    RemoteCall& begun = *std::exchange(call, nullptr);
    if (!begun.claim()) return begun.release();
    try {
      // Else it is among the last calls of a run.
      if (!begun.there_.takes_calls()) throw AbandonedError(ended_early);
      begun.begin(reactor);
    } catch (...) {
      begun.error_ = std::current_exception();
      begun.discard();
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
    switch (what) {
      case Ask::cancel_once:
        ++call->cancels_taken_;
        return task.cancel_once();
      case Ask::cancel:
        return task.cancel();
      case Ask::fail:
        ++call->errors_taken_;
        return task.throw_(Failure::from(std::exchange(error, nullptr)));
    }
  }
  RemoteCall* call;
  Ask what;
  std::exception_ptr error;
};

/// Until the next turn. Nobody can give it another handler.
struct RemoteCall::NextTurn {
  DelayedCall yield_to(Waiter<void> waiter) const {
    return waiter.reactor().call_later(Duration(), [waiter] { waiter.resume(); });
  }
};

RemoteCall::Close::Close(Close&& other) noexcept : call(std::exchange(other.call, nullptr)) {}
RemoteCall::Close::~Close() {
  if (call && call->close_is_sent_) call->release();
}
void RemoteCall::Close::operator()() noexcept {
  TaskRef task = call->task_;
  if (task.valid() && !task.done()) task.close();
}

RemoteCall::RemoteCall(RemoteReactor there)
    : there_(std::move(there)), close_(there_, Close(*this)) {}
RemoteCall::~RemoteCall() = default;

void RemoteCall::start() {
  started_ = true;
  if (!there_.call_from_thread(Sent(*this))) {
    throw NoReactorError("the other thread's reactor is gone, or was stopped");
  }
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

bool RemoteCall::hand_on(Ask what, std::exception_ptr error) noexcept {
  try {
    Asked message(*this, what, std::move(error));
    if (there_.call_from_thread(std::move(message))) return true;
  } catch (...) {  // no memory for the message
  }
  return has_ended();
}

void RemoteCall::abandon() noexcept {
  forget();
  if (!started_ || withdraw() || has_ended()) return;
  retain();  // the message's
  close_is_sent_ = true;
  std::move(close_).send();
}

void RemoteCall::runs_as(Reactor& reactor, TaskRef task) {
  task_ = std::move(task);
  stop_ = reactor.at_shutdown(Phase::after, [this] {
    stopped_ = true;
    TaskRef(task_).close();
  });
}

Task<void> RemoteCall::take_back_what_is_left() {
  while (cancels_taken_ + errors_taken_ > 0) {
    const bool is_cancelled = current_deadline() == TimePoint::min();
    if (is_cancelled && errors_taken_ == 0) break;
    auto wait = as_outcome(NextTurn());
    const Outcome<void> left = co_await unlisted(std::move(wait));
    const bool is_cancel = left.check<Cancelled>();
    if (left.has_value() || (is_cancel && is_cancelled)) break;
    unsigned& taken = is_cancel ? cancels_taken_ : errors_taken_;
    if (taken == 0) {                                                 // it is from somebody there
      if (!is_cancel) static_cast<void>(fail<void>(left.failure()));  // is reported
      break;
    }
    --taken;  // home has it
  }
}

void RemoteCall::failed(const Failure& failure) noexcept {
  const auto* const abandoned = failure.check<AbandonedError>();
  const bool by_reactor =
      abandoned && abandoned->by_closing() && (stopped_ || !there_.takes_calls());
  try {
    error_ = by_reactor ? std::make_exception_ptr(AbandonedError(ended_early))
                        : failure.to_exception_ptr();
  } catch (...) {  // its copy threw
    error_ = std::current_exception();
  }
}

void RemoteCall::settle() noexcept {
  task_ = {};
  stop_ = {};
  forget_raised();  // may share the exception with error_, which now goes to another thread
  finish();
  release();
}

}  // namespace deferred::detail
