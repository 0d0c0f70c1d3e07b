// SPDX-License-Identifier: MIT
// The epoll backend: driven by a loop that knows its descriptor and its deadline, and the kernel's
// ways.
#include "reactors/epoll.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include <cerrno>
#include <ctime>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/readable.hpp"
#include "tests/reactors/foreign.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::check_not_early;
using deferred::testing::FewDescriptors;
using deferred::testing::open_descriptors;
using deferred::testing::RegularFile;
using deferred::testing::Reports;
using deferred::testing::SocketPair;
using deferred::testing::Unhandled;

namespace {

bool readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  REQUIRE(::poll(&one, 1, 0) >= 0);
  return one.revents == POLLIN;
}

// What any loop does for a reactor: waits for its descriptor until its deadline, and turns it.
void iterate(reactors::Epoll& backend) {
  pollfd one{backend.fd(), POLLIN, 0};
  const TimePoint deadline = backend.next_deadline();
  if (deadline == TimePoint::max()) {
    REQUIRE(::ppoll(&one, 1, nullptr, nullptr) > 0);
  } else {
    const TimePoint now = backend.now();
    const auto left = deadline > now ? (deadline - now).count() : 0;
    const timespec limit{left / 1'000'000'000, left % 1'000'000'000};
    REQUIRE(::ppoll(&one, 1, &limit, nullptr) >= 0);
  }
  backend.turn();
}

struct Driven {
  Unhandled unhandled;
  reactors::Epoll backend;
  Reactor reactor{backend};
};

}  // namespace

TEST_CASE("a loop that knows fd(), next_deadline() and turn() drives a reactor") {
  Driven on;
  SocketPair pair;
  std::string log;
  bool done = false;
  const auto main_task = [&]() -> Task<> {
    co_await Pause{};
    log += "ready ";
    co_await Pause{1ms};
    log += "timer ";
    pair.write(1);
    co_await Readable(pair[0]);
    log += "io ";
    done = true;
  };
  spawn(on.reactor, main_task).detach();

  while (!done) iterate(on.backend);

  CHECK(log == "ready timer io ");
}

TEST_CASE("a watch that outlives its descriptor, of which a copy is open, costs nothing later") {
  Unhandled unhandled;
  Reactor reactor{reactors::epoll()};
  SocketPair pair, other;
  int copy = -1, reports = 0;
  const Watch kept = reactor.watch(other[0], Ready::read, [&] {
    other.read(0);
    ++reports;
  });
  {
    const Watch lost = reactor.watch(pair[0], Ready::read, [] {});
    reactor.backend().run_once(false);
    copy = ::dup(pair[0]);
    pair.close(0);
  }
  pair.write(1);
  bool over = false;
  const DelayedCall end = reactor.call_later(5ms, [&] { over = true; });

  int waits = 0;
  while (!over) {
    reactor.backend().run_once(true);
    ++waits;
  }
  other.write(1);
  reactor.backend().run_once(true);

  CHECK(waits <= 3);
  CHECK(reports == 1);
  ::close(copy);
}

TEST_CASE("a second watch of a number that is another file's by now reports that file") {
  Unhandled unhandled;
  Reactor reactor{reactors::epoll()};
  SocketPair pair, fresh;
  const int number = pair[0];
  const Watch old = reactor.watch(number, Ready::read, [] {});
  reactor.backend().run_once(false);
  pair.close(0);
  REQUIRE(::dup2(fresh[0], number) == number);
  int reports = 0;

  const Watch anew = reactor.watch(number, Ready::read, [&] { ++reports; });
  fresh.write(1);
  reactor.backend().run_once(false);

  CHECK(reports == 1);
  ::close(number);
}

TEST_CASE("a second watch of a number that was closed is refused") {
  Unhandled unhandled;
  Reactor reactor{reactors::epoll()};
  SocketPair pair;
  const int number = pair[0];
  const Watch old = reactor.watch(number, Ready::read, [] {});
  pair.close(0);

  CHECK_THROWS_AS(static_cast<void>(reactor.watch(number, Ready::read, [] {})), std::system_error);
}

