// SPDX-License-Identifier: MIT
//
// The window, with a coroutine as its user: it clicks, waits in the same event loop for what it
// wants to see, and looks. No display is needed. Pictures are left in the working directory.
#include "samples/qt_async_task/window.hpp"

#include <doctest/doctest.h>

#include <QApplication>
#include <QImage>
#include <QListWidget>
#include <QProgressBar>
#include <QPushButton>
#include <QTest>
#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/threads/thread_pool.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "reactors/qt.hpp"
#include "tests/support/unhandled.hpp"

using namespace async_tasks;
using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::Unhandled;

namespace {

constexpr auto patience = 30s;  // of the user; a test that works needs a second

/// Keeps those who ask waiting until it is opened; from any thread. It loses patience when the GUI
/// is blocked, for then nobody opens it.
class Gate {
 public:
  void open() { opened_.set_value(); }
  void wait() const {
    const auto state = open_.wait_for(patience);
    if (state != std::future_status::ready) throw std::runtime_error("nobody opened the gate");
  }

 private:
  std::promise<void> opened_;
  std::shared_future<void> open_ = opened_.get_future().share();
};

/// A window as its user sees it.
class Seen {
 public:
  explicit Seen(Window& w)
      : start(find<QPushButton>(w, "start")),
        cancel(find<QPushButton>(w, "cancel")),
        progress(find<QProgressBar>(w, "progress")),
        window_(w),
        ticks_(find<QLabel>(w, "ticks")),
        results_(find<QListWidget>(w, "results")) {}
  QString ticks() const { return ticks_.text(); }
  QStringList results() const {
    QStringList lines;
    for (int i = 0; i < results_.count(); ++i) lines << results_.item(i)->text();
    return lines;
  }
  QString tool_tip_of_result(int row) const { return results_.item(row)->toolTip(); }
  QImage picture() const { return window_.grab().toImage(); }
  QImage picture(const char* file) const {
    const QImage image = picture();
    CHECK(image.save(file));
    return image;
  }

  QPushButton& start;
  QPushButton& cancel;
  const QProgressBar& progress;

 private:
  template <class W>
  static W& find(Window& window, const char* name) {
    W* const found = window.findChild<W*>(name);
    REQUIRE(found);
    return *found;
  }
  Window& window_;
  const QLabel& ticks_;
  const QListWidget& results_;
};

void click(QPushButton& button) { QTest::mouseClick(&button, Qt::LeftButton); }

/// Waits until something is so.
template <class F>
Task<> until(F so) {
  while (!so()) co_await Pause{1ms};
}

/// An application on no display, and what main() makes.
struct Desk {
  /// Runs the application until the user is done.
  template <class F>
  void use(F user) {
    const auto in_time = [&]() -> Task<> { co_await with_timeout(patience, user()); };
    spawn(reactor, in_time)
        .add_both([](Outcome<void> outcome) {
          if (!outcome.has_value()) FAIL_CHECK(outcome.failure().report());
          QCoreApplication::exit(outcome.has_value() ? 0 : 1);
        })
        .detach();
    QApplication::setQuitOnLastWindowClosed(false);
    CHECK(exec() == 0);
  }
  int exec() {
    const DelayedCall watchdog =
        reactor.call_later(2 * patience, [] { QCoreApplication::exit(2); });
    return QApplication::exec();
  }

  Unhandled unhandled;
  char name[7] = "window";
  char* argv[2] = {name, nullptr};
  int argc = 1;
  QApplication application{argc, argv};
  Gate gate;  // outlives the workers that wait at it
  ThreadPool pool{2};
  Reactor reactor{reactors::qt()};
};

int less_66(int number) {
  if (number < 0) throw std::domain_error("no worker for " + std::to_string(number));
  return number - 66;
}

TEST_CASE_FIXTURE(Desk, "a click shows what workers return and throw, and the window changes") {
  Window window(reactor, pool, less_66, {66, 67, -1, 69});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    co_await until([&] { return !seen.ticks().isEmpty(); });
    const QImage before = seen.picture("before_the_click.png");
    CHECK(seen.results().isEmpty());

    click(seen.start);
    co_await until([&] { return seen.progress.value() == 4; });

    const QImage after = seen.picture("after_the_work.png");
    CHECK(after.size() == before.size());
    CHECK(after != before);
    CHECK(seen.results() ==
          QStringList{"worker(66) returned: 0", "worker(67) returned: 1",
                      "worker(-1) failed with std::domain_error: no worker for -1",
                      "worker(69) returned: 3"});
    CHECK(seen.tool_tip_of_result(2).contains("handle_click"));
    CHECK(seen.progress.value() == seen.progress.maximum());
  });
}

