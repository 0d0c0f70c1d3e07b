// SPDX-License-Identifier: MIT
// The Qt backend: what is special in an application that has events of its own. Run with both of
// Qt's event dispatchers, on GLib and on poll(2).
#include "reactors/qt.hpp"

#include <doctest/doctest.h>

#include <QAbstractEventDispatcher>
#include <QCoreApplication>
#include <QEventLoop>
#include <QTimer>
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
using deferred::testing::Deadline;
using deferred::testing::FewDescriptors;
using deferred::testing::RegularFile;
using deferred::testing::Reports;
using deferred::testing::SocketPair;
using deferred::testing::Unhandled;

namespace {

// The caller's application.
struct Application {
  char name[8] = "test_qt";
  char* argv[2] = {name, nullptr};
  int argc = 1;
  QCoreApplication app{argc, argv};

  void iterate() { QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents); }
};

struct Inside {
  Unhandled unhandled;
  Application application;
  Reactor reactor{reactors::qt()};
};

}  // namespace

TEST_CASE("without an application qt() says what to do") {
  CHECK_THROWS_WITH_AS(
      (void)reactors::qt(),
      "reactor on Qt: there is no QCoreApplication; make one first, on this thread",
      std::logic_error);
}

TEST_CASE("the application's exec() takes the reactor's turns") {
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
    QCoreApplication::exit(3);
  };
  spawn(in.reactor, main_task).detach();

  const int code = QCoreApplication::exec();

  CHECK(log == "ready timer io ");
  CHECK(code == 3);
}

TEST_CASE("run() serves the application's timers and posted events") {
  Inside in;
  int calls = 0;
  QTimer timer;
  QObject::connect(&timer, &QTimer::timeout, &timer, [&] {
    if (++calls < 3) return;
    QMetaObject::invokeMethod(&timer, [&] { in.reactor.stop(); }, Qt::QueuedConnection);
  });
  timer.start(1);

  in.reactor.run();

  CHECK(calls >= 3);
}

// Outside of exec() Qt leaves them for later.
TEST_CASE("deleteLater() works in a task under run()") {
  Inside in;
  bool deleted = false;
  in.reactor.post([&] {
    auto* const object = new QObject;
    QObject::connect(object, &QObject::destroyed, object, [&] { deleted = true; });
    object->deleteLater();
    CHECK_FALSE(deleted);
    in.reactor.stop();
  });

  in.reactor.run();

  CHECK(deleted);
}

TEST_CASE("an object that deleteLater() was called for outlives a run() inside its slot") {
  Inside in;
  bool deleted = false;
  bool outlived = false;
  auto* const object = new QObject;
  QObject::connect(object, &QObject::destroyed, object, [&] { deleted = true; });
  QTimer::singleShot(0, object, [&] {
    object->deleteLater();
    in.reactor.post([&] { in.reactor.stop(); });
    in.reactor.run();
    outlived = !deleted;
    QCoreApplication::quit();
  });

  QCoreApplication::exec();

  CHECK(outlived);
}

TEST_CASE("calls of threads are taken by an exec() that waits, and by one that begins later") {
  Inside in;
  int calls = 0;

  for (const bool before : {true, false}) {
    std::thread other([&] {
      in.reactor.call_from_thread([&] {
        ++calls;
        QCoreApplication::quit();
      });
    });
    if (before) other.join();
    QCoreApplication::exec();
    if (!before) other.join();
  }

  CHECK(calls == 2);
}

TEST_CASE("tasks that never wait do not starve the application's timer") {
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
  QTimer::singleShot(2, [&] { stop = true; });

  while (!stop) in.application.iterate();

  CHECK(pauses > 0);
}

TEST_CASE("a timer of zero length does not starve the reactor") {
  Inside in;
  QTimer always;
  always.start(0);
  bool called = false;
  const DelayedCall timer =
      in.reactor.call_later(1ms, [&] { in.reactor.post([&] { called = true; }); });

  while (!called) in.application.iterate();

  CHECK(called);
}

TEST_CASE("a slot that gives the reactor work does not leave run() waiting") {
  Inside in;
  QTimer::singleShot(1, [&] { in.reactor.post([&] { in.reactor.stop(); }); });
  const DelayedCall far = in.reactor.call_later(1h, [] {});

  in.reactor.run();

  CHECK(far.active());
}

TEST_CASE("a descriptor that is ready both ways is reported once") {
  Application application;
  const auto backend = reactors::qt();
  SocketPair pair;
  pair.write(1);
  Reports reports;
  reports.then = [&] { backend->unwatch(pair[0]); };
  backend->watch(pair[0], Ready::both, reports);

  while (reports.seen.empty()) application.iterate();

  CHECK(reports.seen == std::vector<Ready>{Ready::both});
}

TEST_CASE("what was noted of a descriptor is forgotten when another takes its number") {
  Application application;
  const auto backend = reactors::qt();
  SocketPair one, two;
  std::optional<SocketPair> fresh;
  Reports first, second, third;
  first.then = second.then = [&] {
    const int number = two[0];
    backend->unwatch(one[0]);
    backend->unwatch(number);
    two.close(0);
    fresh.emplace();
    REQUIRE((*fresh)[0] == number);
    backend->watch(number, Ready::read, third);
  };
  one.write(1);
  two.write(1);
  backend->watch(one[0], Ready::read, first);
  backend->watch(two[0], Ready::read, second);

  while (!fresh) application.iterate();
  backend->run_once(false);

  CHECK(first.seen.size() + second.seen.size() == 1);
  CHECK(third.seen.empty());
}

