// SPDX-License-Identifier: MIT
// Signals: they are told in turns, end waits, and cancel the main task.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "deferred/results/errors.hpp"
#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"
#include "deferred/yieldables/signal.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// While it lives, the process does with a signal what it does by default: a test framework may
/// have its own wish.
class ByDefault {
 public:
  explicit ByDefault(int number) : signal_(number) {
    struct sigaction by_default{};
    by_default.sa_handler = SIG_DFL;
    ::sigaction(signal_, &by_default, &before_);
  }
  ByDefault(const ByDefault&) = delete;
  ByDefault& operator=(const ByDefault&) = delete;
  ~ByDefault() { ::sigaction(signal_, &before_, nullptr); }

 private:
  int signal_;
  struct sigaction before_{};
};

const ConformanceCase cases_of_signals[] = {
    {"a signal is told in a turn, and ends a wait", threads,
     [](Context& c) {
       int got = 0;
       const SignalWatch watch = c.reactor().on_signal(SIGUSR1, [&](int signal) {
         got = signal;
         c.reactor().stop();
       });
       const Joined sender([] {
         std::this_thread::sleep_for(2ms);
         ::kill(::getpid(), SIGUSR1);
       });
       c.reactor().run();
       c.equal(got, SIGUSR1, "the signal");
     }},
    {"a signal that interrupts a wait for a distant timer is told", threads | real_time,
     [](Context& c) {
       int calls = 0;
       const DelayedCall distant = c.reactor().call_later(1h, [] {});
       const SignalWatch watch = c.reactor().on_signal(SIGUSR1, [&] { ++calls; });
       const pthread_t here = ::pthread_self();
       const Joined sender([here] {
         std::this_thread::sleep_for(5ms);
         ::pthread_kill(here, SIGUSR1);  // so that the wait is interrupted, not only woken
       });
       c.until([&] { return calls > 0; }, "the call");
     }},
    {"a flood of signals loses no timer, no report and no post", threads | descriptors | real_time,
     [](Context& c) {
       SocketPair pair;
       pair.write(1);
       int signals = 0, reports = 0, posts = 0, ticks = 0;
       const SignalWatch watch = c.reactor().on_signal(SIGUSR1, [&] { ++signals; });
       const Watch reader = c.reactor().watch(pair[0], Ready::read, [&] { ++reports; });
       std::function<void()> tick = [&] {
         c.reactor().post([&] { ++posts; });
         if (++ticks < 10) c.reactor().call_later(500us, tick).detach();
       };
       c.reactor().call_later(500us, tick).detach();
       const pthread_t here = ::pthread_self();
       Repeated sender([here] { ::pthread_kill(here, SIGUSR1); });
       c.until([&] { return posts == 10 && signals > 0; }, "the tenth post");
       sender.end();
       c.turn();
       c.equal(ticks, 10, "the number of ticks");
       c.check(reports > 0, "the descriptor was reported");
     }},
    {"a task waits for a signal", threads,
     [](Context& c) {
       const int got = c.run([](Context& context) -> Task<int> {
         Signal signal(context.reactor(), SIGUSR2);
         context.reactor().post([] { ::raise(SIGUSR2); });
         co_return co_await signal;
       });
       c.equal(got, SIGUSR2, "the signal");
     }},
    {"SIGTERM cancels the main task, and gives the exit code of a shell", threads,
     [](Context& c) {
       const ByDefault by_default(SIGTERM);
       std::string ended;
       const auto main = [](std::string& text) -> Task<> {
         try {
           co_await Pause{1h};
         } catch (const Cancelled&) {
           text = "cancelled";
           throw;
         }
       };
       // Not a post, for virtual time would be an hour on by its signal.
       c.reactor().call_when_running([] { ::raise(SIGTERM); });
       const int code = c.reactor().run(main(ended));
       c.equal(code, 128 + SIGTERM, "the exit code");
       c.equal(ended, "cancelled", "how the task ended");
     },
     "core.signalHandlersInstalledDuringStartup"},
    {"a signal's callback that throws is reported, and the run goes on", threads,
     [](Context& c) {
       const SignalWatch watch =
           c.reactor().on_signal(SIGUSR1, [] { throw std::runtime_error("oops"); });
       c.reactor().post([] { ::raise(SIGUSR1); });
       c.run_for(2ms);
       c.equal(c.report_texts(), "oops", "what is reported");
     }},
};

}  // namespace

std::span<const ConformanceCase> signal_cases() { return cases_of_signals; }

}  // namespace deferred::testing::conformance
