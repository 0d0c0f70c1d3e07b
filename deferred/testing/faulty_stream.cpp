// SPDX-License-Identifier: MIT
#include "deferred/testing/faulty_stream.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/testing/decorated_transport.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {
namespace {

/// One direction of a faulty stream. Once it has failed it is ready, whatever is below.
class FaultyDirection final : public DecoratedTransport::Passed {
 public:
  FaultyDirection(io::Readiness& lower, Reactor& reactor) : Passed(lower, reactor) {}

  bool broken = false;
  bool has_waited = false;  // the operation before this one was made to wait

 private:
  void arm() override {
    if (!broken) return Passed::arm();
    soon_ = reactor().call_later(std::chrono::nanoseconds(0), [this] { report(); });
  }
  void disarm() noexcept override {
    soon_.cancel();
    Passed::disarm();
  }

  DelayedCall soon_;
};

class FaultyTransport final : public DecoratedTransport {
 public:
  FaultyTransport(io::Stream lower, const FaultPlan& plan)
      : DecoratedTransport(std::move(lower), reading_, writing_),
        plan_(plan),
        reading_(DecoratedTransport::lower().readable(), reactor()),
        writing_(DecoratedTransport::lower().writable(), reactor()) {}

  std::optional<std::size_t> try_read(std::span<char> into) override {
    const bool strikes = begin_operation(reading_);
    if (reading_.broken) return end_of_reading();
    if (strikes && waits()) return std::nullopt;
    const auto got = DecoratedTransport::try_read(strikes ? into.first(1) : into);
    drained = drained && !strikes;
    return got;
  }

  std::optional<std::size_t> try_write(std::string_view data) override {
    const bool strikes = begin_operation(writing_);
    if (writing_.broken) fail("write to ");
    if (strikes && waits()) return std::nullopt;
    return DecoratedTransport::try_write(strikes ? data.substr(0, 1) : data);
  }

  bool try_flush() override {
    const bool strikes = begin_operation(writing_);
    if (writing_.broken) fail("write to ");
    return !(strikes && waits()) && DecoratedTransport::try_flush();
  }

  bool try_shutdown_write() override {
    const bool strikes = begin_operation(writing_);
    if (writing_.broken) fail("shut down writing to ");
    return !(strikes && waits()) && DecoratedTransport::try_shutdown_write();
  }

 private:
  bool waits() const noexcept { return plan_.fault == StreamFault::would_block; }

  /// True if this is an operation that goes wrong; and then, if it is for good, it is so now.
  bool begin_operation(FaultyDirection& direction) {
    const std::size_t number = begun_++;
    if (plan_.operations) *plan_.operations = begun_;
    if (number != plan_.at && !(plan_.from_then_on && number > plan_.at)) return false;
    switch (plan_.fault) {
      case StreamFault::would_block:
        direction.has_waited = !direction.has_waited;
        return direction.has_waited;
      case StreamFault::one_byte:
        break;
      case StreamFault::error:
      case StreamFault::end:
        direction.broken = true;
        break;
    }
    return true;
  }
  std::size_t end_of_reading() const {
    if (plan_.fault == StreamFault::end) return 0;
    throw std::system_error(plan_.error, "read from " + peer());
  }
  [[noreturn]] void fail(const char* what) const {
    const std::error_code gone = std::make_error_code(std::errc::broken_pipe);
    throw std::system_error(plan_.fault == StreamFault::end ? gone : plan_.error, what + peer());
  }

  const FaultPlan plan_;
  std::size_t begun_ = 0;
  FaultyDirection reading_;
  FaultyDirection writing_;
};

}  // namespace

namespace detail {

/// What a reactor has to do: to see what a run has added.
class StepsLeft {
 public:
  explicit StepsLeft(const Reactor& reactor)
      : tasks_(reactor.task_count()),
        timers_(reactor.timer_count()),
        watches_(reactor.watch_count()) {}
  /// "a task, 2 timers": what is there now and was not then.
  std::string more_on(const Reactor& reactor) const {
    std::string text;
    const auto note = [&text](std::size_t before, std::size_t now, const std::string& what) {
      if (now <= before) return;
      text += (text.empty() ? "" : ", ") + std::to_string(now - before) + " " + what;
    };
    note(tasks_, reactor.task_count(), "tasks");
    note(timers_, reactor.timer_count(), "timers");
    note(watches_, reactor.watch_count(), "watched descriptors");
    return text;
  }

