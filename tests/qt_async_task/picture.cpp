// SPDX-License-Identifier: MIT
//
// The window as README shows it: taken here, with each thing in it that it can show. SAMPLE is the
// sample's folder; the environment's PICTURE says where to leave the picture, and the error in it.
#include <doctest/doctest.h>

#include <QFile>
#include <QImage>
#include <stdexcept>
#include <string>

#include "samples/qt_async_task/window.hpp"
#include "tests/qt_async_task/desk.hpp"

using namespace async_tasks;
using namespace deferred;

namespace {

/// A window with a row in each state, which is stopped there.
struct Posed : Desk {
  int stops_halfway(int number, Progress& progress) const {
    if (number < 0) throw std::invalid_argument(std::to_string(number) + " is below zero");
    if (number == 66) return 18;
    progress(number == 8'000'000 ? 62 : 17, 100);
    gate.wait();
    return number;
  }

  template <class F>
  void pose(F look) {
    Window window(reactor, pool,
                  [this](int n, Progress& progress) { return stops_halfway(n, progress); },
                  {66, -1, 8'000'000, -66, 5'000'000, 3'000'000, 1'000'000});
    window.show();
    use([&]() -> Task<> {
      const Seen seen(window);
      click(seen.start);
      co_await until([&] { return seen.rows.bar(2).value() == 62; });
      co_await until([&] { return seen.rows.bar(4).value() == 17; });
      click(seen.rows.button(5));
      co_await until([&] { return seen.state(5) == "cancelled"; });
      co_await until([&] { return seen.ticks().contains("3"); });
      seen.click_on(1);

      CHECK(seen.texts() == QStringList{"66: done 18", "-1: failed -1 is below zero",
                                        "8,000,000: running", "-66: failed -66 is below zero",
                                        "5,000,000: running", "3,000,000: cancelled",
                                        "1,000,000: waiting"});
      look(seen);
      gate.open();
      co_await until([&] { return seen.ended(); });
    });
  }
};

TEST_CASE_FIXTURE(Posed, "the picture shows a row in each state, and an error in full") {
  pose([](const Seen& seen) {
    CHECK(seen.error().contains("awaited at"));
    const QString name = qEnvironmentVariable("PICTURE", "window");
    CHECK(seen.picture().save(name + ".png"));
    QFile error(name + ".txt");
    REQUIRE(error.open(QIODevice::WriteOnly));
    error.write((seen.error() + "\n").toUtf8());
  });
}

QByteArray read(const char* name) {
  QFile file(QString(SAMPLE) + "/" + name);
  REQUIRE(file.open(QIODevice::ReadOnly));
  return file.readAll();
}

TEST_CASE_FIXTURE(Posed, "README shows the window as it is: its size, and the error in it") {
  CHECK(read("README.md").contains("](window.png)"));

  const QImage shown = QImage::fromData(read("window.png"), "PNG");

  REQUIRE_FALSE(shown.isNull());
  pose([&](const Seen& seen) {
    CHECK(shown.size() == seen.picture().size());
    CHECK(read("window.txt") == seen.error() + "\n");
  });
}

}  // namespace
