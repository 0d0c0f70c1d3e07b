// SPDX-License-Identifier: MIT
//
// How the work ends before its time in the window: cancelled, one row or all, or closed with it.
#include <doctest/doctest.h>

#include <chrono>

#include "samples/qt_async_task/window.hpp"
#include "tests/qt_async_task/desk.hpp"

using namespace async_tasks;
using namespace deferred;
using namespace std::chrono_literals;

namespace {

TEST_CASE_FIXTURE(Desk, "a click on Cancel takes back what waits, and waits for what runs") {
  Window window(reactor, pool, blocks(), {1, 2, 3});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });

    click(seen.cancel);
    co_await until([&] { return seen.state(2) == "cancelled"; });
    CHECK_FALSE(seen.ended());
    gate.open();
    co_await until([&] { return seen.ended(); });

    CHECK(seen.texts() == QStringList{"1: done 1", "2: done 2", "3: cancelled"});
  });
}

TEST_CASE_FIXTURE(Desk, "after a click on Cancel workers end with the next percent they say") {
  const auto says_half = [&](int number, Progress& progress) {
    gate.wait();
    progress(1, 2);
    return number;
  };
  Window window(reactor, pool, says_half, {1, 2, 3});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });

    click(seen.cancel);
    co_await until([&] { return seen.state(2) == "cancelled"; });
    gate.open();
    co_await until([&] { return seen.ended(); });

    CHECK(seen.texts() == QStringList{"1: cancelled", "2: cancelled", "3: cancelled"});
    CHECK(seen.total.value() == 100);
  });
}

TEST_CASE_FIXTURE(Desk, "a click on a row's own button cancels that row, and no other") {
  const auto says_half = [&](int number, Progress& progress) {
    gate.wait();
    progress(1, 2);
    return number;
  };
  Window window(reactor, pool, says_half, {1, 2, 3, 4});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.state(0) == "running" && seen.state(1) == "running"; });

    click(seen.rows.button(0));
    click(seen.rows.button(2));
    co_await until([&] { return seen.state(2) == "cancelled"; });
    CHECK(seen.rows.button(2).isHidden());
    CHECK(seen.state(0) == "running");
    CHECK(seen.state(3) == "waiting");
    gate.open();
    co_await until([&] { return seen.ended(); });

    CHECK(seen.texts() == QStringList{"1: cancelled", "2: done 2", "3: cancelled", "4: done 4"});
  });
}

TEST_CASE_FIXTURE(Desk, "closed while workers run, the window goes when the last has ended") {
  Window window(reactor, pool, blocks(), {1, 2, 3});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });

    window.close();
    co_await until([&] { return pool.queued() == 0; });
    CHECK(window.isVisible());
    gate.open();
    co_await until([&] { return !window.isVisible(); });
  });
}

TEST_CASE_FIXTURE(Desk,
                  "closed in the turn of the click, the window does not wait for all the work") {
  Window window(reactor, pool, less_66_or_throw, {66, 67});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    window.close();
    CHECK(window.isVisible());
    co_await until([&] { return !window.isVisible(); });
    CHECK(seen.text(1) == "67: cancelled");
  });
}

TEST_CASE_FIXTURE(Desk, "with abandoned workers a closed window goes while they run") {
  Window window(reactor, pool, blocks(), {1, 2, 3}, Running::abandoned);
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });

    window.close();
    co_await until([&] { return !window.isVisible(); });
    CHECK(pool.running() == 2);
  });
  gate.open();
}

TEST_CASE_FIXTURE(Desk, "a second close does not wait, and the window may go before its workers") {
  {
    Window window(reactor, pool, blocks(), {1, 2, 3});
    window.show();

    use([&]() -> Task<> {
      const Seen seen(window);
      click(seen.start);
      co_await until([&] { return pool.running() == 2; });
      window.close();
      CHECK(window.isVisible());
      window.close();
      CHECK_FALSE(window.isVisible());
    });
    CHECK(pool.running() == 2);
  }

  CHECK(reactor.task_count() == 0);
  gate.open();
}

TEST_CASE_FIXTURE(Desk,
                  "the application ends when the window was closed and its workers are done") {
  Window window(reactor, pool, less_66_or_throw, {66});
  window.show();
  const DelayedCall user = reactor.call_later(0s, [&] {
    click(Seen(window).start);
    window.close();
  });
  QApplication::setQuitOnLastWindowClosed(true);

  CHECK(exec() == 0);

  CHECK_FALSE(window.isVisible());
}

}  // namespace
