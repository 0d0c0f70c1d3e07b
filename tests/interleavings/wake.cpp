// SPDX-License-Identifier: MIT
//
// How loops are woken - on poll(2), on epoll(7), asleep, driven by another loop -, in every order
// of the threads' steps. The same scenarios find what is wrong with faulty copies (mutants.py).
#include <doctest/doctest.h>
#include <poll.h>
#include <unistd.h>

#include <cstddef>

#include "deferred/reactor/backend.hpp"
#include "reactors/detail/at_work.hpp"
#include "reactors/detail/clock.hpp"
#include "reactors/detail/poll_set.hpp"
#include "reactors/detail/wake_fd.hpp"
#include "reactors/epoll.hpp"
#include "tests/interleavings/checks.hpp"
#include "tests/interleavings/wake_mutants.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

/// A descriptor that is never ready.
class Silent final : public IoHandler {
 public:
  Silent() { REQUIRE(::pipe(ends_) == 0); }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  ~Silent() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  void on_ready(Ready) noexcept override {}
  int fd() const { return ends_[0]; }

 private:
  int ends_[2];
};

void wait_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  ::ppoll(&one, 1, nullptr, nullptr);
}

// ---- Loops: each has wake(), and wait(), after which comes what a turn does.

/// One that listens all the time, as those of GLib, Qt and libuv do.
template <class WakeFd>
struct Listening {
  void wake() { fd.wake(); }
  void wait() {
    wait_readable(fd.fd());
    fd.drain();
  }
  WakeFd fd;
};

/// On poll(2), with nothing to watch.
template <class PollSet>
struct Asleep {
  void wake() { set.wake(); }
  void wait() { set.wait(Duration::max()); }
  PollSet set;
};

/// On poll(2), watching something; or now and then, and at times with work of its own.
template <class PollSet, bool always>
struct Watching {
  Watching() {
    if (always) set.watch(silent.fd(), Ready::read, silent);
  }
  void wake() { set.wake(); }
  void wait() {
    const int now = always ? 2 : waits++ % 3;
    if (now == 1) set.watch(silent.fd(), Ready::read, silent);
    if (now != 0) return set.wait(Duration::max()), void();
    if (waits > 3) set.unwatch(silent.fd());
    if (!set.quiet()) set.wait(Duration::zero());
  }
  Silent silent;
  PollSet set;
  int waits = 0;
};

enum class By { run, fd, deadline, turns };

/// On epoll(7): turned by the reactor, by a loop that looks at fd() alone, by one that looks at
/// next_deadline() too, or by the first and the last in turns.
template <class Epoll, By by, bool watches>
struct OnEpoll {
  OnEpoll() {
    if (watches) backend.watch(silent.fd(), Ready::read, silent);
  }
  void wake() { backend.wake(); }
  void wait() {
    const bool by_run = by == By::turns ? waits++ % 2 == 0 : by == By::run;
    if (by_run) return backend.run_once(true);
    if (by == By::fd || backend.next_deadline() == TimePoint::max()) wait_readable(backend.fd());
    backend.turn();
  }
  Silent silent;
  Epoll backend;
  int waits = 0;
};

/// Two threads bring something, one of them twice, and wake; the one that waits must see it all.
template <class Loop>
void two_wakers(Interleaving& run) {
  constexpr int most_in_vain = 12;  // a wait may end too soon, but not for ever
  Loop loop;
  detail::Atomic<int> brought{0};
  const auto bring = [&] {
    brought.fetch_add(1);
    loop.wake();
  };
  run.run({[&] {
             int in_vain = 0;
             for (int seen = 0; seen < 3;) {
               loop.wait();
               const int got = brought.exchange(0);
               seen += got;
               if (got == 0 && ++in_vain == most_in_vain) return run.check(false, "in vain");
             }
           },
           [&] {
             bring();
             bring();
           },
           bring});
}

using reactors::Epoll;
using reactors::PollSet;
using reactors::WakeFd;

TEST_CASE("wake: a loop that always listens loses no wake-up") {
  check_all("listening", two_wakers<Listening<WakeFd>>);
}

TEST_CASE("poll: no wake-up is lost, whether it watches anything or sleeps") {
  check_all("asleep", two_wakers<Asleep<PollSet>>);
  check_all("watching", two_wakers<Watching<PollSet, true>>);
  check_all("watching at times", two_wakers<Watching<PollSet, false>>);
}

TEST_CASE("epoll: no wake-up is lost, whoever turns it") {
  check_all("asleep", two_wakers<OnEpoll<Epoll, By::run, false>>);
  check_all("watching", two_wakers<OnEpoll<Epoll, By::run, true>>);
  check_all("driven by its descriptor", two_wakers<OnEpoll<Epoll, By::fd, false>>);
  check_all("driven by its deadline too", two_wakers<OnEpoll<Epoll, By::deadline, true>>);
  check_all("run and driven in turns", two_wakers<OnEpoll<Epoll, By::turns, false>>);
}

TEST_CASE("wake: faulty copies are found") {
  namespace m = mutants;
  const char* const lost = "nobody can go on";
  check_found("state_before_eventfd", two_wakers<Listening<m::state_before_eventfd::WakeFd>>, lost);
  check_found("wake_in_two_steps", two_wakers<Asleep<m::wake_in_two_steps::PollSet>>, lost);
  check_found("sleep_over_a_mark", two_wakers<Asleep<m::sleep_over_a_mark::PollSet>>, lost);
  check_found("listen_over_a_mark", two_wakers<Watching<m::listen_over_a_mark::PollSet, true>>,
              lost);
  check_found("poll_without_listening",
              two_wakers<Watching<m::poll_without_listening::PollSet, true>>, lost);
  check_found("epoll_without_listening",
              two_wakers<OnEpoll<m::epoll_without_listening::Epoll, By::run, true>>, lost);
  check_found("turn_ends_with_a_mark",
              two_wakers<OnEpoll<m::turn_ends_with_a_mark::Epoll, By::fd, false>>, lost);
  check_found("deadline_without_listening",
              two_wakers<OnEpoll<m::deadline_without_listening::Epoll, By::turns, false>>, lost);
}

// ---- What it costs.

template <class F>
std::size_t system_calls_of(F f) {
  const std::size_t before = exploring::system_calls();
  f();
  return exploring::system_calls() - before;
}

TEST_CASE("wake: a loop that is awake is woken without a system call") {
  Asleep<PollSet> on_poll;
  OnEpoll<Epoll, By::run, true> on_epoll;
  on_poll.wake(), on_poll.wait();
  on_epoll.wake(), on_epoll.wait();

  CHECK(system_calls_of([&] { on_poll.wake(); }) == 0);
  CHECK(system_calls_of([&] { on_poll.wait(); }) == 0);
  CHECK(system_calls_of([&] { on_epoll.wake(); }) == 0);
}

TEST_CASE("wake: the eventfd of epoll is never read") {
  OnEpoll<Epoll, By::deadline, true> loop;
  for (int i = 0; i < 3; ++i) {
    CHECK(loop.backend.next_deadline() == TimePoint::max());
    CHECK(system_calls_of([&] { loop.wake(); }) == 1);
    CHECK(system_calls_of([&] { loop.backend.turn(); }) == 1);
  }
}

}  // namespace
