// SPDX-License-Identifier: MIT
// Signals: Reactor::on_signal(), Signal, and what SIGINT and SIGTERM do to run(main).
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/signal.hpp"
#include "tests/support/driven.hpp"
#include "tests/support/handled_signals.hpp"
#include "tests/support/unhandled.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;
using deferred::testing::OnVirtualTime;

namespace {

bool is_default(int signal) {
  struct sigaction now{};
  ::sigaction(signal, nullptr, &now);
  return now.sa_handler == SIG_DFL;
}

Task<> wait_for_ever() {
  auto [promise, never] = make_deferred<void>();
  co_await std::move(never);
}

}  // namespace

TEST_CASE_TEMPLATE("a watched signal is delivered in a turn, and wakes a run() that waits", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::vector<int> got;
  const SignalWatch watch = on.reactor.on_signal(SIGUSR1, [&](int signal) {
    got.push_back(signal);
    on.reactor.stop();
  });
  std::thread thread([] { ::kill(::getpid(), SIGUSR1); });

  on.reactor.run();
  thread.join();

  CHECK(got == std::vector{SIGUSR1});
}

TEST_CASE("signals that come before the call count as one") {
  OnPoll on;
  int calls = 0;
  const SignalWatch watch = on.reactor.on_signal(SIGUSR1, [&] { ++calls; });

  for (int i = 0; i < 5; ++i) ::raise(SIGUSR1);
  CHECK(calls == 0);  // not in the signal handler
  on.turn();
  CHECK(calls == 1);
  ::raise(SIGUSR1);
  on.turn();

  CHECK(calls == 2);
}

TEST_CASE("every watch of a signal is called, in every reactor") {
  OnPoll a, b;
  std::string log;
  const SignalWatch first = a.reactor.on_signal(SIGUSR1, [&] { log += "a"; });
  const SignalWatch second = a.reactor.on_signal(SIGUSR1, [&] { log += "a"; });
  const SignalWatch third = b.reactor.on_signal(SIGUSR1, [&] { log += "b"; });

  ::raise(SIGUSR1);
  a.turn();
  b.turn();

  CHECK(log == "aab");
}

TEST_CASE("the last watch to go puts back what the process did with the signal") {
  OnPoll on;
  CHECK(is_default(SIGUSR1));
  {
    SignalWatch first = on.reactor.on_signal(SIGUSR1, [] {});
    const SignalWatch second = on.reactor.on_signal(SIGUSR1, [] {});
    first = SignalWatch();
    CHECK_FALSE(is_default(SIGUSR1));
  }
  CHECK(is_default(SIGUSR1));
}

