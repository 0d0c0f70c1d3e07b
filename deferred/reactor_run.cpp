// SPDX-License-Identifier: MIT
// How a run of the reactor begins and ends.
#include <csignal>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "deferred/errors.hpp"
#include "deferred/reactor.hpp"
#include "deferred/task_ref.hpp"

namespace deferred {

void Reactor::require_not_running(const char* what) const {
  require_home(what);
  if (running_) {
    throw ReactorStateError(std::string(what) + " inside run(): this reactor is already running");
  }
  if (in_turn_) {
    throw ReactorStateError(std::string(what) + " inside a turn: it has to end first");
  }
}

void Reactor::run() {
  require_not_running("run()");
  run_until_true(false);
}

void Reactor::run_until_true(const bool& done) {
  struct Running {
    Reactor& reactor;
    Reactor* before;
    ~Running() {
      reactor.running_ = false;
      reactor.crashed_ = false;
      reactor.stuck_ = false;
      reactor.inbox_->has_stopped();
      detail::running_on_thread = before;
    }
  } running{*this, std::exchange(detail::running_on_thread, this)};
  running_ = true;
  inbox_->refuse_calls(false);
  arm_next();  // the deadline armed last may have been cancelled
  while (!inbox_->stopping() && !crashed_ && !done) take_turn();
  if (done) return;
  if (!crashed_) shut_down();
  take_last_calls();
}

void Reactor::take_turn() {
  if (armed_ == TimePoint::max() && tasks_) report_if_stuck();
  backend_->run_once(true);
}

void Reactor::crash() noexcept {
  require_home("crash()");
  if (!running_) return;
  crashed_ = true;
  want_turn();
}

void Reactor::shut_down() {
  const auto awaited = std::make_shared<int>(0);
  call_triggers(Phase::before, awaited);
  while (*awaited > 0 && !crashed_) take_turn();
  if (crashed_) return;
  call_triggers(Phase::during, awaited);
  call_triggers(Phase::after, awaited);
}

void Reactor::call_triggers(Phase phase, const std::shared_ptr<int>& awaited) noexcept {
  constexpr const char* by = "a shutdown trigger";
  for (;;) {  // a trigger may set others
    const auto next = std::find_if(triggers_.begin(), triggers_.end(), [phase](const auto& node) {
      return node->set && node->phase == phase;
    });
    if (next == triggers_.end()) return;
    const std::shared_ptr<detail::TriggerNode> trigger = std::move(*next);
    triggers_.erase(next);
    trigger->set = false;
    try {
      Deferred<void> ended = trigger->call();
      const bool waits = phase == Phase::before;
      if (waits) ++*awaited;
      std::move(ended)
          .add_both([this, waits, trigger, weak = std::weak_ptr(awaited)](Outcome<void> outcome) {
            const auto waiting = waits ? weak.lock() : nullptr;
            if (!waiting) return outcome;  // nobody waits, or that shutdown was broken off
            if (!outcome.has_value()) detail::ReactorAccess::report(*this, outcome.failure(), by);
            --*waiting;
            want_turn();
            return Outcome<void>();
          })
          .detach();
    } catch (...) {
      detail::ReactorAccess::report(*this, Failure::current(), by);
    }
  }
}

void Reactor::report_if_stuck() noexcept {
  if (stuck_ || watched_fds_ > 0 || remote_ends_ || !inbox_->empty() || inbox_->may_be_called() ||
      backend_->shared()) {
    return;
  }
  for (const detail::SignalNode* node = signals_; node; node = node->next_of_reactor) {
    if (!node->internal) return;
  }
  stuck_ = true;
  try {
    const Failure stuck(StuckError(
        "nothing can wake the " + std::to_string(task_count_) +
        (task_count_ == 1 ? " live task" : " live tasks") +
        "; run() waits on, for a stop() or a thread (one that is going to call should hold "
        "Reactor::remote()):\n" +
        dump_tasks()));
    detail::ReactorAccess::report(*this, stuck, "run()");
  } catch (...) {
    detail::report_thrown("run(), while it reported that nothing can wake its tasks");
  }
}

int Reactor::run_main(TaskRef main, const std::shared_ptr<detail::MainEnd>& end) {
  const auto cancel = [this, main, end](int signal) mutable {
    if (std::exchange(end->signal, signal) == 0) return main.cancel();
    crash();
  };
  SignalWatch watches[2];
  int watched = 0;
  for (const int signal : {SIGINT, SIGTERM}) {
    if (!detail::signal_is_free(signal)) continue;
    watches[watched++] = on_signal(signal, cancel);
    signals_->internal = true;
  }
  run();
  if (!end->ended && end->signal != 0) return detail::exit_code_of(end->signal);
  return end->code;
}

}  // namespace deferred
