// SPDX-License-Identifier: MIT
#include "deferred/threads/detail/remote_call.hpp"

#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/microthread.hpp"
#include "deferred/reactor/detail/remote_post.hpp"
#include "deferred/results/errors.hpp"

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

struct RemoteCall::Close : Message {
  explicit Close(RemoteCall& of) noexcept : call(of) {
    run = [](Message& self, bool, DroppedBlocks&) noexcept {
      RemoteCall& closed = static_cast<Close&>(self).call;
      TaskRef task = closed.task_;
      if (task.valid() && !task.done()) task.close();
      closed.release();
    };
  }
  RemoteCall& call;
};

RemoteCall::RemoteCall(RemoteReactor there)
    : there_(std::move(there)), close_(std::make_unique<Close>(*this)) {}
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
  retain();  // the message's; a reactor that has crashed takes no calls, and still has the task
  if (!there_.inbox().push(*close_)) release();
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
  try {
    error_ = by_reactor ? std::make_exception_ptr(AbandonedError(ended_early))
                        : failure.to_exception_ptr();
  } catch (...) {  // its copy threw
    error_ = std::current_exception();
  }
}

void RemoteCall::settle() noexcept {
  if (task_.valid()) {  // what it ended without having taken, is left
    Microthread& m = task_.microthread();
    if (cancels_taken_ > 0 && m.is(Microthread::cancel_next)) --cancels_taken_;
    if (errors_taken_ > 0 && m.is(Microthread::throw_next)) {
      --errors_taken_;
      m.unset(Microthread::throw_next);  // home has it
    }
  }
  task_ = {};
  stop_ = {};
  forget_raised();  // may share the exception with error_, which now goes to another thread
  finish();
  release();
}

}  // namespace deferred::detail
