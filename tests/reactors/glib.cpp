// SPDX-License-Identifier: MIT
// The GLib backend: what is special in a context that somebody else has too.
#include "reactors/glib.hpp"

#include <doctest/doctest.h>
#include <glib.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

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

// The caller's context, with timers of his. At its end no source of the reactor's may be left.
struct Context {
  Context() : context(g_main_context_new()), loop(g_main_loop_new(context, FALSE)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    for (GSource* source : sources) {
      g_source_destroy(source);
      g_source_unref(source);
    }
    CHECK(descriptors() == 1);  // its own, for wake-ups
    for (guint id = 1; id < 64; ++id) CHECK(!g_main_context_find_source_by_id(context, id));
    g_main_loop_unref(loop);
    g_main_context_unref(context);
  }

  /// Calls it after so many milliseconds, and again while it gives true.
  void every(guint ms, std::function<bool()> call) {
    GSource* const source = sources.emplace_back(g_timeout_source_new(ms));
    calls.push_back(std::move(call));
    g_source_set_callback(
        source, [](gpointer f) -> gboolean { return (*static_cast<std::function<bool()>*>(f))(); },
        &calls.back(), nullptr);
    g_source_attach(source, context);
  }
  bool iterate(bool block) { return g_main_context_iteration(context, block); }
  void run() { g_main_loop_run(loop); }
  void quit() { g_main_loop_quit(loop); }
  int descriptors() {
    gint priority = 0;
    gint timeout = 0;
    GPollFD fds[64];
    REQUIRE(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    const gint count = g_main_context_query(context, G_MAXINT, &timeout, fds, 64);
    g_main_context_release(context);
    return count;
  }

  GMainContext* context;
  GMainLoop* loop;
  std::list<GSource*> sources;
  std::list<std::function<bool()>> calls;
};

struct Inside {
  Unhandled unhandled;
  Context context;
  Reactor reactor{reactors::glib(context.context)};
};

}  // namespace

TEST_CASE("run() dispatches the caller's sources") {
  Inside in;
  int calls = 0;
  in.context.every(1, [&] {
    if (++calls == 3) in.reactor.stop();
    return calls < 3;
  });

  in.reactor.run();

  CHECK(calls == 3);
}

TEST_CASE("the caller's g_main_loop_run() takes the reactor's turns") {
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
    in.context.quit();
  };
  spawn(in.reactor, main_task).detach();

  in.context.run();

  CHECK(log == "ready timer io ");
  CHECK(in.reactor.task_count() == 0);
}

TEST_CASE("glib(nullptr) is in the default context") {
  Unhandled unhandled;
  Reactor reactor{reactors::glib(nullptr)};
  bool called = false;
  reactor.post([&] { called = true; });

  while (!called) g_main_context_iteration(nullptr, TRUE);

  CHECK(called);
}

TEST_CASE("calls of threads are taken by a main loop that waits, and by one that begins later") {
  Inside in;
  int calls = 0;

  for (const bool before : {true, false}) {
    std::thread other([&] {
      in.reactor.call_from_thread([&] {
        ++calls;
        in.context.quit();
      });
    });
    if (before) other.join();
    in.context.run();
    if (!before) other.join();
  }

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
  in.context.every(2, [&] {
    stop = true;
    return false;
  });

  int iterations = 0;
  while (!stop) {
    in.context.iterate(true);
    ++iterations;
  }

  CHECK(pauses > 0);
  CHECK(pauses <= iterations);
}

TEST_CASE("a source of the caller's that is always ready does not starve the reactor") {
  Inside in;
  bool called = false;
  in.context.every(0, [&] { return !called; });
  const DelayedCall timer =
      in.reactor.call_later(1ms, [&] { in.reactor.post([&] { called = true; }); });

  while (!called) in.context.iterate(true);

  CHECK(called);
}

TEST_CASE("a callback of the caller's that gives the reactor work does not leave run() waiting") {
  Inside in;
  in.context.every(1, [&] {
    in.reactor.post([&] { in.reactor.stop(); });
    return false;
  });
  const DelayedCall far = in.reactor.call_later(1h, [] {});

  in.reactor.run();

  CHECK(far.active());
}