TEST_CASE("a watch dropped between signal and turn is not called; one dropped inside lives on") {
  OnPoll on;
  int calls = 0;
  SignalWatch dropped = on.reactor.on_signal(SIGUSR1, [&] { ++calls; });
  ::raise(SIGUSR1);
  dropped = SignalWatch();
  on.turn();
  CHECK(calls == 0);

  SignalWatch own;
  const auto owned = std::make_shared<int>(0);
  own = on.reactor.on_signal(SIGUSR1, [&own, &calls, owned] {
    own = SignalWatch();
    calls += 1 + *owned;  // still there
  });
  ::raise(SIGUSR1);
  on.turn();

  CHECK(calls == 1);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("a watch that outlives its reactor is inactive, also with a signal on its way") {
  SignalWatch watch;
  {
    OnPoll on;
    watch = on.reactor.on_signal(SIGUSR1, [] {});
    ::raise(SIGUSR1);
  }
  CHECK_FALSE(watch.active());
  CHECK(is_default(SIGUSR1));
}

TEST_CASE("a signal that cannot be caught is refused") {
  OnPoll on;
  CHECK_THROWS_WITH_AS(static_cast<void>(on.reactor.on_signal(SIGKILL, [] {})),
                       doctest::Contains("watching for signal 9"), std::system_error);
  CHECK_THROWS_AS(static_cast<void>(on.reactor.on_signal(0, [] {})), std::system_error);
  CHECK_THROWS_AS(static_cast<void>(on.reactor.on_signal(10'000, [] {})), std::system_error);
}

TEST_CASE("watches come and go while other threads send the signal: none is called after its end") {
  const Handled handled(SIGUSR2);  // when nobody watches
  OnPoll on;
  std::atomic<bool> over{false};
  std::thread sender([&] {
    while (!over) ::pthread_kill(::pthread_self(), SIGUSR2);  // the handler runs here
  });
  int calls = 0;
  for (int i = 0; i < 2000 || calls == 0; ++i) {
    bool live = true;
    const SignalWatch watch = on.reactor.on_signal(SIGUSR2, [&] {
      REQUIRE(live);
      ++calls;
    });
    on.turn();
    live = false;
  }
  over = true;
  sender.join();

  CHECK(calls > 0);
}

TEST_CASE("a flood of signals loses no post, and the last one is seen") {
  OnPoll on;
  constexpr int all = 20'000;
  int posts = 0;
  bool last = false;
  std::atomic<bool> sent{false};
  const auto stop_if_all = [&] {
    if (last && posts == all) on.reactor.stop();
  };
  const SignalWatch watch = on.reactor.on_signal(SIGUSR1, [&] {
    if (sent) last = true;
    stop_if_all();
  });
  std::thread sender([&, remote = on.reactor.remote()] {
    for (int i = 0; i < all; ++i) {
      ::pthread_kill(::pthread_self(), SIGUSR1);
      const bool taken = remote.call_from_thread([&] {
        ++posts;
        stop_if_all();
      });
      CHECK(taken);
    }
    sent = true;
    ::kill(::getpid(), SIGUSR1);
  });

  on.reactor.run();
  sender.join();

  CHECK(posts == all);
  CHECK(last);
}

TEST_CASE_TEMPLATE("Signal answers with the number, and keeps what comes between two awaits", On,
                   OnPoll, OnVirtualTime) {
  On on;
  std::vector<int> got;
  const auto main = [](Reactor& reactor, std::vector<int>& to) -> Task<> {
    const Signal signal(reactor, {SIGUSR1, SIGUSR2});
    ::raise(SIGUSR2);
    to.push_back(co_await signal);
    ::raise(SIGUSR2);
    ::raise(SIGUSR1);
    ::raise(SIGUSR1);
    co_await Pause{1ms};
    for (int i = 0; i < 2; ++i) to.push_back(co_await signal);
  };

  CHECK(on.reactor.run(main(on.reactor, got)) == 0);

  CHECK(got == std::vector{SIGUSR2, SIGUSR1, SIGUSR2});
}

TEST_CASE("all that wait on a Signal are answered; a wait that was cancelled eats none") {
  OnPoll on;
  const Signal signal(on.reactor, SIGUSR1);
  int answers = 0;
  const auto wait = [](const Signal& on_signal, int& count) -> Task<> {
    co_await on_signal;
    ++count;
  };
  spawn(on.reactor, wait(signal, answers)).detach();
  spawn(on.reactor, wait(signal, answers)).detach();
  on.turn();
  ::raise(SIGUSR1);
  on.turn();
  CHECK(answers == 2);

  Spawned<void> cancelled = spawn(on.reactor, wait(signal, answers));
  on.turn();
  cancelled.task().cancel();
  std::move(cancelled).detach();
  on.turn();
  ::raise(SIGUSR1);
  on.turn();
  spawn(on.reactor, wait(signal, answers)).detach();
  on.turn();

  CHECK(answers == 3);
}

TEST_CASE("SIGINT and SIGTERM cancel the main task, and the exit code says so") {
  const Free free;
  for (const int signal : {SIGINT, SIGTERM}) {
    OnPoll on;
    std::string log;
    const auto main = [](std::string& to, int number) -> Task<> {
      struct Said {
        std::string& to;
        ~Said() { to += "unwound"; }
      } said{to};
      ::raise(number);
      co_await wait_for_ever();
    };

    CHECK(on.reactor.run(main(log, signal)) == 128 + signal);
    CHECK(log == "unwound");
    CHECK(is_default(signal));
  }
}

TEST_CASE("a main task that ends well in spite of the signal decides the exit code") {
  const Free free;
  OnPoll on;
  const auto main = []() -> Task<int> {
    ::raise(SIGTERM);
    try {
      co_await wait_for_ever();
    } catch (const Cancelled&) {
    }
    co_return 4;
  };
  CHECK(on.reactor.run(main()) == 4);
}

TEST_CASE("another failure of a main task that was cancelled by a signal is reported") {
  const Free free;
  OnPoll on;
  const auto main = []() -> Task<> {
    ::raise(SIGTERM);
    try {
      co_await wait_for_ever();
    } catch (const Cancelled&) {
      throw std::runtime_error("could not save");
    }
  };
  CHECK(on.reactor.run(main()) == 1);
  CHECK(on.unhandled.take() == std::vector<std::string>{"could not save"});
}

TEST_CASE("the second signal ends the run of a main task that does not end") {
  const Free free;
  OnPoll on;
  int triggers = 0;
  on.reactor.at_shutdown(Phase::before, [&] { ++triggers; }).detach();
  const auto main = []() -> Task<> {
    ::raise(SIGINT);
    for (int i = 0;; ++i) {
      try {
        co_await wait_for_ever();
      } catch (const Cancelled&) {
        if (i == 3) ::raise(SIGTERM);
      }
    }
  };
  CHECK(on.reactor.run(main()) == 128 + SIGTERM);
  CHECK(triggers == 0);
}

TEST_CASE("a signal that the main task watches itself is not its cancel") {
  const Free free;
  OnPoll on;
  std::vector<int> got;
  bool cleaned = false;
  const auto main = [&]() -> Task<int> {
    Signal terminate(SIGTERM);
    const SignalWatch interrupt = on.reactor.on_signal(SIGINT, [&](int s) { got.push_back(s); });
    ::raise(SIGTERM);
    const int first = co_await terminate;
    got.push_back(first);
    ::raise(SIGINT);
    co_await Pause{1ms};
    cleaned = true;
    co_return 0;
  };

  CHECK(on.reactor.run(main()) == 0);

  CHECK(got == std::vector{SIGTERM, SIGINT});
  CHECK(cleaned);
}

TEST_CASE("a signal whose last watch is dropped in the main task cancels it again") {
  const Free free;
  OnPoll on;
  bool made_before = false;
  SUBCASE("made in the main task") {}
  SUBCASE("made before it") { made_before = true; }
  std::optional<Signal> given;
  if (made_before) given.emplace(on.reactor, SIGTERM);
  const auto main = [&]() -> Task<int> {
    if (!given) given.emplace(SIGTERM);
    given.reset();
    ::raise(SIGTERM);
    co_await wait_for_ever();
    co_return 0;
  };

  CHECK(on.reactor.run(main()) == 128 + SIGTERM);
}

TEST_CASE("run(main) leaves a signal alone that somebody handles, and in other threads") {
  const Free free;
  const Handled handled(SIGINT);
  OnPoll on;
  const auto main = []() -> Task<int> {
    ::raise(SIGINT);
    co_await Pause{1ms};
    co_return 5;
  };
  CHECK(on.reactor.run(main()) == 5);

  std::thread([] {
    OnPoll other;
    bool left_alone = false;
    const auto look = [](bool& to) -> Task<> {
      to = is_default(SIGTERM);
      co_return;
    };
    other.reactor.run(look(left_alone));
    CHECK(left_alone);
  }).join();
}

TEST_CASE("a signal that comes when the main task has ended breaks the shutdown off") {
  const Free free;
  OnPoll on;
  int triggers = 0;
  auto [promise, never] = make_deferred<void>();
  on.reactor
      .at_shutdown(Phase::before,
                   [d = std::move(never)]() mutable {
                     ::raise(SIGINT);
                     return std::move(d);
                   })
      .detach();
  on.reactor.at_shutdown(Phase::after, [&] { ++triggers; }).detach();
  const auto main = []() -> Task<int> { co_return 3; };

  CHECK(on.reactor.run(main()) == 128 + SIGINT);

  CHECK(triggers == 0);
  promise.callback();
}

TEST_CASE("a handler that somebody puts in place of ours stays, until a signal is watched anew") {
  const Handled handled(SIGUSR1);
  OnPoll on;
  int calls = 0;
  {
    const SignalWatch first = on.reactor.on_signal(SIGUSR1, [&] { ++calls; });
    ::signal(SIGUSR1, SIG_IGN);
    ::raise(SIGUSR1);
    on.turn();
    CHECK(calls == 0);
    const SignalWatch second = on.reactor.on_signal(SIGUSR1, [&] { ++calls; });
    ::raise(SIGUSR1);
    on.turn();
    CHECK(calls == 2);
    ::signal(SIGUSR1, SIG_IGN);
  }
  struct sigaction now{};
  ::sigaction(SIGUSR1, nullptr, &now);
  const bool stays = now.sa_handler == SIG_IGN;
  CHECK(stays);
}

TEST_CASE("a Signal of one number twice answers once a signal") {
  OnPoll on;
  const Signal signal(on.reactor, {SIGUSR1, SIGUSR1});
  int answers = 0;
  spawn(on.reactor, [&]() -> Task<> {
    for (;;) {
      co_await signal;
      ++answers;
    }
  }).detach();
  on.turn();

  ::raise(SIGUSR1);
  for (int i = 0; i < 3; ++i) on.turn();

  CHECK(answers == 1);
}

TEST_CASE("a Signal that was moved from says so") {
  const deferred::testing::Unhandled unhandled;
  Reactor reactor;
  Signal first(reactor, SIGUSR1);
  const Signal second(std::move(first));

  CHECK_THROWS_AS(reactor.run_until(first), std::logic_error);
}

TEST_CASE("a Signal that a task makes without naming a reactor is the task's") {
  const deferred::testing::Unhandled unhandled;
  Reactor reactor;
  Reactor other;

  const int got = reactor.run_until([]() -> Task<int> {
    Signal one(SIGUSR1);
    Signal either{SIGUSR1, SIGUSR2};
    ::raise(SIGUSR2);
    const int second = co_await either;
    ::raise(SIGUSR1);
    co_return second * 100 + co_await one;
  }());

  CHECK(got == SIGUSR2 * 100 + SIGUSR1);
}
