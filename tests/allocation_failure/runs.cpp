// SPDX-License-Identifier: MIT
//
// How a run begins and ends: shutdown triggers, run(), run_until(), crash(), tasks that are stuck.
#include <memory>
#include <optional>
#include <string>

#include "tests/allocation_failure/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

void shutdown(Reactor& reactor) {
  std::string called;
  {
    const AllocationsSucceed memory;
    called.reserve(100);
  }
  std::string set;
  {
    const AllocationsSucceed memory;
    set.reserve(100);
  }
  std::vector<ShutdownTrigger> triggers;
  {
    const AllocationsSucceed memory;
    triggers.reserve(4);
  }
  auto [promise, deferred] = make_deferred<void>();
  DelayedCall fire = reactor.call_later(1ms, [&] { promise.callback(); });
  try {
    triggers.push_back(reactor.at_shutdown(Phase::after, [&] { called += 'a'; }));
    set += 'a';
    triggers.push_back(reactor.at_shutdown(Phase::before, [&, d = std::move(deferred)]() mutable {
      called += 'b';
      return std::move(d);
    }));
    set.insert(0, "b");
    triggers.push_back(reactor.at_shutdown(Phase::during, [&] { called += 'd'; }));
    set.insert(set.size() - 1, "d");
    right(triggers[0].active(), "a trigger that was set is not");
    ShutdownTrigger detached = reactor.at_shutdown(Phase::after, [&] { called += 'x'; });
    std::move(detached).detach();
    set += 'x';
  } catch (const std::bad_alloc&) {
  }
  reactor.stop();
  reactor.run();
  if (!promise.fired()) promise.callback();
  right(called == set, "a shutdown trigger that was set is not called, or not in order");
}

// A trigger that fails, and one that is a coroutine.
void shutdown_of_coroutine(Reactor& reactor) {
  bool ended = false;
  ShutdownTrigger trigger = reactor.at_shutdown(Phase::before, [&ended]() -> Deferred<void> {
    co_await Pause{};
    ended = true;
  });
  bool after = false;
  const ShutdownTrigger next = reactor.at_shutdown(Phase::after, [&] { after = true; });
  reactor.stop();
  reactor.run();
  right(after, "a trigger after one that fails is not called");
  right(ended || allocation_failed(), "run() does not wait for a trigger");
}

void runs(Reactor& reactor) {
  bool came = false;
  DelayedCall end = reactor.call_later(1ms, [&] {
    came = true;
    reactor.stop();
  });
  reactor.run();
  right(came && !reactor.running(), "run() ends before the stop()");
}

void crashed(Reactor& reactor) {
  const DelayedCall end = reactor.call_later(0ms, [&] { reactor.crash(); });
  reactor.run();
  right(!reactor.running(), "a run that was ended goes on");
}

void run_of_task(Reactor& reactor) {
  int code = -1;
  bool begun = false;
  {
    const auto main = [&begun]() -> Task<int> {
      begun = true;
      co_await Pause{};
      co_return 3;
    };
    code = reactor.run(main());
  }
  right(begun && (code == 3 || (code == 1 && allocation_failed())),
        "run(task) gives another exit code");
}

void run_until_deferred(Reactor& reactor) {
  auto [promise, deferred] = make_deferred<int>();
  const DelayedCall fire = reactor.call_later(1ms, [&] { promise.callback(5); });
  right(reactor.run_until(std::move(deferred)) == 5, "run_until() gives another value");
}
void run_until_task(Reactor& reactor) {
  const auto task = []() -> Task<int> {
    co_await Pause{};
    co_return 5;
  };
  right(reactor.run_until(task()) == 5, "run_until() gives another value");
  reactor.run_until(Pause{});
}
void run_until_stopped(Reactor& reactor) {
  reactor.stop();
  auto [promise, deferred] = make_deferred<int>();
  try {
    static_cast<void>(reactor.run_until(std::move(deferred)));
    right(false, "run_until() ends without a result");
  } catch (const ReactorStateError&) {
  }
}

void stuck(Reactor& reactor) {
  int reported = 0;
  reactor.set_error_hook([&](const Failure& failure, std::string_view) {
    const AllocationsSucceed memory;
    if (failure.check<StuckError>() || failure.check<std::bad_alloc>()) ++reported;
    reactor.stop();
  });
  auto [promise, deferred] = make_deferred<void>();
  const auto task = [](Deferred<void> d) -> Task<> { co_await std::move(d); };
  const Spawned<void> waits = spawn(reactor, task(std::move(deferred)));
  reactor.run();
  right(reported == 1, "tasks that nothing can wake are not reported");
  reactor.set_error_hook(nullptr);
  promise.callback();
  turn_until(reactor, [&] { return waits.done(); });
}

}  // namespace

Programs run_programs() {
  return {
      {"shutdown triggers",
       {"deferred::Reactor::at_shutdown()", "deferred::ShutdownTrigger::ShutdownTrigger()",
        "deferred::ShutdownTrigger::active()", "deferred::ShutdownTrigger::detach()",
        "deferred::Reactor::stop()"},
       &shutdown},
      {"a shutdown trigger that is a coroutine", {}, &shutdown_of_coroutine},
      {"run()", {"deferred::Reactor::run()", "deferred::Reactor::running()"}, &runs},
      {"crash()", {"deferred::Reactor::crash()"}, &crashed},
      {"run(task)", {"deferred::Reactor::run()"}, &run_of_task},
      {"run_until(Deferred)",
       {"deferred::Reactor::run_until()", "deferred::Backend::drive()",
        "deferred::Backend::shared()", "deferred::Backend::forked()"},
       &run_until_deferred},
      {"run_until(task)", {"deferred::Reactor::run_until()"}, &run_until_task},
      {"run_until() that is stopped", {"deferred::Reactor::run_until()"}, &run_until_stopped},
      {"tasks that nothing can wake", {}, &stuck},
  };
}

}  // namespace deferred::testing
