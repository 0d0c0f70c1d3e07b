// SPDX-License-Identifier: MIT
//
// What the window shows while workers run in real threads. Next: closed_window.cpp, picture.cpp.
#include "samples/qt_async_task/window.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "deferred/threads/in_thread.hpp"
#include "tests/qt_async_task/desk.hpp"

using namespace async_tasks;
using namespace deferred;

namespace {

TEST_CASE_FIXTURE(Desk, "a click shows what workers return and throw, and the window changes") {
  Window window(reactor, pool, less_66_or_throw, {66, 67, -1, 69});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    co_await until([&] { return !seen.ticks().isEmpty(); });
    const QImage before = seen.picture_of_rows();
    CHECK(seen.texts() == QStringList{"66:", "67:", "-1:", "69:"});

    click(seen.start);
    co_await until([&] { return seen.total.value() == 100; });

    const QImage after = seen.picture_of_rows();
    CHECK(after.size() == before.size());
    CHECK(after != before);
    CHECK(seen.texts() ==
          QStringList{"66: done 0", "67: done 1", "-1: failed no worker for -1", "69: done 3"});
  });
}

TEST_CASE_FIXTURE(Desk, "the label ticks while a worker blocks its thread") {
  Window window(reactor, pool, blocks(), {1, 2});
  window.show();

  use([&]() -> Task<> {
    Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });
    QImage last = seen.picture_of_ticks();
    for (int ticks = 0; ticks < 3; ++ticks) {
      const QString label = seen.ticks();
      co_await until([&] { return seen.ticks() != label; });
      const QImage now = seen.picture_of_ticks();
      CHECK(now != last);
      last = now;
    }
    CHECK(pool.running() == 2);

    gate.open();  // had the GUI been blocked, nobody would come here
    co_await until([&] { return seen.ended(); });
  });
}

TEST_CASE_FIXTURE(Desk,
                  "a row shows whether its worker waits, runs or is done, and how far it is") {
  const auto half = [&](int number, Progress& progress) {
    progress(1, 2);
    gate.wait();
    return number;
  };
  Window window(reactor, pool, half, {1, 2, 3});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.total.value() == 33; });
    CHECK(seen.texts() == QStringList{"1: running", "2: running", "3: waiting"});
    CHECK(seen.rows.bar(0).value() == 50);
    CHECK(seen.rows.bar(2).value() == 0);

    gate.open();
    co_await until([&] { return seen.ended(); });

    CHECK(seen.texts() == QStringList{"1: done 1", "2: done 2", "3: done 3"});
    CHECK(seen.rows.bar(2).value() == 100);
    CHECK(seen.total.value() == 100);
  });
}

TEST_CASE_FIXTURE(Desk, "a row shows its result as it comes, while others run") {
  const auto first_blocks = [&](int number, Progress&) {
    if (number == 1) gate.wait();
    return number;
  };
  Window window(reactor, pool, first_blocks, {1, 2});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.text(1) == "2: done 2"; });
    CHECK(seen.total.value() == 50);
    CHECK(seen.state(0) == "running");
    gate.open();
    co_await until([&] { return seen.ended(); });
  });
}

TEST_CASE_FIXTURE(Desk, "a worker that speaks without end leaves the window time to tick") {
  std::atomic<bool> enough = false;
  const auto chatters = [&](int number, Progress& progress) {
    for (int i = 0; !enough; ++i) progress(i % 100, 100);
    return number;
  };
  Window window(reactor, pool, chatters, {1, 2});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.total.value() == 99; });
    const QString label = seen.ticks();
    co_await until([&] { return seen.ticks() != label; });
    enough = true;
    co_await until([&] { return seen.ended(); });
    CHECK(seen.texts() == QStringList{"1: done 1", "2: done 2"});
  });
  enough = true;
}

TEST_CASE_FIXTURE(Desk,
                  "a click on a row that has failed shows its error in full, with its trace") {
  Window window(reactor, pool, less_66_or_throw, {66, -1, -2});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.total.value() == 100; });
    CHECK(seen.error().isEmpty());

    seen.click_on(1);

    CHECK(seen.error().startsWith("std::domain_error: no worker for -1\n"));
    CHECK(seen.error().count("awaited at async_tasks.cpp:") == 3);
    CHECK(seen.error().contains("AsyncTasks::call_worker"));
    CHECK(seen.error().contains("AsyncTasks::show_row"));
    seen.click_on(2, Rows::progress);
    CHECK(seen.error().startsWith("std::domain_error: no worker for -2\n"));
    seen.click_on(0);
    CHECK(seen.error().isEmpty());
  });
}

TEST_CASE_FIXTURE(Desk,
                  "a row that is selected when it fails shows that at once, till it is well") {
  std::atomic<int> calls = 0;
  const auto fails_once = [&](int number, Progress&) {
    gate.wait();
    if (++calls == 1) throw std::domain_error("no worker for " + std::to_string(number));
    return number;
  };
  Window window(reactor, pool, fails_once, {5});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    seen.click_on(0);
    co_await until([&] { return pool.running() == 1; });
    CHECK(seen.error().isEmpty());
    gate.open();
    co_await until([&] { return seen.ended(); });
    CHECK(seen.error().startsWith("std::domain_error: no worker for 5\n"));

    click(seen.start);
    co_await until([&] { return calls == 2 && seen.ended(); });
    CHECK(seen.error().isEmpty());
  });
}

TEST_CASE_FIXTURE(Desk,
                  "while the work goes on there is nothing to start, and a click on it is none") {
  std::atomic<int> calls = 0;
  const auto counts = [&](int number, Progress&) {
    ++calls;
    gate.wait();
    return number;
  };
  Window window(reactor, pool, counts, {1});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    CHECK(seen.start.isEnabled());
    CHECK_FALSE(seen.cancel.isEnabled());
    CHECK(seen.rows.button(0).isHidden());
    click(seen.start);
    click(seen.start);
    co_await until([&] { return pool.running() == 1; });
    CHECK_FALSE(seen.start.isEnabled());
    CHECK(seen.cancel.isEnabled());
    CHECK(seen.rows.button(0).isVisible());
    click(seen.start);

    gate.open();
    co_await until([&] { return seen.ended(); });
    CHECK(calls == 1);
    CHECK_FALSE(seen.cancel.isEnabled());
    CHECK(seen.rows.button(0).isHidden());

    click(seen.start);
    co_await until([&] { return calls == 2 && seen.ended(); });
    CHECK(seen.texts() == QStringList{"1: done 1"});
  });
}

TEST_CASE_FIXTURE(Desk, "a slot that is a coroutine goes on in the GUI's thread with the result") {
  QPushButton button("Ask");
  const std::thread::id gui = std::this_thread::get_id();
  std::thread::id worker, after;
  const auto slot = [&]() -> Task<> {
    worker = co_await in_thread(pool, [] { return std::this_thread::get_id(); });
    after = std::this_thread::get_id();
  };
  QObject::connect(&button, &QPushButton::clicked, &button, [&] { spawn(reactor, slot); });

  use([&]() -> Task<> {
    click(button);
    CHECK(worker == std::thread::id());
    co_await until([&] { return after != std::thread::id(); });
  });

  CHECK(worker != gui);
  CHECK(after == gui);
}

}  // namespace
