// SPDX-License-Identifier: MIT
// How a run of the reactor begins and ends.
#include <csignal>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "deferred/reactor/detail/main_end.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/task_ref.hpp"
#include "deferred/results/detail/rows.hpp"
#include "deferred/results/errors.hpp"

namespace deferred {

void Reactor::throw_dead(const char* what) {
  throw ReactorStateError(std::string(what) +
                          " in the child of a fork(): the reactor is the parent's");
}

void Reactor::require_not_running(const char* what) const {
  require_home(what);
  if (dead_) throw_dead(what);
  if (running_) {
    throw ReactorStateError(std::string(what) + " inside run(): this reactor is already running");
  }
  if (in_turn_ || in_watch_) {
    throw ReactorStateError(std::string(what) + " inside a turn: it has to end first");
  }
}

void Reactor::run() {
  require_not_running("run()");
  run_until_true(false, nullptr);
}

inline void Reactor::take_turn(const char* waits_for) {
  if (armed_ == TimePoint::max() && (task_count_ != 0 || waits_for)) report_if_stuck(waits_for);
  backend_->run_once(true);
}

void Reactor::run_until_true(const bool& done, const char* what) {
  struct Running {
    Reactor& reactor;
    Reactor* before;
    ~Running() {
      reactor.running_ = false;
      reactor.crashed_ = false;
      detail::running_on_thread = before;
    }
  } running{*this, std::exchange(detail::running_on_thread, this)};
  const detail::FreshRows rows;
  running_ = true;
  stuck_ = false;
  inbox_->refuse_calls(false);
  arm_next();  // the deadline armed last may have been cancelled
  while (!inbox_->stopping() && !crashed_ && !done) take_turn(what);
  if (dead_) throw_dead("run()");
  if (done) return;  // a stop() that came too is for the next run
  if (!crashed_) shut_down();
  take_last_calls();
  inbox_->has_stopped();
}

void Reactor::crash() noexcept {
  require_home("crash()");
  if (!running_) return;
  crashed_ = true;
  want_turn();
}

void Reactor::shut_down() {
  if (!shutdown_) shutdown_ = std::make_shared<detail::Shutdown>(detail::Shutdown{this});
  ++shutdown_->number;
  shutdown_->awaited = 0;
  stuck_ = false;
  call_triggers(Phase::before);
  while (shutdown_->awaited > 0 && !crashed_) {
    take_turn("the shutdown triggers");
    call_triggers(Phase::before);  // a turn may set others
  }
  // What the other triggers make ready, such as a task that waits for what one closes, goes on in
  // this run, and an error that it ends with is told. What was ready before is for the next run.
  detail::RunQueue for_next_run;
  for_next_run.prepend(ready_);
  call_triggers(Phase::during);
  call_triggers(Phase::after);
  if (!crashed_ && !ready_.empty()) take_last_round();
  ready_.prepend(for_next_run);
}

void Reactor::call_triggers(Phase phase) noexcept {
  constexpr const char* by = "a shutdown trigger";
  while (!crashed_) {  // a trigger may set others
    const auto next = std::find_if(triggers_.begin(), triggers_.end(), [phase](const auto& node) {
      return node->set && node->phase == phase;
    });
    if (next == triggers_.end()) return;
    const std::shared_ptr<detail::TriggerNode> trigger = std::move(*next);
    triggers_.erase(next);
    trigger->set = false;
    const unsigned number = phase == Phase::before ? shutdown_->number : 0;
    if (number != 0) ++shutdown_->awaited;
    try {
      trigger->call()
          .add_both([trigger, number, shutdown = shutdown_](Outcome<void> outcome) {
            trigger->drop_callable();
            Reactor* const reactor = shutdown->reactor;
            if (!reactor) return outcome;
            if (!outcome.has_value()) {
              detail::ReactorAccess::report(*reactor, outcome.failure(), by);
            }
            if (number == shutdown->number) {
              --shutdown->awaited;
              reactor->want_turn();
            }
            return Outcome<void>();
          })
          .detach();
    } catch (...) {
      if (number != 0) --shutdown_->awaited;
      detail::ReactorAccess::report(*this, Failure::current(), by);
      trigger->drop_callable();
    }
  }
}

void Reactor::report_if_stuck(const char* waits_for) noexcept {
  if (stuck_ || watched_fds_ > 0 || remote_ends_ || inbox_->may_be_called() || backend_->shared()) {
    return;
  }
  bool own_signals = false;
  for (const detail::SignalNode* node = signals_; node; node = node->next_of_reactor) {
    if (!node->internal) return;
    own_signals = true;
  }
  stuck_ = true;
  try {
    std::string text =
        own_signals ? "nothing but SIGINT or SIGTERM can wake " : "nothing can wake ";
    if (task_count_ > 0) text += "the " + std::to_string(task_count_) + " live task";
    if (task_count_ > 1) text += "s";
    if (task_count_ > 0 && waits_for) text += " or answer ";
    if (waits_for) text += waits_for;
    text +=
        "; run() waits on, for a stop() or a thread (one that is going to call should hold "
        "Reactor::remote())";
    if (task_count_ > 0) text += ":\n" + dump_tasks();
    const Failure stuck{StuckError(text)};
    detail::ReactorAccess::report(*this, stuck, "run()");
  } catch (...) {
    detail::report_thrown("run(), while it reported that nothing can wake its tasks");
  }
}

int Reactor::run_main(const std::shared_ptr<detail::MainEnd>& end) {
  auto cancel = [this, end](int signal) {
    const bool is_first = std::exchange(end->signal, signal) == 0;
    if (is_first && !end->ended) return end->cancel();
    end->crashed = true;
    crash();
  };
  SignalWatch watches[2];
  int watched = 0;
  for (const int signal : {SIGINT, SIGTERM}) {
    if (!detail::signal_is_free(signal)) continue;
    auto node = std::make_unique<detail::SignalNodeOf<decltype(cancel)>>(*inbox_, signal,
                                                                         decltype(cancel)(cancel));
    node->internal = true;
    watches[watched++] = add_signal(node.release());
  }
  end->begun = true;
  if (end->ended) stop();  // a Deferred that had its result
  run();
  if (end->crashed) return detail::exit_code_of(end->signal);
  return end->code;
}

}  // namespace deferred