TEST_CASE("fd() is readable while a watched descriptor is ready") {
  Driven on;
  SocketPair pair;
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [] {});
  CHECK_FALSE(readable(on.backend.fd()));

  pair.write(1);
  CHECK(readable(on.backend.fd()));
  on.backend.turn();
  CHECK(readable(on.backend.fd()));
  pair.read(0);

  CHECK_FALSE(readable(on.backend.fd()));
}

TEST_CASE("fd() is readable after a thread has called, until the turn that takes the call") {
  Driven on;
  bool called = false;
  std::thread([&] { on.reactor.call_from_thread([&] { called = true; }); }).join();

  CHECK(readable(on.backend.fd()));
  on.backend.turn();

  CHECK(called);
  CHECK_FALSE(readable(on.backend.fd()));
}

TEST_CASE("fd() is readable after a turn during which a thread has called") {
  Driven on;
  bool called = false;
  on.reactor.post(
      [&] { std::thread([&] { on.reactor.call_from_thread([&] { called = true; }); }).join(); });

  on.backend.turn();
  CHECK_FALSE(called);
  CHECK(readable(on.backend.fd()));
  on.backend.turn();

  CHECK(called);
}

TEST_CASE("a loop that goes on where a run has ended misses no call") {
  Driven on;
  int called = 0;
  const auto call = [&] {
    std::thread([&] { on.reactor.call_from_thread([&] { ++called; }); }).join();
  };
  const auto main_task = [&]() -> Task<> {
    co_await Pause{};
    call();
  };
  on.reactor.run_until(spawn(on.reactor, main_task).deferred());

  CHECK(on.backend.next_deadline() == TimePoint::min());
  on.backend.turn();
  CHECK(called == 1);
  on.reactor.run_until(spawn(on.reactor, [&]() -> Task<> { co_await Pause{}; }).deferred());
  CHECK(on.backend.next_deadline() == TimePoint::max());
  call();
  CHECK(readable(on.backend.fd()));
}

TEST_CASE("next_deadline() is that of the earliest timer, at once for ready work, else none") {
  Driven on;
  CHECK(on.backend.next_deadline() == TimePoint::max());

  DelayedCall late = on.reactor.call_later(2h, [] {});
  const DelayedCall early = on.reactor.call_later(1h, [] {});
  CHECK(on.backend.next_deadline() == early.time());
  on.reactor.post([] {});
  CHECK(on.backend.next_deadline() == TimePoint::min());
  on.backend.turn();

  CHECK(on.backend.next_deadline() == early.time());
}

TEST_CASE("next_deadline() is none after the turn that called the last timer") {
  Driven on;
  bool called = false;
  const DelayedCall timer = on.reactor.call_later(1ms, [&] { called = true; });

  while (!called) iterate(on.backend);

  CHECK(on.backend.next_deadline() == TimePoint::max());
}

TEST_CASE("it is driven by another epoll too") {
  Driven on;
  SocketPair pair;
  const int outer = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  REQUIRE(::epoll_ctl(outer, EPOLL_CTL_ADD, on.backend.fd(), &event) == 0);
  int told = 0;
  const Watch watch = on.reactor.watch(pair[0], Ready::read, [&] {
    ++told;
    pair.read(0);
  });

  pair.write(1);
  CHECK(::epoll_wait(outer, &event, 1, 1000) == 1);
  on.backend.turn();

  CHECK(told == 1);
  CHECK(::epoll_wait(outer, &event, 1, 0) == 0);
  ::close(outer);
}

TEST_CASE("a foreign loop is driven by it: an epoll in it is a descriptor like others") {
  Driven outer;
  Driven inner;
  int called = 0;
  const Watch watch =
      outer.reactor.watch(inner.backend.fd(), Ready::read, [&] { inner.backend.turn(); });
  inner.reactor.call_from_thread([&] {
    ++called;
    outer.reactor.stop();
  });

  outer.reactor.run();

  CHECK(called == 1);
}

