// SPDX-License-Identifier: MIT
#include "deferred/testing/explore_cancel.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <set>

#include "deferred/results/errors.hpp"
#include "deferred/results/outcome.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/detail/open_descriptors.hpp"
#include "deferred/testing/detail/steps.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {
namespace {

const char* name_of(Cut cut) noexcept {
  switch (cut) {
    case Cut::cancel:
      return "cancel";
    case Cut::cancel_once:
      return "cancel_once";
    case Cut::close:
      return "close";
    case Cut::throw_:
      return "throw_";
    case Cut::timeout:
      return "timeout";
  }
  return "?";
}

struct CutAt {
  Cut how;
  std::size_t place;
};
using Cuts = std::vector<CutAt>;

std::string text_of(const Cuts& cuts) {
  std::string text;
  for (const CutAt& cut : cuts) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(cut.how)) + " at " +
            std::to_string(cut.place);
  }
  return text;
}

// What comes to the unhandled-failure hook, which is the process's.
std::vector<Failure>* unhandled = nullptr;
void take_unhandled(const Failure& failure, const std::string&) {
  if (unhandled) unhandled->push_back(failure);
}

bool is_answer_to_its_cuts(const CutRun& run, const Failure& failure) {
  if (failure.check<Cancelled>()) return run.cut(Cut::cancel) || run.cut(Cut::cancel_once);
  if (failure.check<AbandonedError>()) return run.cut(Cut::close);
  if (failure.check<CutError>()) return run.cut(Cut::throw_);
  return failure.check<TimeoutError>() && run.cut(Cut::timeout);
}

/// The program inside of `limit`, as with_timeout() has it; but anybody may move the deadline.
Task<> limited(CancelScope& limit, Task<> program) {
  const bool in_time = co_await limit.run(std::move(program));
  if (!in_time) throw TimeoutError("timed out by explore_cancel()");
}

bool goes_on(Reactor& reactor) {
  bool paused = false;
  const auto body = [&]() -> Task<> {
    co_await Pause{};
    paused = true;
  };
  const Spawned<void> task = spawn(reactor, body);
  for (int turn = 0; turn < 4; ++turn) reactor.backend().run_once(false);
  return paused && task.done();
}

std::string what_is_left(const Reactor& reactor) {
  std::string left;
  const auto note = [&left](std::size_t count, const std::string& what) {
    if (count == 0) return;
    left += left.empty() ? "" : ", ";
    left += count == 1 ? "a " + what : std::to_string(count) + " " + what + "s";
  };
  note(reactor.timer_count(), "timer");
  note(reactor.watch_count(), "watched descriptor");
  note(reactor.busy() ? 1 : 0, "post");
  return left;
}

}  // namespace

// They make no text: there may be no memory for it.
DestroyedOnce::DestroyedOnce(CutRun& run) : run_(&run) { run.alive_.insert(this); }
DestroyedOnce::DestroyedOnce(const DestroyedOnce& other) : run_(other.run_) {
  if (!run_->alive_.contains(&other)) run_->copied_late_ = true;
  run_->alive_.insert(this);
}
DestroyedOnce& DestroyedOnce::operator=(const DestroyedOnce& other) {
  if (!other.run_->alive_.contains(&other)) other.run_->copied_late_ = true;
  return *this;
}
DestroyedOnce::~DestroyedOnce() {
  if (run_->alive_.erase(this) == 0) run_->destroyed_twice_ = true;
}

CutRun::~CutRun() {
  checks_.clear();
  meddlers_.clear();
  while (!kept_.empty()) kept_.pop_back();
}

/// The runs of one program.
class CutRuns {
 public:
  CutRuns(const std::function<Task<>(CutRun&)>& program, const ExploreCancelOptions& options)
      : program_(program),
        options_(options),
        hook_before_(set_unhandled_failure_hook(&take_unhandled)) {}
  CutRuns(const CutRuns&) = delete;
  CutRuns& operator=(const CutRuns&) = delete;
  ~CutRuns() { set_unhandled_failure_hook(hook_before_); }