TEST_CASE_FIXTURE(Desk, "the label ticks while a worker blocks its thread") {
  const auto blocks = [&](int number) {
    gate.wait();
    return number;
  };
  Window window(reactor, pool, blocks, {1, 2});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });
    QImage last = seen.picture("while_workers_block.png");
    for (int ticks = 0; ticks < 3; ++ticks) {
      const QString label = seen.ticks();
      co_await until([&] { return seen.ticks() != label; });
      const QImage now = seen.picture();
      CHECK(now != last);
      last = now;
    }
    CHECK(pool.running() == 2);
    CHECK(seen.results().isEmpty());

    gate.open();  // had the GUI been blocked, nobody would come here
    co_await until([&] { return seen.results().size() == 2; });
  });
}

TEST_CASE_FIXTURE(Desk, "the list is drawn anew with each result, while others are awaited") {
  const auto second_blocks = [&](int number) {
    if (number == 2) gate.wait();
    return number;
  };
  Window window(reactor, pool, second_blocks, {1, 2});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return seen.results().size() == 1; });
    CHECK(seen.progress.value() == 1);
    CHECK(seen.progress.maximum() == 2);
    gate.open();
    co_await until([&] { return seen.results().size() == 2; });
  });
}

TEST_CASE_FIXTURE(Desk,
                  "while the work goes on there is nothing to start, and a click on it is none") {
  std::atomic<int> calls = 0;
  const auto blocks = [&](int number) {
    ++calls;
    gate.wait();
    return number;
  };
  Window window(reactor, pool, blocks, {1});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    CHECK(seen.start.isEnabled());
    CHECK_FALSE(seen.cancel.isEnabled());
    click(seen.start);
    click(seen.start);
    co_await until([&] { return pool.running() == 1; });
    CHECK_FALSE(seen.start.isEnabled());
    CHECK(seen.cancel.isEnabled());
    click(seen.start);

    gate.open();
    co_await until([&] { return seen.start.isEnabled(); });
    CHECK(seen.results() == QStringList{"worker(1) returned: 1"});

    CHECK(calls == 1);

    click(seen.start);
    co_await until([&] { return calls == 2 && seen.start.isEnabled(); });
    CHECK(seen.results() == QStringList{"worker(1) returned: 1"});
  });
}

TEST_CASE_FIXTURE(Desk, "a click on Cancel takes back what waits, and waits for what runs") {
  const auto blocks = [&](int number) {
    gate.wait();
    return number;
  };
  Window window(reactor, pool, blocks, {1, 2, 3});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    co_await until([&] { return pool.running() == 2; });

    click(seen.cancel);
    co_await until([&] { return pool.queued() == 0; });
    CHECK(seen.results().isEmpty());
    gate.open();
    co_await until([&] { return seen.start.isEnabled(); });

    CHECK(seen.results() ==
          QStringList{"worker(1) returned: 1", "worker(2) returned: 2", "worker(3) was cancelled"});
  });
}

TEST_CASE_FIXTURE(Desk, "closed while workers run, the window goes when the last has ended") {
  const auto blocks = [&](int number) {
    gate.wait();
    return number;
  };
  Window window(reactor, pool, blocks, {1, 2, 3});
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
  Window window(reactor, pool, less_66, {66, 67});
  window.show();

  use([&]() -> Task<> {
    const Seen seen(window);
    click(seen.start);
    window.close();
    CHECK(window.isVisible());
    co_await until([&] { return !window.isVisible(); });
    CHECK(seen.results().last() == "worker(67) was cancelled");
  });
}

TEST_CASE_FIXTURE(Desk, "with abandoned workers a closed window goes while they run") {
  const auto blocks = [&](int number) {
    gate.wait();
    return number;
  };
  Window window(reactor, pool, blocks, {1, 2, 3}, Running::abandoned);
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
  const auto blocks = [&](int number) {
    gate.wait();
    return number;
  };
  {
    Window window(reactor, pool, blocks, {1, 2, 3});
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
  Window window(reactor, pool, less_66, {66});
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
