// SPDX-License-Identifier: MIT
// The libuv backend: what is special in a loop that somebody else has too.
#include "reactors/uv.hpp"

#include <doctest/doctest.h>
#include <uv.h>

#include <climits>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/readable.hpp"
#include "tests/reactors/foreign.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::check_not_early;
using deferred::testing::Deadline;
using deferred::testing::FewDescriptors;
using deferred::testing::RegularFile;
using deferred::testing::Reports;
using deferred::testing::SocketPair;
using deferred::testing::Unhandled;

namespace {

// The caller's loop, with timers of his. At its end it runs once and must be clean.
struct Loop {
  struct Timer {
    uv_timer_t handle;
    std::function<void()> call;
    void stop() { uv_timer_stop(&handle); }
  };

  Loop() { REQUIRE(uv_loop_init(&loop) == 0); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    for (Timer& timer : timers) uv_close(reinterpret_cast<uv_handle_t*>(&timer.handle), nullptr);
    uv_run(&loop, UV_RUN_NOWAIT);
    CHECK(uv_loop_close(&loop) == 0);
  }
  operator uv_loop_t*() { return &loop; }

  Timer& every(std::uint64_t ms, std::function<void()> call) {
    Timer& timer = timers.emplace_back();
    timer.call = std::move(call);
    timer.handle.data = &timer;
    uv_timer_init(&loop, &timer.handle);
    uv_timer_start(
        &timer.handle, [](uv_timer_t* handle) { static_cast<Timer*>(handle->data)->call(); }, ms,
        ms);
    return timer;
  }
  bool alive() { return uv_loop_alive(&loop) != 0; }

  uv_loop_t loop;
  std::list<Timer> timers;
};

struct Inside {
  Unhandled unhandled;
  Loop loop;
  Reactor reactor{reactors::uv(loop)};
};

Task<> wait_for_thread(std::optional<RemoteWaiter<int>>& hand, int& got) {
  struct Handing {
    explicit Handing(std::optional<RemoteWaiter<int>>& to) : hand(&to) {}
    std::optional<RemoteWaiter<int>>* hand;
    void yield_to(Waiter<int> waiter) const { hand->emplace(std::move(waiter).remote()); }
  };
  const Handing handing(hand);
  got = co_await handing;
}

}  // namespace

TEST_CASE("run() serves the caller's handles") {
  Inside in;
  int calls = 0;
  in.loop.every(1, [&] {
    if (++calls == 3) in.reactor.stop();
  });

  in.reactor.run();

  CHECK(calls == 3);
}

TEST_CASE("the caller's uv_run() takes the reactor's turns, and ends when they have no work") {
  Inside in;
  SocketPair pair;
  std::string log;
  const auto main_task = [&]() -> Task<> {
    co_await Pause{};
    log += "ready ";
    co_await Pause{1ms};
    log += "timer ";
    pair.write(1);
    co_await Readable(pair[0]);
    log += "io ";
  };
  spawn(in.reactor, main_task).detach();

  const int left = uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK(log == "ready timer io ");
  CHECK(left == 0);
  CHECK(in.reactor.task_count() == 0);
}

TEST_CASE("a loop with a reactor that has no work is not alive") {
  Inside in;
  CHECK_FALSE(in.loop.alive());
  in.reactor.post([] {});
  uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK_FALSE(in.loop.alive());
}

TEST_CASE("a post, a set timer and a watch keep the loop alive, until they are gone") {
  Inside in;

  SUBCASE("a post") {
    in.reactor.post([] {});
    CHECK(in.loop.alive());
    uv_run(in.loop, UV_RUN_NOWAIT);
  }
  SUBCASE("a timer") {
    DelayedCall timer = in.reactor.call_later(1h, [] {});
    uv_run(in.loop, UV_RUN_NOWAIT);
    CHECK(in.loop.alive());
    timer.cancel();
    in.reactor.post([] {});
    uv_run(in.loop, UV_RUN_NOWAIT);
  }
  SUBCASE("a watch") {
    SocketPair pair;
    Watch watch = in.reactor.watch(pair[0], Ready::read, [] {});
    uv_run(in.loop, UV_RUN_NOWAIT);
    CHECK(in.loop.alive());
    watch = Watch();
    uv_run(in.loop, UV_RUN_NOWAIT);
  }

  CHECK_FALSE(in.loop.alive());
}