  ExploreCancelReport all() {
    report_.places = run({});
    std::vector<std::pair<CutAt, std::size_t>> onces;  // and how many places were left
    std::set<Cut> endless;  // it does not end then, and would not the second time
    for (std::size_t place = 0; place < report_.places; ++place) {
      for (const Cut how : options_.cuts) {
        const std::size_t places = run({{how, place}});
        onces.push_back({{how, place}, places});
        if (places == options_.most_turns) endless.insert(how);
      }
    }
    std::vector<Cuts> twice;
    for (const auto& [once, places] : onces) {
      if (!options_.twice || endless.contains(once.how)) continue;
      for (std::size_t second = once.place; second < places; ++second) {
        for (const Cut again : options_.cuts) {
          if (!endless.contains(again)) twice.push_back({once, {again, second}});
        }
      }
    }
    const std::size_t many = std::min(twice.size(), options_.most_runs);
    for (std::size_t i = 0; i < many; ++i) run(twice[i * twice.size() / many]);
    report_.left_out = twice.size() - many;
    return std::move(report_);
  }

 private:
  // Gives at how many places it could be cut.
  std::size_t run(const Cuts& cuts) {
    if (options_.only && *options_.only != text_of(cuts) && !leads_to_only(cuts)) return 0;
    ++report_.runs;
    std::size_t places = 0;
    const auto descriptors = open_descriptors();
    std::vector<Failure> reported;
    std::vector<std::string> faults;
    unhandled = &reported;
    {
      reactors::VirtualTime time;
      auto reactor = std::make_unique<Reactor>(time);
      CutRun run(*reactor, time);
      reactor->set_event_interval(0);
      reactor->set_error_hook([&](const Failure& failure, std::string_view by) {
        faults.push_back(std::string(by) + " throws: " + failure.what());
      });
      places = play(run, cuts, faults);
      check(run, faults);
      for (const Failure& failure : reported) judge(run, failure, "leaves unhandled", faults);
      reported.clear();
      reactor.reset();
      for (const Failure& failure : reported) judge(run, failure, "leaves unhandled", faults);
      reported.clear();
      if (!run.alive_.empty()) {
        faults.push_back("it leaves " + std::to_string(run.alive_.size()) + " DestroyedOnce alive");
      }
      if (run.destroyed_twice_) faults.push_back("a DestroyedOnce is destroyed twice");
      if (run.copied_late_) faults.push_back("a DestroyedOnce is copied after its end");
    }
    unhandled = nullptr;
    if (const std::string left = opened_since(descriptors); !left.empty()) {
      faults.push_back("it leaves open descriptor " + left);
    }
    for (const std::string& fault : faults) report_.faults.push_back(text_or_none(cuts) + fault);
    return places;
  }
  static std::string text_or_none(const Cuts& cuts) {
    return (cuts.empty() ? "not cut" : text_of(cuts)) + ": ";
  }
  bool leads_to_only(const Cuts& cuts) const {
    return cuts.size() < 2 && (cuts.empty() || options_.only->starts_with(text_of(cuts) + ","));
  }

