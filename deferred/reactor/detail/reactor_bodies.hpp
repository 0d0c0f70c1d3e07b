// SPDX-License-Identifier: MIT
//
// The bodies of reactor.hpp's templates; those that take tasks are in tasks/.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "deferred/reactor/detail/main_end.hpp"
#include "deferred/reactor/detail/post.hpp"
#include "deferred/reactor/detail/reactor_access.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {

template <class F>
DelayedCall Reactor::call_at(TimePoint deadline, F f) {
  static_assert(std::is_invocable_v<F&>, "call_at: the callable takes no argument");
  if constexpr (detail::thread_checks == detail::ThreadChecks::on) {
    require_home("call_later() or call_at()");
  }
  return add_timer(deadline, new detail::TimerNodeOf<F>(std::move(f)));
}

template <class F>
DelayedCall Reactor::call_later(AnyDuration delay, F f) {
  return call_at(detail::not_before(now(), delay), std::move(f));
}

template <class F>
void Reactor::post(F f) {
  static_assert(std::is_invocable_v<F&>, "post: the callable takes no argument");
  detail::ReactorAccess::make_ready(*this, *new detail::Post<F>(std::move(f)));
}

template <class F>
Watch Reactor::watch(int fd, Ready interest, F f) {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, Ready>,
                "watch: the callable takes nothing or a Ready");
  return add_watch(fd, interest, new detail::WatchNodeOf<F>(std::move(f)));
}

template <class F>
SignalWatch Reactor::on_signal(int signal, F f) {
  static_assert(std::is_invocable_v<F&> || std::is_invocable_v<F&, int>,
                "on_signal: the callable takes nothing or the signal's number");
  return add_signal(new detail::SignalNodeOf<F>(*inbox_, signal, std::move(f)));
}

template <class F>
void Reactor::call_when_running(F f) {
  static_assert(std::is_invocable_v<F&>, "call_when_running: the callable takes no argument");
  if (!running_ && !in_turn_ && !in_watch_) return post(std::move(f));
  require_home("call_when_running()");
  try {
    f();
  } catch (...) {
    detail::ReactorAccess::report(*this, Failure::current(), "a callback of call_when_running");
  }
}

template <class F>
ShutdownTrigger Reactor::at_shutdown(Phase phase, F f) {
  static_assert(detail::is_trigger<F>,
                "at_shutdown: the callable takes no argument, and gives nothing or a "
                "Deferred<void>; a coroutine has to return Deferred<void>");
  require_home("at_shutdown()");
  std::erase_if(triggers_, [](const auto& node) { return !node->set; });
  triggers_.push_back(std::make_shared<detail::TriggerNodeOf<F>>(phase, std::move(f)));
  return ShutdownTrigger(triggers_.back());
}

template <class T>
T* Reactor::find_service() noexcept {
  require_home("find_service()");
  detail::Service* const found = services_.find(typeid(T));
  return found ? &*static_cast<detail::ServiceOf<T>*>(found)->value : nullptr;
}

template <class T>
T& Reactor::service() {
  static_assert(std::is_constructible_v<T, Reactor&>,
                "service: a reactor makes it of itself; give it a constructor T(Reactor&)");
  if (T* const there = find_service<T>()) return *there;
  detail::Service& made = services_.make(*this, std::make_unique<detail::ServiceOf<T>>());
  return *static_cast<detail::ServiceOf<T>&>(made).value;
}

template <class T>
T Reactor::run_until(Deferred<T> deferred) {
  require_not_running("run_until()");
  // Shared, for a result may still come when this call has ended without it.
  struct End {
    bool come = false;
    std::optional<Outcome<T>> result;
  };
  const auto end = std::make_shared<End>();
  Deferred<void> done = detail::DeferredAccess::kept_to_cancel(
      std::move(deferred).add_both([this, weak = std::weak_ptr(end)](Outcome<T>&& result) {
        const auto waiting = weak.lock();
        if (!waiting) return;
        try {
          waiting->result.emplace(std::move(result));
        } catch (...) {  // the move of the value threw
          waiting->result.emplace(Failure::current());
        }
        waiting->come = true;
        want_turn();  // it may come out of turn, in somebody else's loop
      }));
  if (!end->come) run_until_true(end->come, "the Deferred that run_until() was given");
  if (!end->come) {
    std::move(done).abandon();
    throw ReactorStateError("run_until: the reactor was stopped before the Deferred had a result");
  }
  return std::move(*end->result).value();
}

namespace detail {

/// Ends the run that waits for this result. If that has ended without it, it stops nobody.
template <class T>
class MainResult {
 public:
  MainResult(Reactor& reactor, const std::shared_ptr<MainEnd>& end, bool may_outlive_reactor)
      : reactor_(reactor), end_(end), may_outlive_reactor_(may_outlive_reactor) {}
  Outcome<void> operator()(Outcome<T>&& outcome) {
    const auto waiting = end_.lock();
    if (!waiting && may_outlive_reactor_) {
      return outcome.has_value() ? Outcome<void>() : Outcome<void>(outcome.failure());
    }
    int code = 0;
    if constexpr (std::is_same_v<T, int>) {
      if (outcome.has_value()) code = *outcome;
    }
    if (!outcome.has_value()) {
      const bool cancelled = outcome.failure().template check<Cancelled>() != nullptr;
      if (!cancelled) ReactorAccess::report(reactor_, outcome.failure(), "the main task");
      const int signal = waiting ? waiting->signal : 0;
      code = cancelled && signal != 0 ? exit_code_of(signal) : 1;
    }
    if (!waiting) return Outcome<void>();
    waiting->ended = true;
    waiting->code = code;
    if (waiting->begun) reactor_.stop();
    return Outcome<void>();
  }

 private:
  Reactor& reactor_;
  std::weak_ptr<MainEnd> end_;
  bool may_outlive_reactor_;
};

}  // namespace detail

template <Deferrable D>
int Reactor::run(D main) {
  using T = typename D::value_type;
  require_not_running("run(deferred)");
  const auto end = std::make_shared<detail::MainEnd>();
  Deferred<void> ended =
      Deferred<T>(std::move(main)).add_both(detail::MainResult<T>(*this, end, true));
  end->cancel = [&ended] { ended.cancel(); };
  const int code = run_main(end);
  std::move(ended).detach();
  return code;
}

}  // namespace deferred