TEST_CASE("the end of a reactor with all kinds of work leaves no source") {
  Unhandled unhandled;
  Context context;
  SocketPair pair;
  Watch watch;
  DelayedCall timer;
  {
    Reactor reactor{reactors::glib(context.context)};
    watch = reactor.watch(pair[0], Ready::both, [] {});
    timer = reactor.call_later(1h, [] {});
    context.iterate(false);
    CHECK(context.descriptors() == 3);
    reactor.post([] {});
  }

  CHECK_FALSE(context.iterate(false));
}

TEST_CASE("a reactor may end inside a callback of the caller's") {
  Unhandled unhandled;
  Context context;
  auto reactor = std::make_optional<Reactor>(reactors::glib(context.context));
  const DelayedCall timer = reactor->call_later(1h, [] {});
  context.every(1, [&] {
    reactor.reset();
    context.quit();
    return false;
  });

  context.run();

  CHECK_FALSE(timer.active());
}

TEST_CASE("a backend that ends while it watches leaves no source") {
  Context context;
  SocketPair pair;
  Reports reports;
  const auto backend = reactors::glib(context.context);
  backend->watch(pair[0], Ready::read, reports);
}

TEST_CASE("a descriptor that was unwatched and closed does not keep the loop awake") {
  Context context;
  const auto backend = reactors::glib(context.context);
  Reports reports;
  auto pair = std::make_unique<SocketPair>();
  const int fd = (*pair)[0];
  pair->write(1);
  backend->watch(fd, Ready::read, reports);
  context.iterate(true);
  CHECK(reports.seen.size() == 1);

  backend->unwatch(fd);
  CHECK_FALSE(context.iterate(false));
  pair.reset();
  context.iterate(false);
  CHECK_FALSE(context.iterate(false));
  pair = std::make_unique<SocketPair>();
  REQUIRE((*pair)[0] == fd);
  pair->write(1);
  backend->watch(fd, Ready::read, reports);
  context.iterate(true);

  CHECK(reports.seen.size() == 2);
}

TEST_CASE("no deadline is early") {
  Context context;
  const auto backend = reactors::glib(context.context);

  check_not_early(*backend, [&] { context.iterate(true); });
}

TEST_CASE("a deadline as far as there is one is waited for, and can be replaced") {
  Context context;
  const auto backend = reactors::glib(context.context);
  Deadline deadline(*backend);

  backend->arm(TimePoint::max() - 1ns);
  CHECK_FALSE(context.iterate(false));
  CHECK(deadline.turns == 0);
  deadline.set(1ms);
  while (!deadline.passed) context.iterate(true);

  CHECK(deadline.early == 0);
}

TEST_CASE("in a nested main loop of one of its callbacks the reactor rests, and does not spin") {
  Inside in;
  SocketPair pair;
  std::string log;
  const Watch watch = in.reactor.watch(pair[0], Ready::read, [&] {
    log += "io ";
    pair.read(0);
  });
  bool stop = false;
  const auto nest = [&] {
    in.reactor.post([&] { log += "post "; });
    pair.write(1);
    std::thread([&] {
      in.reactor.call_from_thread([&] {
        log += "thread ";
        stop = true;
        in.reactor.stop();
      });
    }).join();
    for (int i = 0; i < 10; ++i) in.context.iterate(false);
    CHECK_FALSE(in.context.iterate(false));
    log += "nested ";
  };
  const auto run = [&] {
    SUBCASE("driven by the caller") {
      while (!stop) in.context.iterate(true);
    }
    SUBCASE("in run()") { in.reactor.run(); }
  };

  SUBCASE("in a turn") {
    in.reactor.post([&] { nest(); });
    run();
  }
  SUBCASE("in a turn that a callback of the caller's asked for") {
    in.context.every(1, [&] {
      in.reactor.post([&] { nest(); });
      return false;
    });
    run();
  }
  SUBCASE("while readiness is reported") {
    SocketPair other;
    other.write(1);
    Watch nesting;
    nesting = in.reactor.watch(other[0], Ready::read, [&] {
      nesting = Watch();
      nest();
    });
    run();
  }
  while (log.find("io") == std::string::npos) in.context.iterate(true);

  CHECK(log.substr(0, 7) == "nested ");
  CHECK(log.find("post") != std::string::npos);
}

