// SPDX-License-Identifier: MIT
// StuckError: a reactor that nothing can wake says so, and only then.
#include <doctest/doctest.h>
#include <signal.h>

#include <string>
#include <thread>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/signal.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Driven;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;
using deferred::testing::SocketPair;

namespace {

/// Stops the reactor when it says that it is stuck.
template <class On>
struct StuckOn : On {
  StuckOn() {
    On::reactor.set_error_hook([this](const Failure& failure, std::string_view by) {
      ++reports;
      text = failure.what();
      is_stuck = failure.check<StuckError>() && by == "run()";
      On::reactor.stop();
    });
  }
  int reports = 0;
  bool is_stuck = false;
  std::string text;
};

Task<> wait_on(Deferred<void> deferred) { co_await std::move(deferred); }

}  // namespace

TEST_CASE_TEMPLATE("tasks that nothing can wake are reported, each with where it waits", On,
                   StuckOn<OnPoll>, StuckOn<OnVirtualTime>) {
  On on;
  auto [first, one] = make_deferred<void>();
  auto [second, two] = make_deferred<void>();
  spawn(on.reactor, wait_on(std::move(one))).task().set_name("reader");
  spawn(on.reactor, wait_on(std::move(two))).detach();

  on.reactor.run();

  CHECK(on.reports == 1);
  CHECK(on.is_stuck);
  CHECK_MESSAGE(on.text.find("nothing can wake the 2 live tasks") == 0, on.text);
  CHECK_MESSAGE(
      on.text.find("task #1 'reader' waiting on deferred::Deferred<void> at") != std::string::npos,
      on.text);
  CHECK_MESSAGE(on.text.find("stuck.cpp") != std::string::npos, on.text);
}

TEST_CASE_FIXTURE(StuckOn<OnPoll>,
                  "children of a nursery that is on no stack are live tasks, too") {
  auto [promise, never] = make_deferred<void>();
  Nursery nursery(reactor);
  nursery.spawn(wait_on(std::move(never)));

  reactor.run();

  CHECK(reports == 1);
  CHECK_MESSAGE(text.find("nothing can wake the 1 live task") == 0, text);
}

TEST_CASE("it is reported once a run, and the run goes on: a stop() or a thread may still come") {
  StuckOn<OnPoll> on;
  auto [promise, never] = make_deferred<void>();
  Promise<void>& fire = promise;
  spawn(on.reactor, wait_on(std::move(never))).detach();
  std::thread thread;
  int reports = 0;
  on.reactor.set_error_hook([&](const Failure&, std::string_view) {
    ++reports;
    thread = std::thread([&] { CHECK(on.reactor.call_from_thread([&] { fire.callback(); })); });
    spawn(on.reactor, [&]() -> Task<> {
      while (on.reactor.task_count() > 1) co_await Pause{};
      on.reactor.stop();
    }).detach();
  });

  on.reactor.run();
  thread.join();

  CHECK(reports == 1);
  CHECK(on.reactor.task_count() == 0);
}

TEST_CASE_TEMPLATE("whatever can still wake a task is reason enough to wait", On, StuckOn<OnPoll>,
                   StuckOn<OnVirtualTime>) {
  On on;
  auto [promise, never] = make_deferred<void>();
  Promise<void>& fire = promise;
  spawn(on.reactor, wait_on(std::move(never))).detach();
  SocketPair pair;
  std::thread thread;

  SUBCASE("a timer") {
    const DelayedCall timer = on.reactor.call_later(10ms, [&] { on.reactor.stop(); });
    on.reactor.run();
  }
  SUBCASE("a watched descriptor") {
    thread = std::thread([&] { pair.write(1); });
    const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] { on.reactor.stop(); });
    on.reactor.run();
  }
  SUBCASE("a watched signal") {
    const SignalWatch watch = on.reactor.on_signal(SIGUSR1, [&] { on.reactor.stop(); });
    thread = std::thread([] { ::kill(::getpid(), SIGUSR1); });
    on.reactor.run();
  }
  SUBCASE("a RemoteReactor that a thread holds") {
    thread = std::thread([remote = on.reactor.remote()] { remote.stop(); });
    const RemoteReactor kept = on.reactor.remote();
    on.reactor.run();
  }
  SUBCASE("a thread that has called before") {
    std::thread([&] { CHECK(on.reactor.call_from_thread([] {})); }).join();
    thread = std::thread([&] { on.reactor.stop(); });
    on.reactor.run();
  }
  SUBCASE("an answer that another thread owes") {
    const auto answered = [](std::thread& other) -> Task<> {
      struct Ask {
        explicit Ask(std::thread& to) : other(to) {}
        std::thread& other;
        void yield_to(Waiter<void> waiter) const {
          other = std::thread(
              [remote = std::move(waiter).remote()]() mutable { std::move(remote).resume(); });
        }
      };
      Ask ask(other);
      co_await ask;
    };
    on.reactor.run(answered(thread));
  }
  if (thread.joinable()) thread.join();

  CHECK(on.reports == 0);
  fire.callback();
}

TEST_CASE("nothing is reported when no task is live, and none once a task is woken in time") {
  StuckOn<OnVirtualTime> on;
  std::thread thread([&] { on.reactor.stop(); });
  on.reactor.run();
  thread.join();
  CHECK(on.reports == 0);

  CHECK(on.reactor.run([]() -> Task<int> {
    co_await Pause{24h};
    co_return 2;
  }()) == 2);
  CHECK(on.reports == 0);
}

TEST_CASE("the signals that run(main) watches for itself are no reason to wait") {
  StuckOn<OnPoll> on;
  auto [promise, never] = make_deferred<void>();

  CHECK(on.reactor.run(wait_on(std::move(never))) == 0);

  CHECK(on.reports == 1);
}

TEST_CASE("a run_until() and a shutdown that nothing can end are reported too, without a task") {
  StuckOn<OnPoll> on;
  auto [promise, never] = make_deferred<void>();
  CHECK_THROWS_AS(on.reactor.run_until(std::move(never)), ReactorStateError);
  CHECK(on.reports == 1);
  CHECK_MESSAGE(on.text.find("nothing can wake the Deferred that run_until() was given; ") == 0,
                on.text);

  on.reactor.set_error_hook([&](const Failure& failure, std::string_view) {
    on.text = failure.what();
    on.reactor.crash();
  });
  auto [other, waits] = make_deferred<void>();
  on.reactor.at_shutdown(Phase::before, [d = std::move(waits)]() mutable { return std::move(d); })
      .detach();
  on.reactor.stop();
  on.reactor.run();
  CHECK_MESSAGE(on.text.find("nothing can wake the shutdown triggers; ") == 0, on.text);
  other.callback();
}

TEST_CASE("a main task that only Ctrl-C can end is told so") {
  struct sigaction before{};
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  ::sigaction(SIGTERM, &action, &before);
  StuckOn<OnPoll> on;
  auto [promise, never] = make_deferred<void>();

  CHECK(on.reactor.run(wait_on(std::move(never))) == 0);
  ::sigaction(SIGTERM, &before, nullptr);

  CHECK_MESSAGE(on.text.find("nothing but SIGINT or SIGTERM can wake the 1 live task") == 0,
                on.text);
}
