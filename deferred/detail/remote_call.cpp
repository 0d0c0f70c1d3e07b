// SPDX-License-Identifier: MIT
#include "deferred/detail/remote_call.hpp"

#include "deferred/detail/scope.hpp"
#include "deferred/errors.hpp"
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
    /// A one-shot cancel goes there, and its answer is waited for.
    bool request_cancel() noexcept { return call_.ask(RemoteCall::Ask::cancel_once); }

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
    call->failed(Failure(AbandonedError(ended_early)));
    call->settle();
  }
  void operator()() {
    RemoteCall& begun = *std::exchange(call, nullptr);
    Reactor& reactor = *ReactorAccess::find();  // it takes a turn, or the last calls of a run
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

bool RemoteCall::ask(Ask what, std::exception_ptr error) noexcept {
  try {
    return there_.call_from_thread(Asked(*this, what, std::move(error)));
  } catch (...) {
    return false;  // no memory for the message
  }
}

void RemoteCall::abandon() noexcept {
  forget();
  bool ended = !started_;
  if (!ended) {
    const std::lock_guard lock(mutex_);
    ended = over();
  }
  if (!ended) ask(Ask::close);
}

void RemoteCall::runs_as(Reactor& reactor, TaskRef task) {
  task_ = std::move(task);
  stop_ = reactor.at_shutdown(Phase::after, [this] { TaskRef(task_).close(); });
}

void RemoteCall::failed(const Failure& failure) noexcept {
  const auto* const abandoned = failure.check<AbandonedError>();
  const bool closed = abandoned && abandoned->by_closing();
  error_ =
      closed ? std::make_exception_ptr(AbandonedError(ended_early)) : failure.to_exception_ptr();
}

void RemoteCall::settle() noexcept {
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
  for (;;) {
    AsOutcome<OnAnotherReactor&> again(end);
    Outcome<void> ended = co_await Unlisted(std::move(again));
    if (ended.has_value() || end.broken) co_return ended;
    if (!call.started()) co_return ended;  // interrupted before it was begun
    bool asked = false;
    if (!ended.check<Cancelled>()) {
      asked = call.ask(RemoteCall::Ask::fail, ended.failure().to_exception_ptr());
    } else if (m.is(Microthread::cancelled)) {
      asked = call.ask(RemoteCall::Ask::cancel);
      shield.emplace(true);
    }
    if (!asked) co_return ended;
  }
}

}  // namespace deferred::detail