TEST_CASE("a peer that hangs up does not keep a nested main loop awake") {
  Inside in;
  SocketPair pair;
  int reports = 0;
  const Watch watch = in.reactor.watch(pair[0], Ready::read, [&] {
    ++reports;
    in.reactor.stop();
  });
  in.reactor.post([&] {
    pair.close(1);
    for (int i = 0; i < 10; ++i) in.context.iterate(false);
    CHECK_FALSE(in.context.iterate(false));
    CHECK(reports == 0);
  });

  in.reactor.run();

  CHECK(reports == 1);
}

namespace {

// It was dispatched again and again, and did nothing.
TEST_CASE("in a nested main loop of the caller's, inside run(), the reactor goes on") {
  Inside in;
  int ticks = 0;
  const auto tick = [&]() -> Task<> {
    for (;; ++ticks) co_await Pause{1ms};
  };
  spawn(in.reactor, tick).detach();
  int iterations = 0;
  in.context.every(1, [&] {
    while (ticks < 5 && ++iterations < 1000) in.context.iterate(true);
    in.reactor.stop();
    return false;
  });

  in.reactor.run();

  CHECK(ticks >= 5);
  CHECK(iterations < 100);
}

// Its first turn runs a nested main loop, while `nested` gives true.
struct Nesting final : Turn {
  explicit Nesting(Context& in) : context(in) {}
  void turn() noexcept override {
    if (++turns > 1) return;
    while (nested()) context.iterate(false);
  }
  Context& context;
  std::function<bool()> nested;
  int turns = 0;
};

}  // namespace

TEST_CASE("a deadline that passes in a nested main loop stands after it") {
  Context context;
  const auto backend = reactors::glib(context.context);
  Nesting nesting(context);
  backend->drive(&nesting);
  context.every(0, [] { return false; });
  const TimePoint deadline = backend->now() + 2ms;
  nesting.nested = [&] { return backend->now() < deadline + 2ms; };
  backend->arm(deadline);

  backend->run_once(true);
  CHECK(nesting.turns == 1);
  context.iterate(true);

  CHECK(nesting.turns == 2);
  backend->drive(nullptr);
}

TEST_CASE("a wake-up in a nested main loop is not lost, nor taken back by a deadline set later") {
  Context context;
  const auto backend = reactors::glib(context.context);
  Nesting nesting(context);
  backend->drive(&nesting);
  int iterations = 0;
  nesting.nested = [&] {
    if (iterations == 0) backend->wake();
    return ++iterations < 4;
  };

  backend->run_once(false);
  CHECK(nesting.turns == 1);
  backend->arm(TimePoint::max());
  context.iterate(false);

  CHECK(nesting.turns == 2);
  backend->drive(nullptr);
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

  in.context.iterate(true);

  CHECK(thrown == 1);
}

TEST_CASE("a context that another thread runs is a logic_error") {
  Inside in;
  REQUIRE(g_main_context_acquire(in.context.context));
  bool refused = false;

  std::thread([&] {
    const auto backend = reactors::glib(in.context.context);
    try {
      backend->run_once(false);
    } catch (const std::logic_error& error) {
      refused =
          std::string(error.what()) == "reactor on GLib: its GMainContext is run by another thread";
    }
  }).join();
  g_main_context_release(in.context.context);

  CHECK(refused);
}

TEST_CASE("in the caller's context others may wake the reactor's tasks, in its own nobody else") {
  Context context;

  CHECK(reactors::glib(context.context)->shared());
  CHECK_FALSE(reactors::glib()->shared());
}

TEST_CASE("a regular file is always ready") {
  Inside in;
  const RegularFile file;
  int told = 0;
  const Watch watch = in.reactor.watch(file.fd, Ready::read, [&] { ++told; });

  in.context.iterate(true);

  CHECK(told == 1);
}

TEST_CASE("without descriptors no backend is made, and the context is left as it was") {
  Context context;
  const FewDescriptors none(0);

  CHECK_THROWS_AS((void)reactors::glib(context.context), std::system_error);
}
