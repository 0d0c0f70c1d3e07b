// SPDX-License-Identifier: MIT
//
// Uses a reactor's things on a wrong thread, each in a child process: whether that ends it is for
// this unit to say, by NDEBUG, and not for the library. Stands for the border's main program.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <deferred/deferred.hpp>
#include <thread>

using namespace deferred;
using namespace std::chrono_literals;

namespace {

#ifdef NDEBUG
constexpr bool is_ended = false;
#else
constexpr bool is_ended = true;
#endif

Task<> sleeper() { co_await Pause{1h}; }

/// Whether `misuse`, called on another thread than the one that made it, ended the process.
template <class Prepare>
bool ends(Prepare prepare) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr) ::_exit(1);
    Reactor reactor;
    auto misuse = prepare(reactor);
    std::thread([&] { misuse(); }).join();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

int wrong = 0;

template <class Prepare>
void check(const char* what, Prepare prepare) {
  if (ends(prepare) == is_ended) return;
  std::printf("%s on a wrong thread %s\n", what, is_ended ? "is let be" : "ends the program");
  ++wrong;
}

}  // namespace

int main() {
  check("post", [](Reactor& r) { return [&] { r.post([] {}); }; });
  check("spawn", [](Reactor& r) { return [&] { spawn(r, sleeper()).detach(); }; });
  check("call_later", [](Reactor& r) { return [&] { r.call_later(1s, [] {}).detach(); }; });
  check("watch", [](Reactor& r) { return [&] { (void)r.watch(0, Ready::read, [] {}); }; });
  check("on_signal", [](Reactor& r) { return [&] { (void)r.on_signal(SIGUSR1, [] {}); }; });
  check("at_shutdown",
        [](Reactor& r) { return [&] { r.at_shutdown(Phase::after, [] {}).detach(); }; });
  check("cancelling a DelayedCall",
        [](Reactor& r) { return [call = r.call_later(1s, [] {})]() mutable { call.cancel(); }; });
  check("cancelling a task", [](Reactor& r) {
    return [task = spawn(r, sleeper()).task()]() mutable { task.cancel(); };
  });
  check("closing a task",
        [](Reactor& r) { return [task = spawn(r, sleeper()).task()]() mutable { task.close(); }; });
  check("crash", [](Reactor& r) { return [&] { r.crash(); }; });
  check("run_until", [](Reactor& r) { return [&] { r.run_until(succeed()); }; });
  return wrong;
}
