// SPDX-License-Identifier: MIT
// In debug builds, what is bound to a reactor's thread and used on another one ends the program,
// with both threads named. Each misuse runs in a child process.
#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "deferred/tasks/deferred_coroutine.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::SocketPair;

#ifndef NDEBUG
namespace {

/// What a child process says on stderr that runs `misuse` on a thread of its own, and whether it
/// was aborted. `prepare` is called on the reactor's thread before.
struct Child {
  bool aborted;
  std::string said;
};

template <class Prepare>
Child misused(Prepare prepare) {
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);
    ::dup2(pipe[1], STDERR_FILENO);
    Reactor reactor;
    auto misuse = prepare(reactor);
    ::pthread_setname_np(::pthread_self(), "home");
    std::thread([&] {
      ::pthread_setname_np(::pthread_self(), "elsewhere");
      misuse();
    }).join();
    ::_exit(0);
  }
  ::close(pipe[1]);
  Child result{};
  char bytes[512];
  for (long n; (n = ::read(pipe[0], bytes, sizeof bytes)) > 0;) {
    result.said.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(pipe[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  result.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return result;
}

template <class Prepare>
void check_misuse(const char* what, Prepare prepare) {
  CAPTURE(what);
  const Child child = misused(prepare);
  CHECK(child.aborted);
  CHECK_MESSAGE(child.said.find(what) != std::string::npos, child.said);
  CHECK_MESSAGE(child.said.find("belongs to thread 'home' (") != std::string::npos, child.said);
  CHECK_MESSAGE(child.said.find("called on thread 'elsewhere' (") != std::string::npos, child.said);
}

Task<> sleeper() { co_await Pause{1h}; }

}  // namespace

TEST_CASE("the reactor's own functions") {
  check_misuse("run()", [](Reactor& r) { return [&] { r.run(); }; });
  check_misuse("run(task)", [](Reactor& r) { return [&] { r.run(sleeper()); }; });
  check_misuse("post()", [](Reactor& r) { return [&] { r.post([] {}); }; });
  check_misuse("now()", [](Reactor& r) { return [&] { r.call_later(1s, [] {}).detach(); }; });
  check_misuse("call_later() or call_at()",
               [](Reactor& r) { return [&] { r.call_at(TimePoint(), [] {}).detach(); }; });
  check_misuse("watch()", [](Reactor& r) {
    return [&] { static_cast<void>(r.watch(0, Ready::read, [] {})); };
  });
  check_misuse("on_signal()",
               [](Reactor& r) { return [&] { static_cast<void>(r.on_signal(SIGUSR1, [] {})); }; });
  check_misuse("at_shutdown()",
               [](Reactor& r) { return [&] { r.at_shutdown(Phase::after, [] {}).detach(); }; });
  check_misuse("registry()", [](Reactor& r) { return [&] { static_cast<void>(r.registry()); }; });
  check_misuse("spawn()", [](Reactor& r) { return [&] { spawn(r, sleeper()).detach(); }; });
  check_misuse("crash()", [](Reactor& r) { return [&] { r.crash(); }; });
}

TEST_CASE("handles") {
  check_misuse("cancelling a DelayedCall", [](Reactor& r) {
    return [call = r.call_later(1s, [] {})]() mutable { call.cancel(); };
  });
  check_misuse("setting a DelayedCall", [](Reactor& r) {
    return [call = r.call_later(1s, [] {})]() mutable { call.delay(1s); };
  });
  check_misuse("dropping a Watch", [](Reactor& r) {
    static SocketPair pair;
    return [watch = r.watch(pair[0], Ready::read, [] {})]() mutable { watch = Watch(); };
  });
  check_misuse("dropping a SignalWatch", [](Reactor& r) {
    return [watch = r.on_signal(SIGUSR1, [] {})]() mutable { watch = SignalWatch(); };
  });
  check_misuse("cancel()", [](Reactor& r) {
    return [task = spawn(r, sleeper()).task()]() mutable { task.cancel(); };
  });
  check_misuse("TaskRef::close()", [](Reactor& r) {
    return [task = spawn(r, sleeper()).task()]() mutable { task.close(); };
  });
  check_misuse("TaskRef::throw_()", [](Reactor& r) {
    return [task = spawn(r, sleeper()).task()]() mutable { task.throw_(1); };
  });
}

TEST_CASE("answers to tasks that wait") {
  check_misuse("resuming a task", [](Reactor& r) {
    auto [promise, deferred] = make_deferred<void>();
    const auto wait = [](Deferred<void> on) -> Task<> { co_await std::move(on); };
    spawn(r, wait(std::move(deferred))).detach();
    r.backend().run_once(false);
    return [fire = std::move(promise)]() mutable { fire.callback(); };
  });
  check_misuse("resuming a task", [](Reactor& r) {
    struct Ask {
      explicit Ask(std::optional<Waiter<int>>& keep) : to(keep) {}
      void yield_to(Waiter<int> waiter) const { to.emplace(std::move(waiter)); }
      std::optional<Waiter<int>>& to;
    };
    static std::optional<Waiter<int>> kept;
    spawn(r, [&]() -> Task<> {
      const Ask ask(kept);
      co_await ask;
    }).detach();
    r.backend().run_once(false);
    return [] { kept->resume(1); };
  });
}

TEST_CASE("a reactor destroyed on another thread") {
  const Child child = misused(
      [](Reactor&) { return [other = std::make_unique<Reactor>()]() mutable { other.reset(); }; });
  CHECK(child.aborted);
  CHECK_MESSAGE(child.said.find("the destructor of a reactor") != std::string::npos, child.said);
}

TEST_CASE("what other threads may use does not end the program") {
  const Child child = misused([](Reactor& r) {
    return [&r] {
      const RemoteReactor remote = r.remote();
      static_cast<void>(remote.call_from_thread([] {}));
      static_cast<void>(r.call_from_thread([] {}));
      remote.stop();
      r.stop();
    };
  });
  CHECK_FALSE(child.aborted);
  CHECK(child.said.empty());
}
#endif
