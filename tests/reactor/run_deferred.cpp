// SPDX-License-Identifier: MIT
//
// run(deferred): a program whose main part is a Deferred. (Twisted: task.react)
#include <doctest/doctest.h>

#include <csignal>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "deferred/reactor/reactor.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/handled_signals.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

// Twisted row 160, and those below.
TEST_CASE_FIXTURE(Loop,
                  "run(deferred) runs until it has fired; a Deferred<int> gives the exit code") {
  auto [promise, deferred] = make_deferred<int>();
  reactor.call_later(2s, [&promise = promise] { promise.callback(7); }).detach();

  CHECK(reactor.run(std::move(deferred)) == 7);

  CHECK(now() == 2s);
  CHECK(reactor.run(succeed(std::string("not a code"))) == 0);
}

TEST_CASE_FIXTURE(Loop,
                  "run(deferred) of one that has fired calls the shutdown triggers, and ends") {
  int shut_down = 0;
  const ShutdownTrigger trigger = reactor.at_shutdown(Phase::before, [&] { ++shut_down; });

  CHECK(reactor.run(succeed(3)) == 3);

  CHECK(shut_down == 1);
}

TEST_CASE_FIXTURE(Loop, "run(deferred) reports a failure and gives 1; Cancelled says nothing") {
  CHECK(reactor.run(fail<void>(std::runtime_error("no main"))) == 1);
  const auto reports = unhandled.take_reports();
  REQUIRE(reports.size() == 1);
  CHECK(reports[0].find("the main task") == 0);

  CHECK(reactor.run(fail<void>(Cancelled())) == 1);
}

TEST_CASE_FIXTURE(Loop,
                  "a run(deferred) that stop() ends gives 0, and what comes later stops nobody") {
  auto [promise, deferred] = make_deferred<int>();
  reactor.call_later(1s, [this] { reactor.stop(); }).detach();

  CHECK(reactor.run(std::move(deferred)) == 0);

  bool ticked = false;
  reactor.call_later(1s, [&promise = promise] { promise.callback(7); }).detach();
  reactor
      .call_later(2s,
                  [&] {
                    ticked = true;
                    reactor.stop();
                  })
      .detach();
  reactor.run();
  CHECK(ticked);
}

TEST_CASE_FIXTURE(Loop,
                  "an error that comes while the reactor shuts down is reported and gives 1") {
  auto [promise, deferred] = make_deferred<void>();
  auto& main_promise = promise;
  const ShutdownTrigger trigger = reactor.at_shutdown(Phase::before, [&]() -> Deferred<void> {
    auto [ended, end] = make_deferred<void>();
    reactor
        .call_later(1s,
                    [&main_promise, ended = std::move(ended)]() mutable {
                      main_promise.errback(std::runtime_error("late"));
                      ended.callback();
                    })
        .detach();
    return std::move(end);
  });
  reactor.post([this] { reactor.stop(); });

  CHECK(reactor.run(std::move(deferred)) == 1);

  CHECK(unhandled.take() == std::vector<std::string>{"late"});
}

TEST_CASE("SIGINT cancels the Deferred of a run, once, and the exit code says so") {
  const Free free;
  Reactor reactor;
  bool asked = false;
  auto [promise, deferred] = make_deferred<void>([&] { asked = true; });
  reactor.post([] { std::raise(SIGINT); });

  CHECK(reactor.run(std::move(deferred)) == 128 + SIGINT);

  CHECK(asked);
}

TEST_CASE(
    "a second SIGINT ends the run of a Deferred whose canceller says that an answer follows") {
  const Free free;
  Reactor reactor;
  auto [promise, deferred] = make_deferred<void>([&reactor] {
    reactor.post([] { std::raise(SIGINT); });
    return Cancelling::answer_follows;
  });
  reactor.post([] { std::raise(SIGINT); });

  CHECK(reactor.run(std::move(deferred)) == 128 + SIGINT);

  promise.callback();
}

Deferred<int> main_part(Reactor&) {
  co_await Pause{1s};
  co_return 4;
}

TEST_CASE_FIXTURE(Loop, "run(deferred) takes what a Deferred coroutine gives") {
  CHECK(reactor.run(main_part(reactor)) == 4);
  CHECK(reactor.run(spawn(reactor, []() -> Task<int> { co_return 5; })) == 5);
}

TEST_CASE_FIXTURE(Loop, "run(deferred) inside run() throws, and the Deferred is not fired") {
  bool thrown = false;
  auto [promise, deferred] = make_deferred<int>();
  reactor.post([this, &thrown, deferred = std::move(deferred)]() mutable {
    try {
      reactor.run(std::move(deferred));
    } catch (const ReactorStateError&) {
      thrown = true;
    }
    reactor.stop();
  });

  reactor.run();

  CHECK(thrown);
  promise.callback(1);
}

TEST_CASE(
    "a Deferred that outlives its run and its reactor is nobody's, and its failure is reported") {
  Unhandled unhandled;
  auto [promise, deferred] = make_deferred<int>();
  {
    reactors::VirtualTime time;
    Reactor reactor{time};
    reactor.post([&reactor] { reactor.stop(); });
    CHECK(reactor.run(std::move(deferred)) == 0);
  }

  promise.errback(std::runtime_error("late"));

  CHECK(unhandled.take() == std::vector<std::string>{"late"});
}

}  // namespace