TEST_CASE("a task that only a thread can wake does not keep the loop alive, and goes on with it") {
  Inside in;
  std::optional<RemoteWaiter<int>> hand;
  int got = 0;
  spawn(in.reactor, wait_for_thread(hand, got)).detach();
  CHECK(uv_run(in.loop, UV_RUN_DEFAULT) == 0);
  REQUIRE(hand);

  std::thread([&] { std::move(*hand).resume(7); }).join();
  in.loop.every(1, [&] {
    if (got == 7) in.loop.timers.front().stop();
  });
  uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK(got == 7);
}

TEST_CASE("calls of threads are taken by a uv_run() that waits, and by one that begins later") {
  Inside in;
  Loop::Timer& alive = in.loop.every(1'000'000, [] {});
  int calls = 0;

  for (const bool before : {true, false}) {
    std::thread other([&] { in.reactor.call_from_thread([&] { ++calls; }); });
    if (before) other.join();
    const int already = calls;
    while (calls == already) uv_run(in.loop, UV_RUN_ONCE);
    if (!before) other.join();
  }
  alive.stop();

  CHECK(calls == 2);
}

TEST_CASE("tasks that never wait do not starve the caller's timer: a turn an iteration") {
  Inside in;
  bool stop = false;
  int pauses = 0;
  const auto busy = [&]() -> Task<> {
    while (!stop) {
      ++pauses;
      co_await Pause{};
    }
  };
  spawn(in.reactor, busy).detach();
  int iterations = 0;
  uv_prepare_t prepare;
  uv_prepare_init(in.loop, &prepare);
  prepare.data = &iterations;
  uv_prepare_start(&prepare, [](uv_prepare_t* handle) { ++*static_cast<int*>(handle->data); });
  Loop::Timer& timer = in.loop.every(2, [&] {
    stop = true;
    in.loop.timers.front().stop();
    uv_close(reinterpret_cast<uv_handle_t*>(&prepare), nullptr);
  });

  uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK(stop);
  CHECK(pauses > 0);
  CHECK(pauses <= iterations + 1);
  CHECK(uv_is_active(reinterpret_cast<uv_handle_t*>(&timer.handle)) == 0);
}

TEST_CASE("the caller's idle handles do not starve the reactor") {
  Inside in;
  uv_idle_t idle;
  uv_idle_init(in.loop, &idle);
  uv_idle_start(&idle, [](uv_idle_t*) {});
  const DelayedCall timer = in.reactor.call_later(1ms, [&] {
    in.reactor.post([&] { uv_close(reinterpret_cast<uv_handle_t*>(&idle), nullptr); });
  });

  uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK_FALSE(timer.active());
}

TEST_CASE("a callback of the caller's that gives the reactor work does not leave run() waiting") {
  Inside in;
  in.loop.every(1, [&] {
    in.loop.timers.front().stop();
    in.reactor.post([&] { in.reactor.stop(); });
  });
  const DelayedCall far = in.reactor.call_later(1h, [] {});

  in.reactor.run();

  CHECK(far.active());
}

TEST_CASE("the end of a reactor with all kinds of work leaves the loop clean") {
  Unhandled unhandled;
  Loop loop;
  SocketPair pair;
  Watch watch;
  DelayedCall timer;
  {
    Reactor reactor{reactors::uv(loop)};
    watch = reactor.watch(pair[0], Ready::both, [] {});
    timer = reactor.call_later(1h, [] {});
    uv_run(loop, UV_RUN_NOWAIT);
    reactor.post([] {});
  }
}

