// SPDX-License-Identifier: MIT
// How children are ended: asked to, cancelled, dropped, and left behind.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "deferred/io/process.hpp"
#include "deferred/io/run.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Completed;
using io::Exit;
using io::Process;
using io::RunOptions;

namespace {

std::vector<std::string> shell(std::string script) { return {"/bin/sh", "-c", std::move(script)}; }

bool has_no_child() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

/// A child that has said "ready".
Task<Process> ready(std::string script) {
  Process child = Process::start(shell(std::move(script)));
  std::string word(6, ' ');
  co_await child.output.read_exactly(word);
  co_return child;
}

}  // namespace

TEST_CASE("terminate asks a child to end, with its group") {
  run([](Reactor&) -> Task<> {
    Process child = co_await ready("trap 'exit 5' TERM; echo ready; while :; do read x; done");

    const Exit exit = co_await child.terminate();

    CHECK(exit.status() == 5);
  });
}

TEST_CASE("a child that does not care for SIGTERM is killed after its grace") {
  run([](Reactor&) -> Task<> {
    Process child = co_await ready("trap '' TERM; echo ready; while :; do read x; done");

    const Exit exit = co_await child.terminate(20ms);

    CHECK(exit.signal() == SIGKILL);
  });
}

TEST_CASE("a child that is stopped hears of SIGTERM") {
  run([](Reactor&) -> Task<> {
    Process child = co_await ready("trap 'exit 5' TERM; echo ready; while :; do read x; done");
    child.signal(SIGSTOP);

    const Exit exit = co_await child.terminate();

    CHECK(exit.status() == 5);
  });
}

TEST_CASE("run that is cancelled ends its child and the child's children, and waits for that") {
  run([](Reactor& reactor) -> Task<> {
    Spawned<Completed> running = spawn(reactor, io::run(shell("sleep 1000 & sleep 1000")));
    co_await turns(5);

    running.task().cancel();
    const auto outcome = co_await as_outcome(std::move(running));

    CHECK(outcome.check<Cancelled>());
    CHECK(has_no_child());
  });
}

TEST_CASE("terminate ends the group also where the child ends first, or has ended") {
  run([](Reactor&) -> Task<> {
    for (const bool first : {false, true}) {
      const std::string end = first ? "exit 0" : "trap 'exit 5' TERM; while :; do read x; done";
      Process child = co_await ready("sleep 1000 <&- >&- 2>&- & echo ready; " + end);
      while (first && !child.ended()) co_await Pause{1ms};

      co_await child.terminate();

      CAPTURE(first);
      // Of the group is left, for a moment, what init has not reaped yet.
      while (::kill(static_cast<pid_t>(-child.pid()), 0) == 0) co_await Pause{1ms};
    }
  });
}

TEST_CASE("run that is cut when its child has ended ends the child's children too") {
  run([](Reactor& reactor) -> Task<> {
    const auto outcome =
        co_await as_outcome(with_timeout(100ms, io::run(shell("sleep 1000 & echo $$"))));

    CHECK(outcome.check<TimeoutError>());
    CHECK(has_no_child());
    static_cast<void>(reactor);
  });
}

TEST_CASE("a child that leaves its group is killed with its Process all the same") {
  run([](Reactor&) -> Task<> {
    Process child = Process::start({"setsid", "-w", "sleep", "1000"});
    // Forks only where it leads a group, as it does here; so the one we know stays.
    const Exit exit = co_await child.terminate(10ms);

    CHECK(exit.how() != Exit::How::unknown);
  });
}

TEST_CASE("run that is cancelled kills a child that goes on after its grace") {
  run([](Reactor& reactor) -> Task<> {
    RunOptions options;
    options.grace = 10ms;
    const auto stubborn = shell("trap '' TERM; while :; do sleep 1000; done");
    const auto outcome = co_await as_outcome(with_timeout(50ms, io::run(stubborn, options)));

    CHECK(outcome.check<TimeoutError>());
    CHECK(has_no_child());
    static_cast<void>(reactor);
  });
}

TEST_CASE("run that is cancelled before it began starts no child") {
  run([](Reactor& reactor) -> Task<> {
    Spawned<Completed> running = spawn(reactor, io::run({"no-such-program"}));

    running.task().cancel();
    const auto outcome = co_await as_outcome(std::move(running));

    CHECK(outcome.check<Cancelled>());
  });
}

TEST_CASE("a process that is dropped is killed and reaped, and nobody waits for that") {
  run([](Reactor&) -> Task<> {
    const auto before = open_descriptors();
    long pid = 0;
    {
      Process child = co_await ready("trap '' TERM; echo ready; while :; do read x; done");
      pid = child.pid();
    }

    while (::kill(static_cast<pid_t>(pid), 0) == 0) co_await Pause{1ms};

    CHECK(has_no_child());
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("a process that outlives its reactor is killed at its end") {
  std::optional<Process> child;
  auto reactor = std::make_unique<Reactor>();
  child.emplace(Process::start(*reactor, {"cat"}));

  reactor.reset();
  CHECK_FALSE(child->ended());
  child.reset();

  siginfo_t gone{};
  REQUIRE(::waitid(P_ALL, 0, &gone, WEXITED | WNOWAIT) == 0);
  CHECK(gone.si_status == SIGKILL);
  run([](Reactor&) -> Task<> { static_cast<void>(co_await io::run({"true"})); });
  CHECK(has_no_child());
}

TEST_CASE("children that their reactor leaves behind are reaped when the next one starts") {
  const auto before = open_descriptors();
  pid_t pid = 0;
  {
    Reactor reactor;
    run_on(reactor, [&](Reactor&) -> Task<> {
      const Process child = co_await ready("trap '' TERM; echo ready; while :; do read x; done");
      pid = static_cast<pid_t>(child.pid());
    });
  }
  // It is dead, or about to be; nobody has asked for it since.
  siginfo_t gone{};
  while (::waitid(P_PID, static_cast<id_t>(pid), &gone, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }

  run([](Reactor&) -> Task<> { static_cast<void>(co_await io::run({"true"})); });

  CHECK(has_no_child());
  CHECK(open_descriptors() == before);
}

TEST_CASE("where SIGCHLD is ignored a child's end is told, though not how it ended") {
  const auto old = std::signal(SIGCHLD, SIG_IGN);
  run([](Reactor&) -> Task<> {
    const Completed done = co_await io::run(shell("echo seen; exit 3"));

    CHECK(done.output == "seen\n");
    CHECK(done.exit.how() == Exit::How::unknown);
    CHECK(done.exit.text() == "ended in a way that is not known");
  });
  std::signal(SIGCHLD, old);
}

TEST_CASE("a child of fork() leaves its parent's children alone") {
  Reactor reactor;
  std::optional<Process> child;
  child.emplace(Process::start(reactor, {"cat"}));

  const pid_t forked = ::fork();
  if (forked == 0) {
    child.reset();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(forked, &status, 0) == forked);

  CHECK(status == 0);
  CHECK(::kill(static_cast<pid_t>(child->pid()), 0) == 0);
  run_on(reactor, [&](Reactor&) -> Task<> {
    child->input.close();
    const Exit exit = co_await child->wait();
    CHECK(exit.ok());
  });
}