TEST_CASE("no deadline is early") {
  Application application;
  const auto backend = reactors::qt();

  check_not_early(*backend, [&] { application.iterate(); });
}

TEST_CASE("a deadline beyond the reach of a QTimer is waited for, and can be replaced") {
  Application application;
  const auto backend = reactors::qt();
  Deadline deadline(*backend);

  backend->arm(TimePoint::max() - 1ns);
  for (int i = 0; i < 3; ++i) QCoreApplication::processEvents();
  CHECK(deadline.turns == 0);
  deadline.set(1ms);
  while (!deadline.passed) application.iterate();

  CHECK(deadline.early == 0);
}

TEST_CASE("in a nested event loop of one of its callbacks the reactor rests, and does not spin") {
  Inside in;
  SocketPair pair;
  pair.write(1);
  std::string log;
  int told = 0;
  const Watch watch = in.reactor.watch(pair[0], Ready::read, [&] {
    ++told;
    pair.read(0);
  });
  const auto nest = [&] {
    pair.write(1);
    in.reactor.post([&] {
      log += "after ";
      in.reactor.stop();
      QCoreApplication::quit();
    });
    std::thread([&] { in.reactor.call_from_thread([&] { log += "thread "; }); }).join();
    int wakes = 0;
    QObject::connect(QAbstractEventDispatcher::instance(), &QAbstractEventDispatcher::awake,
                     QCoreApplication::instance(), [&] { ++wakes; });
    QEventLoop nested;
    QTimer::singleShot(30, &nested, &QEventLoop::quit);
    nested.exec();
    QObject::disconnect(QAbstractEventDispatcher::instance(), nullptr, QCoreApplication::instance(),
                        nullptr);
    CHECK(wakes < 50);
    log += "nested ";
  };
  in.reactor.post([&] { nest(); });

  SUBCASE("driven by the application") { QCoreApplication::exec(); }
  SUBCASE("in run()") { in.reactor.run(); }
  while (log.find("thread") == std::string::npos || told == 0) in.application.iterate();

  CHECK(log.substr(0, 13) == "nested after ");
  const int before = told;
  pair.write(1);
  while (told == before) in.application.iterate();
}

// What was ready twice in the nested loop was not reported after it.
TEST_CASE(
    "readiness that comes in a nested event loop of a watch's callback is reported after it") {
  Inside in;
  SocketPair first, second;
  std::string log;
  Watch later = in.reactor.watch(second[0], Ready::read, [&] {
    second.read(0);
    log += "later";
    QCoreApplication::quit();
  });
  Watch nesting = in.reactor.watch(first[0], Ready::read, [&] {
    first.read(0);
    second.write(1);
    QEventLoop nested;
    QTimer::singleShot(20, &nested, &QEventLoop::quit);
    nested.exec();
    log += "nested ";
  });
  first.write(1);

  QCoreApplication::exec();

  CHECK(log == "nested later");
}

TEST_CASE("a thread's call that comes in a nested event loop is taken after it") {
  Inside in;
  in.reactor.post([&] {
    std::thread([&] { in.reactor.call_from_thread([] { QCoreApplication::quit(); }); }).join();
    QEventLoop nested;
    QTimer::singleShot(1, &nested, &QEventLoop::quit);
    nested.exec();
  });

  CHECK(QCoreApplication::exec() == 0);
}

TEST_CASE("a turn inside a callback is a logic_error, also when the application drives the loop") {
  Inside in;
  int thrown = 0;
  in.reactor.post([&] {
    try {
      in.reactor.backend().run_once(false);
    } catch (const std::logic_error&) {
      ++thrown;
    }
    QCoreApplication::quit();
  });

  QCoreApplication::exec();

  CHECK(thrown == 1);
}

TEST_CASE("in an application others may wake the reactor's tasks") {
  Application application;

  CHECK(reactors::qt()->shared());
}

TEST_CASE("a regular file is always ready") {
  Inside in;
  const RegularFile file;
  int told = 0;
  const Watch watch = in.reactor.watch(file.fd, Ready::read, [&] { ++told; });

  while (told == 0) in.application.iterate();

  CHECK(told == 1);
}

TEST_CASE("a reactor may end inside a slot, and one with work leaves nothing behind") {
  Unhandled unhandled;
  Application application;
  SocketPair pair;
  pair.write(1);
  int told = 0;
  auto reactor = std::make_optional<Reactor>(reactors::qt());
  const DelayedCall timer = reactor->call_later(1ms, [&] { ++told; });
  const Watch watch = reactor->watch(pair[0], Ready::both, [&] { ++told; });
  QTimer::singleShot(0, [&] {
    reactor.reset();
    told = 0;
  });
  QTimer::singleShot(5, &QCoreApplication::quit);

  QCoreApplication::exec();

  CHECK(told == 0);
}

TEST_CASE("without descriptors no backend is made") {
  Application application;
  const FewDescriptors none(0);

  CHECK_THROWS_AS((void)reactors::qt(), std::system_error);
}