TEST_CASE("a reactor may end inside a callback of the caller's") {
  Unhandled unhandled;
  Loop loop;
  auto reactor = std::make_optional<Reactor>(reactors::uv(loop));
  const DelayedCall timer = reactor->call_later(1h, [] {});
  loop.every(1, [&] {
    loop.timers.front().stop();
    reactor.reset();
  });

  CHECK(uv_run(loop, UV_RUN_DEFAULT) == 0);
}

TEST_CASE("a backend that ends while it watches leaves the loop clean") {
  Loop loop;
  SocketPair pair;
  Reports reports;
  const auto backend = reactors::uv(loop);
  backend->watch(pair[0], Ready::read, reports);
}

TEST_CASE("no deadline is early") {
  Loop loop;
  const auto backend = reactors::uv(loop);

  check_not_early(*backend, [&] { uv_run(loop, UV_RUN_ONCE); });
}

TEST_CASE("a deadline beyond the reach of libuv's poll is waited for, and can be taken back") {
  Loop loop;
  const auto backend = reactors::uv(loop);
  Deadline deadline(*backend);

  backend->arm(TimePoint::max() - 1ns);
  uv_run(loop, UV_RUN_NOWAIT);
  CHECK(deadline.turns == 0);
  CHECK(uv_backend_timeout(loop) == INT_MAX);
  backend->arm(TimePoint::max());

  CHECK_FALSE(loop.alive());
}

TEST_CASE("an armed deadline stands until it is replaced") {
  Loop loop;
  const auto backend = reactors::uv(loop);
  struct Count final : Turn {
    int turns = 0;
    void turn() noexcept override { ++turns; }
  } count;
  backend->drive(&count);

  backend->arm(TimePoint::min());
  for (int i = 0; i < 3; ++i) uv_run(loop, UV_RUN_ONCE);
  CHECK(count.turns == 3);
  backend->arm(TimePoint::max());
  uv_run(loop, UV_RUN_NOWAIT);

  CHECK(count.turns == 3);
  backend->drive(nullptr);
}

TEST_CASE("a wake-up is not taken back by a deadline that is set before its turn") {
  Loop loop;
  SocketPair pair;
  const auto backend = reactors::uv(loop);
  Deadline deadline(*backend);
  Reports reports;
  pair.write(1);
  backend->watch(pair[0], Ready::read, reports);
  reports.then = [&] {
    backend->unwatch(pair[0]);
    backend->arm(TimePoint::max());
  };
  backend->wake();

  loop.every(1, [&] { loop.timers.front().stop(); });
  uv_run(loop, UV_RUN_DEFAULT);

  CHECK(reports.seen.size() == 1);
  CHECK(deadline.turns >= 1);
}