 private:
  std::size_t tasks_, timers_, watches_;
};

/// A run of at_every_step().
class StepRun {
 public:
  StepRun(const MakeStreamPair& make, const StreamScenario& scenario, Duration limit) noexcept
      : make_(make), scenario_(scenario), limit_(limit) {}

  /// Gives what is wrong, empty if nothing is.
  Task<std::string> play(FaultPlan plan, bool near) const {
    Reactor& reactor = Reactor::current();
    const StepsLeft before(reactor);
    std::string fault = co_await play_on(reactor, plan, near);
    if (!fault.empty()) co_return fault;
    // What was closed by the end of the pair unwinds, and what was on its way comes to nothing.
    for (int turn = 0; turn < 4; ++turn) co_await Pause{};
    if (!before.more_on(reactor).empty()) co_await Pause{std::chrono::seconds(1)};
    const std::string left = before.more_on(reactor);
    co_return left.empty() ? left : "it leaves behind " + left;
  }

 private:
  Task<std::string> play_on(Reactor& reactor, const FaultPlan& plan, bool near) const {
    StreamPair pair = co_await make_(reactor);
    io::Stream& end = near ? pair.near : pair.far;
    end = faulty(std::move(end), plan);
    CancelScope limited;
    std::string tasks;
    const DelayedCall over = reactor.call_later(limit_, [&] {
      tasks = reactor.dump_tasks();
      limited.cancel();
    });
    Task<void> body = scenario_(pair, plan);
    const Outcome<bool> outcome = co_await as_outcome(limited.run(std::move(body)));
    if (!tasks.empty()) co_return "it does not end; its tasks:\n" + tasks;
    if (outcome.has_value() || may_end_with(plan, outcome.failure())) co_return std::string();
    co_return outcome.failure().what();
  }

  static bool may_end_with(const FaultPlan& plan, const Failure& failure) {
    const bool harmless =
        plan.fault == StreamFault::would_block || plan.fault == StreamFault::one_byte;
    return !harmless && failure.check<std::system_error>();
  }

  const MakeStreamPair& make_;
  const StreamScenario& scenario_;
  Duration limit_;
};

}  // namespace detail

const char* name_of(StreamFault fault) noexcept {
  switch (fault) {
    case StreamFault::would_block:
      return "would_block";
    case StreamFault::one_byte:
      return "one_byte";
    case StreamFault::error:
      return "error";
    case StreamFault::end:
      return "end";
  }
  return "?";
}

io::Stream faulty(io::Stream stream, const FaultPlan& plan) {
  return io::make_stream<FaultyTransport>(std::move(stream), plan);
}

std::string EveryStepReport::summary() const {
  std::string text = std::to_string(runs) + " runs, " + std::to_string(faults.size()) + " faults";
  for (const std::string& fault : faults) text += "\n" + fault;
  return text;
}

Task<EveryStepReport> at_every_step(MakeStreamPair make, StreamScenario scenario,
                                    EveryStepOptions options) {
  EveryStepReport report;
  const detail::StepRun run(make, scenario, options.limit);
  for (const bool near : {true, false}) {
    if (near ? !options.near : !options.far) continue;
    const std::string end = near ? "near, " : "far, ";
    for (const StreamFault fault : options.faults) {
      FaultPlan plan;
      plan.fault = fault;
      plan.error = options.error;
      // Until there was no operation of that number.
      for (bool struck = true; struck; ++plan.at) {
        const std::string step = end + name_of(fault) + " at " + std::to_string(plan.at) + ": ";
        if (plan.at == options.most) {
          report.faults.push_back(step + "it goes on and on");
          break;
        }
        plan.operations = std::make_shared<std::size_t>(0);
        const std::string wrong = co_await run.play(plan, near);
        ++report.runs;
        if (!wrong.empty()) report.faults.push_back(step + wrong);
        struck = *plan.operations > plan.at;
      }
    }
  }
  co_return report;
}

}  // namespace deferred::testing