  std::size_t play(CutRun& run, const Cuts& cuts, std::vector<std::string>& faults) {
    std::deque<CancelScope> limits(cuts.size());  // one each, the later cut's around the earlier's
    const auto program = [this, &run, &limits, &cuts]() -> Task<> {
      Task<> body = program_(run);
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (cuts[i].how == Cut::timeout) body = limited(limits[i], std::move(body));
      }
      co_await std::move(body);
    };
    Spawned<void> spawned = spawn(run.reactor(), program);
    TaskRef task = spawned.task();
    bool idle = false;
    Steps steps(run.reactor());
    std::size_t place = 0;
    for (;; ++place) {
      // One may begin another.
      for (std::size_t i = 0; i < run.meddlers_.size(); ++i) {
        const auto meddles = run.meddlers_[i];
        call(meddles, faults, place);
      }
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        if (cuts[i].place == place) apply(cuts[i].how, run, task, limits[i]);
      }
      if (task.done() || idle || place == options_.most_turns) break;
      idle = !steps.take();
    }
    const bool ends = task.done();
    if (!ends) {
      faults.push_back((idle ? "it waits for ever, as " : "it does not end: ") + task.where());
      task.close();
    }
    const Outcome<void> outcome = std::move(spawned).deferred().result();
    if (ends && !outcome.has_value()) judge(run, outcome.failure(), "ends with", faults);
    settle(run, faults);
    return place;
  }

  static void apply(Cut how, CutRun& run, TaskRef& task, CancelScope& limit) {
    if (task.done()) return;
    run.cuts_.insert(how);
    switch (how) {
      case Cut::cancel:
        return task.cancel();
      case Cut::cancel_once:
        return task.cancel_once();
      case Cut::close:
        return task.close();
      case Cut::throw_:
        return task.throw_(CutError());
      case Cut::timeout:
        return limit.cancel_at(run.reactor().now());
    }
  }

  /// What is left to do when the program has ended.
  void settle(CutRun& run, std::vector<std::string>& faults) const {
    Steps steps(run.reactor());
    std::size_t turns = 0;
    while (turns < options_.most_turns && (options_.at_once ? steps.take_now() : steps.take()))
      ++turns;
    if (turns == options_.most_turns) faults.push_back("what it leaves behind does not end");
    if (run.reactor().task_count() != 0) {
      std::string tasks = run.reactor().dump_tasks();
      faults.push_back("it leaves behind " + tasks.substr(0, tasks.find_last_not_of('\n') + 1));
    }
  }

  template <class F, class... A>
  static void call(const F& f, std::vector<std::string>& faults, A... arguments) {
    try {
      f(arguments...);
    } catch (const std::exception& error) {
      faults.push_back(error.what());
    } catch (...) {
      faults.push_back("a check throws " + Failure::current().type_name());
    }
  }
  void check(CutRun& run, std::vector<std::string>& faults) const {
    for (const auto& check : run.checks_) call(check, faults);
    run.checks_.clear();
    run.meddlers_.clear();
    while (!run.kept_.empty()) run.kept_.pop_back();
    settle(run, faults);
    if (const std::string left = what_is_left(run.reactor()); !left.empty()) {
      faults.push_back("it leaves behind " + left);
    }
    if (!goes_on(run.reactor())) faults.push_back("the reactor does not go on");
  }

  static void judge(const CutRun& run, const Failure& failure, const char* how,
                    std::vector<std::string>& faults) {
    const auto is_it = [&](auto expected) { return expected(failure); };
    if (is_answer_to_its_cuts(run, failure) ||
        std::any_of(run.expected_.begin(), run.expected_.end(), is_it)) {
      return;
    }
    faults.push_back("it " + std::string(how) + " " + failure.type_name() + ": " + failure.what());
  }

  const std::function<Task<>(CutRun&)>& program_;
  const ExploreCancelOptions& options_;
  UnhandledFailureHook hook_before_;
  ExploreCancelReport report_;
};

ExploreCancelReport explore_cancel(const std::function<Task<>(CutRun&)>& program,
                                   const ExploreCancelOptions& options) {
  return CutRuns(program, options).all();
}

std::string ExploreCancelReport::summary() const {
  std::string text = std::to_string(places) + " places, " + std::to_string(runs) + " runs, " +
                     std::to_string(faults.size()) + " faults";
  if (left_out != 0) text += ", " + std::to_string(left_out) + " runs left out";
  for (const std::string& fault : faults) text += "\n  " + fault;
  return text;
}

}  // namespace deferred::testing
