// SPDX-License-Identifier: MIT
// What backend.hpp asks for, tried on the backend alone: a CountedTurn stands where the reactor is.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <ctime>

#include "deferred/testing/conformance/cases.hpp"
#include "deferred/testing/conformance/fixtures.hpp"

namespace deferred::testing::conformance {
namespace {

using namespace std::chrono_literals;
using enum Capability;

/// While it lives, SIGUSR1 wakes the backend.
class WakesBySignal {
 public:
  explicit WakesBySignal(Backend& backend) {
    backend_ = &backend;
    count_ = 0;
    struct sigaction action{};
    action.sa_handler = [](int) {
      count_ = count_ + 1;
      backend_->wake();
    };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &action, &before_);
  }
  WakesBySignal(const WakesBySignal&) = delete;
  WakesBySignal& operator=(const WakesBySignal&) = delete;
  ~WakesBySignal() { ::sigaction(SIGUSR1, &before_, nullptr); }
  long count() const noexcept { return count_; }

 private:
  static inline Backend* backend_ = nullptr;
  static inline volatile long count_ = 0;
  struct sigaction before_{};
};

const ConformanceCase cases_of_backend[] = {
    {"run_once(false) takes exactly one turn", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       for (int i = 1; i <= 5; ++i) {
         backend->run_once(false);
         c.equal(turn.count, i, "the number of turns");
       }
     }},
    {"run_once(false) does not wait for the deadline", real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->arm(backend->now() + 60s);
       backend->run_once(false);
       c.equal(turn.count, 1, "the number of turns");
     },
     "core.iterate"},
    {"run_once(true) takes exactly one turn at a deadline that has passed", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->arm(TimePoint::min());
       backend->run_once(true);
       c.equal(turn.count, 1, "the number of turns");
     }},
    {"run_once(true) takes one turn each time while a deadline stays in the past", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       turn.each = [&] { backend->arm(TimePoint::min()); };
       backend->arm(TimePoint::min());
       for (int i = 1; i <= 20; ++i) {
         backend->run_once(true);
         c.equal(turn.count, i, "the number of turns");
       }
     }},
    {"a deadline is waited for until a turn finds it reached", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const TimePoint deadline = backend->now() + 3ms;
       TimePoint seen{};
       turn.each = [&] { seen = backend->now(); };
       backend->arm(deadline);
       while (seen < deadline) backend->run_once(true);
       backend->arm(TimePoint::max());
     }},
    {"waiting for a deadline takes few turns and little processor time", real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const Duration before = processor_time();
       for (int i = 0; i < 8; ++i) {
         const TimePoint deadline = backend->now() + 5500us;
         backend->arm(deadline);
         while (backend->now() < deadline) backend->run_once(true);
       }
       c.check(turn.count <= 32, "one turn for each would do, a few are tolerated");
       c.check(processor_time() - before < 22ms, "it sleeps most of the time");
     }},
    {"a deadline is replaced by a later one", real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const TimePoint deadline = backend->now() + 30ms;
       backend->arm(backend->now() + 1ms);
       backend->arm(deadline);
       while (backend->now() < deadline) backend->run_once(true);
       c.check(turn.count <= 4, "the first deadline is forgotten");
     }},
    {"a deadline is replaced by an earlier one", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const TimePoint deadline = backend->now() + 2ms;
       backend->arm(backend->now() + 1h);
       backend->arm(deadline);
       while (backend->now() < deadline) backend->run_once(true);
       c.check(backend->now() < deadline + 10min, "the wait is for the earlier one");
     }},
    {"a deadline that is taken back is not waited for", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->arm(backend->now() + 2ms);
       backend->arm(TimePoint::max());
       std::atomic<bool> woken{false};
       const Joined waker([&] {
         std::this_thread::sleep_for(15ms);
         woken = true;
         backend->wake();
       });
       while (!woken) backend->run_once(true);
       c.check(turn.count <= 3, "no turn but that of the wake-up, and a few that are tolerated");
     }},
    {"a deadline that is armed anew inside each turn is met each time", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       TimePoint next = backend->now() + 1ms;
       int met = 0;
       turn.each = [&] {
         if (backend->now() >= next) {
           ++met;
           next = backend->now() + 1ms;
         }
         backend->arm(next);
       };
       backend->arm(next);
       while (met < 5) backend->run_once(true);
       c.check(turn.count >= 5, "a turn for each");
     }},
    {"a deadline at the end of time is no deadline", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->arm(TimePoint::max());
       backend->wake();
       backend->run_once(true);
       c.equal(turn.count, 1, "the number of turns");
     }},
    {"a deadline 300 years away is armed without harm", real_time | threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->arm(TimePoint::max() - 1ns);
       const TimePoint end = backend->now() + 5ms;  // passed when it is woken
       const Joined waker([&] {
         std::this_thread::sleep_for(10ms);
         backend->wake();
       });
       while (backend->now() < end) backend->run_once(true);
       c.check(turn.count <= 3, "no turn but that of the wake-up, and a few that are tolerated");
     },
     "time.distantDelayedCall"},
    {"the reactor's time does not go back, whatever the clock does", nothing,
     [](Context& c) {
       TimePoint last = c.reactor().now();
       for (int i = 0; i < 20000; ++i) {
         const TimePoint now = c.reactor().now();
         c.check(now >= last, "a later reading is not smaller");
         last = now;
       }
     }},
    {"the clock goes as std::chrono::steady_clock does", real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       for (int i = 0; i < 100; ++i) {
         const auto before = steady_clock::now();
         const TimePoint now = backend->now();
         const auto after = steady_clock::now();
         c.check(now >= before - 2ms && now <= after + 2ms, "it shows the same time");
       }
     }},
    {"the clock tells moments below a millisecond apart", real_time | sub_millisecond,
     [](Context& c) {
       const auto backend = c.make_backend();
       for (int i = 0; i < 20; ++i) {
         const TimePoint first = backend->now();
         TimePoint next = first;
         while (next == first) next = backend->now();
         if (next - first < 500us) return;
       }
       c.fail("it goes on in steps of half a millisecond or more");
     }},
    {"the clock stands still but for waits", virtual_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const TimePoint begin = backend->now();
       backend->run_once(false);
       c.check(backend->now() == begin, "a turn takes no time");
       backend->arm(begin + 24h);
       backend->run_once(true);
       c.check(backend->now() == begin + 24h, "a wait ends at its deadline exactly");
     }},
    {"a wake-up before run_once() is not lost", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->wake();
       backend->run_once(true);
       c.equal(turn.count, 1, "the number of turns");
     }},
    {"a wake-up is not lost to a run_once(false) that is before it", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->run_once(false);
       backend->wake();
       backend->run_once(true);
       c.equal(turn.count, 2, "the number of turns");
     }},
    {"a wake-up inside a turn brings another turn", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       turn.each = [&] {
         if (turn.count < 4) backend->wake();
       };
       backend->wake();
       while (turn.count < 4) backend->run_once(true);
     }},
    {"wake() takes no turn itself", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       backend->wake();
       c.equal(turn.count, 0, "the number of turns after a wake() on the loop's thread");
       Joined([&] { backend->wake(); }).join();
       c.equal(turn.count, 0, "the number of turns after a wake() on another thread");
       while (turn.count == 0) backend->run_once(true);
       for (const std::thread::id id : turn.threads) {
         c.check(id == std::this_thread::get_id(), "turns are taken on the loop's thread");
       }
     }},
    {"a wake-up ends a wait without a deadline", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       for (int i = 1; i <= 5; ++i) {
         const Joined waker([&] {
           std::this_thread::sleep_for(2ms);
           backend->wake();
         });
         while (turn.count < i) backend->run_once(true);
       }
     }},
    {"a wake-up ends a wait for a deadline", threads | real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const TimePoint deadline = backend->now() + 1h;
       backend->arm(deadline);
       const Joined waker([&] {
         std::this_thread::sleep_for(2ms);
         backend->wake();
       });
       backend->run_once(true);
       c.equal(turn.count, 1, "the number of turns");
     }},
    {"wake-ups of many threads are never lost, each answered by a turn that follows", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       constexpr int threads_count = 4, each = 300;
       std::atomic<int> told{0};
       std::atomic<int> seen{0};
       turn.each = [&] { seen = told.load(); };
       std::vector<std::unique_ptr<Joined>> wakers;
       for (int i = 0; i < threads_count; ++i) {
         wakers.push_back(std::make_unique<Joined>([&] {
           for (int k = 0; k < each; ++k) {
             ++told;
             backend->wake();
             // Of many lengths, so that some wake-up meets each moment of the loop.
             const auto begin = steady_clock::now();
             while (steady_clock::now() - begin < std::chrono::microseconds(k % 48)) {
             }
           }
         }));
       }
       while (seen < threads_count * each) backend->run_once(true);
     }},
    {"a wake-up that meets the end of a wait is not lost", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       std::atomic<int> told{0};
       std::atomic<int> seen{0};
       turn.each = [&] { seen = told.load(); };
       // One wake-up for each turn: the next comes as soon as the one before has been seen, which
       // is when the loop is about to wait again.
       const Joined waker([&] {
         for (int i = 1; i <= 2000; ++i) {
           told = i;
           backend->wake();
           while (seen < i) std::this_thread::yield();
         }
       });
       while (seen < 2000) backend->run_once(true);
     }},
    {"many wake-ups before a wait are answered once, and no turn comes for them later",
     threads | real_time,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       for (int i = 0; i < 1000; ++i) backend->wake();
       backend->run_once(true);
       const TimePoint deadline = backend->now() + 10ms;
       backend->arm(deadline);
       while (backend->now() < deadline) backend->run_once(true);
       c.check(turn.count <= 6, "wake-ups are not counted");
     }},
    {"wake() in a signal handler interrupts anything, and comes to no harm", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       const WakesBySignal wakes(*backend);
       const pthread_t here = ::pthread_self();
       const Repeated sender([&] {
         ::pthread_kill(here, SIGUSR1);
         ::usleep(1);
       });
       int rounds = 0;
       for (; rounds < 5000 || wakes.count() < 500; ++rounds) {
         backend->wake();
         backend->run_once(false);
       }
       c.equal(turn.count, rounds, "the number of turns");
     }},
    {"its descriptors are closed where a program is executed", nothing,
     [](Context& c) {
       const auto open = [](int fd) { return ::fcntl(fd, F_GETFD); };
       constexpr int most = 256;
       int before[most];
       for (int fd = 0; fd < most; ++fd) before[fd] = open(fd);
       const auto backend = c.make_backend();
       for (int fd = 0; fd < most; ++fd) {
         const int flags = before[fd] < 0 ? open(fd) : -1;
         if (flags >= 0) c.check((flags & FD_CLOEXEC) != 0, "a new descriptor has FD_CLOEXEC");
       }
     }},
    {"no turn is taken once the reactor has let go of it", threads,
     [](Context& c) {
       const auto backend = c.make_backend();
       {
         CountedTurn turn(*backend);
         backend->run_once(false);
       }
       backend->wake();
       backend->run_once(true);
       CountedTurn next(*backend);
       backend->run_once(false);
       c.equal(next.count, 1, "the number of turns for the next reactor");
     }},
    {"run_once() inside a turn is refused or harmless, and the loop goes on", nothing,
     [](Context& c) {
       const auto backend = c.make_backend();
       CountedTurn turn(*backend);
       turn.each = [&] {
         if (turn.count != 1) return;
         try {
           backend->run_once(false);
         } catch (const std::exception&) {
         }
       };
       backend->run_once(false);
       const int before = turn.count;
       backend->run_once(false);
       c.equal(turn.count, before + 1, "the number of turns after one more");
     }},
    {"two backends on one thread do not disturb each other", nothing,
     [](Context& c) {
       const auto one = c.make_backend();
       const auto other = c.make_backend();
       if (one->shared()) c.skip("the loop is shared: whoever drives it drives both");
       CountedTurn turn(*one);
       CountedTurn other_turn(*other);
       other->arm(TimePoint::min());
       one->run_once(false);
       one->run_once(false);
       c.equal(turn.count, 2, "the number of turns of the one");
       c.equal(other_turn.count, 0, "the number of turns of the other");
       other->run_once(true);
       c.equal(other_turn.count, 1, "the number of turns of the other, when it is its turn");
     }},
};

}  // namespace

std::span<const ConformanceCase> backend_cases() { return cases_of_backend; }

}  // namespace deferred::testing::conformance