TEST_CASE("a watched descriptor stays blocking or non-blocking, as it was") {
  Inside in;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);

  SocketPair non_blocking;

  const Watch watch = in.reactor.watch(ends[0], Ready::read, [] {});
  const Watch other = in.reactor.watch(non_blocking[0], Ready::read, [] {});
  uv_run(in.loop, UV_RUN_NOWAIT);

  CHECK((::fcntl(ends[0], F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(non_blocking[0], F_GETFL) & O_NONBLOCK) != 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("what libuv cannot watch is refused, with the reason") {
  Inside in;
  const auto refused = [&](int fd) {
    try {
      (void)in.reactor.watch(fd, Ready::read, [] {});
    } catch (const std::system_error& error) {
      return std::pair(error.code().value(), std::string(error.what()));
    }
    return std::pair(0, std::string());
  };

  SUBCASE("a regular file") {
    const RegularFile file;
    const auto [code, text] = refused(file.fd);
    CHECK(code == EPERM);
    CHECK(text.find("descriptor " + std::to_string(file.fd) + ", a file that is always ready") !=
          std::string::npos);
  }
  SUBCASE("a descriptor of a handle of the caller's") {
    SocketPair pair;
    uv_poll_t theirs;
    REQUIRE(uv_poll_init(in.loop, &theirs, pair[0]) == 0);
    uv_poll_start(&theirs, UV_READABLE, [](uv_poll_t*, int, int) {});
    const auto [code, text] = refused(pair[0]);
    CHECK(code == EEXIST);
    CHECK(text.find("another handle of the loop watches") != std::string::npos);
    uv_close(reinterpret_cast<uv_handle_t*>(&theirs), nullptr);
  }
}

// libuv aborted the process.
TEST_CASE("a descriptor closed before libuv polls it is reported, for the system call will tell") {
  Inside in;
  SocketPair pair;
  const int fd = pair[0];
  int told = 0;
  Watch watch = in.reactor.watch(fd, Ready::read, [&] { ++told; });

  SUBCASE("when it was just watched") { pair.close(0); }
  SUBCASE("when its interest was changed") {
    uv_run(in.loop, UV_RUN_NOWAIT);
    pair.close(0);
    watch.set_interest(Ready::both);
  }
  uv_run(in.loop, UV_RUN_NOWAIT);

  CHECK(told == 1);
}

TEST_CASE("a closed descriptor that its handler goes on watching does not hold up the loop") {
  Loop loop;
  SocketPair pair;
  const int fd = pair[0];
  const auto backend = reactors::uv(loop);
  Reports reports;
  backend->watch(fd, Ready::read, reports);
  reports.then = [&] { backend->rewatch(fd, Ready::read); };
  pair.close(0);

  for (int i = 0; i < 3; ++i) backend->run_once(false);
  CHECK(reports.seen.size() == 3);
  backend->unwatch(fd);
  backend->run_once(false);

  CHECK(reports.seen.size() == 3);
}

// libuv stops watching at an error.
TEST_CASE("an error is reported as long as it is watched") {
  Inside in;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  int told = 0;
  Watch watch = in.reactor.watch(ends[1], Ready::write, [&] { ++told; });

  for (int i = 0; i < 3; ++i) in.reactor.backend().run_once(false);

  CHECK(told == 3);
  watch = Watch();
  ::close(ends[1]);
}

TEST_CASE("a turn inside a callback is a logic_error, also when the caller drives the loop") {
  Inside in;
  int thrown = 0;
  in.reactor.post([&] {
    try {
      in.reactor.backend().run_once(false);
    } catch (const std::logic_error&) {
      ++thrown;
    }
  });

  uv_run(in.loop, UV_RUN_DEFAULT);

  CHECK(thrown == 1);
}

TEST_CASE("several reactors live in one loop") {
  Unhandled unhandled;
  Loop loop;
  Reactor one{reactors::uv(loop)};
  Reactor two{reactors::uv(loop)};
  std::string log;
  const DelayedCall first = one.call_later(1ms, [&] {
    log += "one ";
    two.post([&] { log += "two "; });
  });

  uv_run(loop, UV_RUN_DEFAULT);

  CHECK(log == "one two ");
}

TEST_CASE("in the caller's loop others may wake the reactor's tasks, in its own nobody else") {
  Loop loop;

  CHECK(reactors::uv(loop)->shared());
  CHECK_FALSE(reactors::uv()->shared());
}

TEST_CASE("uv(nullptr) says what is wrong") {
  CHECK_THROWS_WITH_AS((void)reactors::uv(nullptr),
                       "reactor on libuv: the loop is null; uv() makes its own",
                       std::invalid_argument);
}

TEST_CASE("without descriptors no backend is made, and the caller's loop is left as it was") {
  Loop loop;
  const FewDescriptors none(0);

  CHECK_THROWS_AS((void)reactors::uv(), std::system_error);
  CHECK_THROWS_AS((void)reactors::uv(loop), std::system_error);
}
