// SPDX-License-Identifier: MIT
#include "deferred/testing/check_yieldable.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <new>

#include "deferred/results/errors.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/allocation_failure.hpp"
#include "deferred/testing/detail/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"

namespace deferred::detail {
namespace {

using testing::CheckYieldableOptions;
using testing::CheckYieldableReport;
using testing::Cut;
using testing::CutRun;
using testing::ExploreCancelOptions;
using testing::must;

/// One breach, and in which runs it was seen.
struct Breach {
  std::string sentence, first, last;
  std::size_t runs = 1;
};

class YieldableChecks {
 public:
  YieldableChecks(const CheckedYieldable& yieldable, const CheckYieldableOptions& options)
      : yieldable_(yieldable), options_(options) {}

  CheckYieldableReport all() {
    places_ = explore("awaited", [this](CutRun& run) {
      run.at_end([this, &run] {
        if (!run.cut()) answered_ = run.reactor().now();
      });
      return yieldable_.await(run);
    });
    if (yieldable_.await_again && options_.again) explore("awaited again", yieldable_.await_again);
    if (yieldable_.await_held) {
      play("another answers just before",
           [this](CutRun& run) { return answered_just_before(run); });
      for (std::size_t place = 1; yieldable_.has_undo && place < places_; ++place) {
        play("undone at " + std::to_string(place),
             [this, place](CutRun& run) { return undone(run, place); });
      }
    }
    if (yieldable_.abandon) play("abandoned", yieldable_.abandon);
    if (options_.allocations) run_out_of_memory();
    for (const Breach& breach : breaches_) {
      const std::string runs = breach.runs == 1 ? "1 run" : std::to_string(breach.runs) + " runs";
      report_.faults.push_back(breach.sentence + " (" + breach.first + "; " + runs + ")");
    }
    return std::move(report_);
  }

 private:
  using Program = std::function<Task<>(CutRun&)>;

  std::size_t explore(const std::string& what, const Program& program) {
    ExploreCancelOptions options;
    options.at_once = true;
    options.most_runs = options_.most_runs;
    const auto explored = explore_cancel(program, options);
    report_.runs += explored.runs;
    for (const std::string& fault : explored.faults) note_in(what, fault);
    return explored.places;
  }
  void play(const std::string& what, const Program& program) {
    ExploreCancelOptions options;
    options.at_once = true;
    options.cuts = {};
    const auto played = explore_cancel(program, options);
    report_.runs += played.runs;
    for (const std::string& fault : played.faults) note(what, fault.substr(fault.find(": ") + 2));
  }
  void note_in(const std::string& what, const std::string& fault) {
    const std::size_t colon = fault.find(": ");
    note(what + ", " + fault.substr(0, colon), fault.substr(colon + 2));
  }
  void note(const std::string& run, const std::string& sentence) {
    const auto same = std::find_if(breaches_.begin(), breaches_.end(), [&](const Breach& breach) {
      return breach.sentence == sentence;
    });
    if (same == breaches_.end()) {
      breaches_.push_back({sentence, run, run});
    } else if (std::exchange(same->last, run) != run) {
      ++same->runs;
    }
  }

  /// Just before it is answered, as an equal time limit does.
  Task<> answered_just_before(CutRun& run) const {
    auto& held = run.keep<CheckedYieldable::Held>();
    run.may_fail_with<testing::CutError>();
    run.keep<DelayedCall>(run.reactor().call_at(answered_, [&held] {
      if (held.answer) held.answer();
    }));
    return yieldable_.await_held(run, held);
  }
  /// As a decorator may that waits on for something else.
  Task<> undone(CutRun& run, std::size_t place) const {
    struct Undone {
      CheckedYieldable::Held held;
      bool open = false;   // the wait is, and what it was for is undone
      bool ended = false;  // by an answer of the undo itself, which is too late, and allowed
      DelayedCall end;
    };
    auto& undone = run.keep<Undone>();
    run.may_fail_with<testing::CutError>();
    run.at_each_place([&run, &undone, place](std::size_t at) {
      CheckedYieldable::Held& held = undone.held;
      if (undone.open && undone.end.active() && !(held.open && held.open())) {
        undone = {};
        must(false, "it answers after its undo was destroyed");
      }
      if (at != place || !held.undo) return;
      held.undo();
      undone.open = held.open();
      undone.ended = !undone.open;
      if (undone.ended) return;
      undone.end = run.reactor().call_later(std::chrono::hours(24 * 365), [&held] {
        if (held.answer) held.answer();
      });
    });
    const Outcome<void> outcome = co_await as_outcome(yieldable_.await_held(run, undone.held));
    if (!undone.ended) outcome.value();
  }

  void run_out_of_memory() {
    reactors::VirtualTime* time = nullptr;
    testing::AllocationFailureOptions options;
    options.make = [&time] {
      auto made = std::make_unique<reactors::VirtualTime>();
      time = made.get();
      return made;
    };
    const auto tried = testing::with_allocation_failures(
        [&](Reactor& reactor) {
          CutRun run(reactor, *time);
          await_without_memory(run);
        },
        options);
    report_.runs += tried.runs;
    for (const std::string& fault : tried.faults) note_in("without memory", fault);
  }
  void await_without_memory(CutRun& run) const {
    const std::size_t most_turns = places_ + 100;
    Spawned<void> spawned = spawn(run.reactor(), [this, &run] { return yieldable_.await(run); });
    testing::Steps steps(run.reactor());
    std::size_t turns = 0;
    while (!spawned.done() && turns < most_turns && steps.take()) ++turns;
    const testing::AllocationsSucceed memory;
    if (!spawned.done()) {
      const std::string where = spawned.task().where();
      spawned.task().close();
      static_cast<void>(std::move(spawned).deferred().result());
      throw std::logic_error(
          (turns == most_turns ? "it does not end: " : "it waits for ever, as ") + where);
    }
    const Outcome<void> outcome = std::move(spawned).deferred().result();
    if (outcome.has_value() || outcome.check<std::bad_alloc>()) return;
    if (outcome.check<AbandonedError>() && testing::allocation_failed()) return;
    throw std::logic_error("it ends with " + outcome.failure().type_name() + ": " +
                           outcome.failure().what());
  }

  const CheckedYieldable& yieldable_;
  const CheckYieldableOptions& options_;
  TimePoint answered_{};    // when it is, if it is left alone
  std::size_t places_ = 0;  // at which it could be cut until then
  std::vector<Breach> breaches_;
  CheckYieldableReport report_;
};

}  // namespace

LeftOver::LeftOver(CutRun& run) : reactor_(run.reactor()) {
  run.at_end([this] {
    if (!begun_) return;
    must(reactor_.timer_count() <= timers_, "it leaves behind a timer");
    must(reactor_.watch_count() <= watches_, "it leaves behind a watched descriptor");
  });
}
void LeftOver::begin() noexcept {
  begun_ = true;
  timers_ = reactor_.timer_count();
  watches_ = reactor_.watch_count();
}
LeftOver& left_over_of(CutRun& run) {
  const testing::AllocationsSucceed memory;
  return run.keep<LeftOver>(run);
}

CheckYieldableReport check(const CheckedYieldable& yieldable,
                           const CheckYieldableOptions& options) {
  return YieldableChecks(yieldable, options).all();
}

}  // namespace deferred::detail

namespace deferred::testing {

std::string CheckYieldableReport::summary() const {
  std::string text = std::to_string(runs) + " runs, " + std::to_string(faults.size()) + " faults";
  for (const std::string& fault : faults) text += "\n  " + fault;
  return text;
}

}  // namespace deferred::testing