TEST_CASE("no deadline is early, in another loop and in run()") {
  SUBCASE("in another loop") {
    reactors::Epoll backend;
    check_not_early(backend, [&] { iterate(backend); });
  }
  SUBCASE("in run()") {
    Driven on;
    for (int i = 1; i <= 20; ++i) {
      const TimePoint began = on.reactor.now();
      const DelayedCall timer = on.reactor.call_later(i * 77us, [&] { on.reactor.stop(); });
      on.reactor.run();
      CHECK(on.reactor.now() - began >= i * 77us);
    }
  }
}

TEST_CASE("a deadline as far as there is one can be waited for, and be replaced") {
  Driven on;
  const DelayedCall far = on.reactor.call_at(TimePoint::max() - 1ns, [] {});
  std::thread other([&] { on.reactor.call_from_thread([&] { on.reactor.stop(); }); });

  on.reactor.run();
  other.join();

  CHECK(far.active());
}

TEST_CASE("a turn inside a callback is a logic_error") {
  Driven on;
  int thrown = 0;
  on.reactor.post([&] {
    try {
      on.backend.turn();
    } catch (const std::logic_error&) {
      ++thrown;
    }
  });

  on.backend.turn();

  CHECK(thrown == 1);
}

TEST_CASE("a regular file is refused, with the reason") {
  Driven on;
  const RegularFile file;
  std::string text;
  int code = 0;

  try {
    (void)on.reactor.watch(file.fd, Ready::read, [] {});
  } catch (const std::system_error& error) {
    code = error.code().value();
    text = error.what();
  }

  CHECK(code == EPERM);
  CHECK(text.find("descriptor " + std::to_string(file.fd) + ", a file that is always ready") !=
        std::string::npos);
}

TEST_CASE("more ready descriptors than one wait takes are all reported, in a few turns") {
  Driven on;
  constexpr int count = 600;
  std::vector<std::unique_ptr<SocketPair>> pairs;
  std::vector<Watch> watches;
  int told = 0;
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  for (int i = 0; i < count; ++i) {
    pairs.push_back(std::make_unique<SocketPair>());
    pairs.back()->write(1);
    watches.push_back(on.reactor.watch((*pairs.back())[0], Ready::read, [&, i] {
      ++told;
      pairs[static_cast<std::size_t>(i)]->read(0);
    }));
  }

  for (int i = 0; i < 3; ++i) on.backend.turn();

  CHECK(told == count);
}

TEST_CASE("a number that is another file's by now can be watched on, and reports that file") {
  reactors::Epoll backend;
  Reports reports;
  auto old_pair = std::make_unique<SocketPair>();
  const int fd = (*old_pair)[0];
  backend.watch(fd, Ready::read, reports);
  old_pair.reset();
  SocketPair fresh;
  REQUIRE(fresh[0] == fd);
  fresh.write(1);

  backend.rewatch(fd, Ready::both);
  backend.turn();

  CHECK(reports.seen == std::vector<Ready>{Ready::both});
  backend.unwatch(fd);
}

TEST_CASE("rewatch of a closed descriptor is an error that names it") {
  reactors::Epoll backend;
  Reports reports;
  SocketPair pair;
  const int fd = pair[0];
  backend.watch(fd, Ready::read, reports);
  pair.close(0);

  CHECK_THROWS_AS(backend.rewatch(fd, Ready::both), std::system_error);

  backend.unwatch(fd);
}

namespace {
Backend* signalled = nullptr;
}

TEST_CASE("wake() in a signal handler ends the wait that follows") {
  Driven on;
  signalled = &on.backend;
  struct sigaction action{};
  action.sa_handler = [](int) { signalled->wake(); };
  struct sigaction before{};
  REQUIRE(::sigaction(SIGUSR1, &action, &before) == 0);

  ::raise(SIGUSR1);
  CHECK(readable(on.backend.fd()));
  on.backend.run_once(true);

  CHECK_FALSE(readable(on.backend.fd()));
  ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_CASE("without descriptors no backend is made, and none is lost") {
  std::optional<reactors::Epoll> made;
  const int before = open_descriptors();

  for (int free = 0; free < 2; ++free) {
    const FewDescriptors few(free);
    CHECK_THROWS_AS((void)made.emplace(), std::system_error);
  }
  CHECK(open_descriptors() == before);
  const FewDescriptors enough(2);

  CHECK_NOTHROW((void)made.emplace());
}
