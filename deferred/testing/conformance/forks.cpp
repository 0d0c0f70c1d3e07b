// SPDX-License-Identifier: MIT
// fork(): in the child its parent's reactor is dead, and takes nothing from the parent's.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <functional>
#include <optional>

#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// How a child process ends that calls `f()`: as waitpid(2) tells. Its status is 0 if that gives
/// true. One that hangs is ended by SIGALRM.
int end_of_child(const std::function<bool()>& f) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(5);
    int status = 2;
    try {
      status = f() ? 0 : 1;
    } catch (...) {
    }
    ::_exit(status);
  }
  int status = -1;
  while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/// A child does `f()` with its copy of a reactor, and then its parent's still works.
void try_child(Context& c, const std::function<bool(Reactor&, std::optional<Watch>&)>& f) {
  Reactor& reactor = c.reactor();
  Pipe pipe;
  int reports = 0;
  std::optional<Watch> watch(reactor.watch(pipe[0], Ready::read, [&] {
    pipe.drain(0);
    ++reports;
  }));
  int calls = 0;
  const DelayedCall timer = reactor.call_later(1ns, [&] { ++calls; });
  c.turn();

  reactor.call_from_thread([&] { ++calls; });  // its wake-up is on the way
  const int end = end_of_child([&] {
    const int before = calls;
    return f(reactor, watch) && reports == 0 && calls == before;
  });

  c.equal(end, 0, "the end of the child");
  pipe.write(1);
  c.until([&] { return calls == 2 && reports == 1; }, "what the parent waits for");
  bool called = false;
  const RemoteReactor remote = reactor.remote();
  const Joined thread([&] { remote.call_from_thread([&] { called = true; }); });
  c.until([&] { return called; }, "the call of a thread");
}

const ConformanceCase cases_of_forks[] = {
    {"a child that drops a watch takes none from its parent", forks | descriptors | threads,
     [](Context& c) {
       try_child(c, [](Reactor&, std::optional<Watch>& watch) {
         watch.reset();
         return true;
       });
     }},
    {"a child that takes turns takes no wake-up and no report from its parent",
     forks | descriptors | threads,
     [](Context& c) {
       try_child(c, [](Reactor& reactor, std::optional<Watch>&) {
         for (int i = 0; i < 3; ++i) reactor.backend().run_once(false);
         return true;
       });
     }},
    {"a child that ends the reactor ends its own copy", forks | descriptors | threads,
     [](Context& c) {
       try_child(c, [&c](Reactor&, std::optional<Watch>& watch) {
         c.end_reactor();
         return !watch->active();
       });
     }},
    {"a child that lets its handles and tasks go after the reactor comes to no harm",
     forks | descriptors | threads,
     [](Context& c) {
       const auto sleep = []() -> Task<> { co_await Pause{1h}; };
       Spawned<void> task = spawn(c.reactor(), sleep);
       try_child(c, [&](Reactor& reactor, std::optional<Watch>& watch) {
         DelayedCall timer = reactor.call_later(1s, [] {});
         task.task().cancel();
         c.end_reactor();
         timer = DelayedCall();
         watch.reset();
         return task.done();
       });
       task.task().close();
     }},
    {"run() of the parent's reactor throws in the child, and calls are refused", forks,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       const int end = end_of_child([&] {
         try {
           reactor.run();
         } catch (const ReactorStateError&) {
           return !reactor.call_from_thread([] {});
         }
         return false;
       });
       c.equal(end, 0, "the end of the child");
     }},
    {"a run() that was forked in throws when the child comes back to it", forks,
     [](Context& c) {
       Reactor& reactor = c.reactor();
       pid_t child = -1;
       reactor.post([&] {
         std::fflush(nullptr);
         child = ::fork();
         if (child == 0) ::alarm(5);
         if (child != 0) reactor.stop();
       });
       try {
         reactor.run();
       } catch (const ReactorStateError&) {
         if (child == 0) ::_exit(7);
       }
       if (child == 0) ::_exit(1);
       int status = -1;
       ::waitpid(child, &status, 0);
       c.check(WIFEXITED(status) && WEXITSTATUS(status) == 7, "it throws in the child");
     }},
    {"a child that is forked in the callback of a watch is told of no other", forks | descriptors,
     [](Context& c) {
       const pid_t parent = ::getpid();
       pid_t child = -1;
       const auto report = [&] {
         if (::getpid() != parent) ::_exit(7);
         if (child >= 0) return;
         std::fflush(nullptr);
         child = ::fork();
         if (child == 0) ::alarm(5);
       };
       SocketPair one, other;
       one.write(1);
       other.write(1);
       const Watch first = c.reactor().watch(one[0], Ready::read, report);
       const Watch second = c.reactor().watch(one[0], Ready::read, report);
       const Watch third = c.reactor().watch(other[0], Ready::read, report);
       c.turn();
       if (::getpid() != parent) ::_exit(0);
       int status = -1;
       ::waitpid(child, &status, 0);
       c.equal(status, 0, "the end of the child");
     }},
    {"a signal that the parent watches does in the child what it did before", forks,
     [](Context& c) {
       int calls = 0;
       const SignalWatch watch = c.reactor().on_signal(SIGUSR2, [&] { ++calls; });
       const int end = end_of_child([] {
         ::raise(SIGUSR2);
         return true;
       });
       c.check(WIFSIGNALED(end) && WTERMSIG(end) == SIGUSR2, "it ends the child");
       c.turns(2);
       c.equal(calls, 0, "the number of the parent's calls");
       ::raise(SIGUSR2);
       c.until([&] { return calls == 1; }, "the parent's own signal");
     }},
    {"a child watches signals of its own, and drops those of its parent", forks,
     [](Context& c) {
       SignalWatch watch = c.reactor().on_signal(SIGUSR1, [] {});
       const int end = end_of_child([&] {
         Reactor own(c.make_backend());
         int calls = 0;
         const SignalWatch mine = own.on_signal(SIGUSR1, [&] { ++calls; });
         watch = SignalWatch();
         ::raise(SIGUSR1);
         // In the child of a process with threads ThreadSanitizer holds a signal back until the
         // next atomic operation, and a backend may wait before it comes to one.
         static_cast<void>(std::atomic<int>(0).exchange(1));
         while (calls == 0) own.backend().run_once(true);
         return true;
       });
       c.equal(end, 0, "the end of the child");
     }},
    {"a reactor that is made in the child works", forks | descriptors,
     [](Context& c) {
       c.turn();
       const int end = end_of_child([&] {
         Reactor own(c.make_backend());
         SocketPair pair;
         int calls = 0;
         const Watch watch = own.watch(pair[0], Ready::read, [&] {
           pair.drain(0);
           ++calls;
         });
         const DelayedCall timer = own.call_later(1ms, [&] { pair.write(1); });
         while (calls == 0) own.backend().run_once(true);
         own.stop();
         own.run();
         return true;
       });
       c.equal(end, 0, "the end of the child");
     }},
};

}  // namespace

std::span<const ConformanceCase> fork_cases() { return cases_of_forks; }

}  // namespace deferred::testing::conformance
