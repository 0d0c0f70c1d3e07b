// SPDX-License-Identifier: MIT
//
// explore_cancel finds what it says it finds, and cuts where it says it cuts.
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/deferred.hpp"
#include "deferred/testing/explore_cancel.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

/// Some fault of a program has that text.
bool finds(const std::string& text, const std::function<Task<>(CutRun&)>& program) {
  ExploreCancelOptions options;
  options.most_runs = 500;  // a program that does not end takes its time
  const auto report = explore_cancel(program, options);
  const bool found =
      std::any_of(report.faults.begin(), report.faults.end(),
                  [&](const std::string& fault) { return fault.find(text) != std::string::npos; });
  if (!found) MESSAGE(report.summary());
  return found;
}

}  // namespace

TEST_CASE("a program is cut at each place in each way, and again at each later one") {
  const auto report = explore_cancel([](CutRun&) -> Task<> {
    co_await Pause{};
    co_await Pause{1ms};
  });

  CHECK(report.faults.empty());
  CHECK(report.places == 3);  // before its first turn, and at two awaits
  // Once: 3 places in 5 ways. Twice: at each place that is left.
  CHECK(report.runs > 1 + 3 * 5);
  CHECK(report.left_out == 0);
}

TEST_CASE("a place is wherever a task waits, also within a turn") {
  // Two tasks that hand a value to and fro need no turn for it, but a round each.
  const auto report = explore_cancel([](CutRun& run) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto [promise, deferred] = make_deferred<void>();
      const auto answers = [](Promise<void> asked) -> Task<> {
        asked.callback();
        co_return;
      };
      spawn(run.reactor(), answers, std::move(promise));
      co_await std::move(deferred);
    }
  });

  CHECK(report.faults.empty());
  CHECK(report.places >= 6);
}

TEST_CASE("a limit may come wherever the program waits, and is a cut from then on") {
  CHECK(finds("timeout at 2: it ends with std::logic_error: too late", [](CutRun& run) -> Task<> {
    co_await Pause{};
    const bool cut_before = run.cut();
    try {
      co_await Pause{1ms};
    } catch (...) {
    }
    if (run.cut(Cut::timeout) && !cut_before) throw std::logic_error("too late");
  }));
}

TEST_CASE("a limit may be the second cut") {
  CHECK(finds("throw_ at 1, timeout at 2: it ends with std::logic_error: too late",
              [](CutRun& run) -> Task<> {
                bool thrown = false;
                try {
                  co_await Pause{1ms};
                } catch (const CutError&) {
                  thrown = true;
                }
                if (!thrown) co_return;
                const Outcome<void> again = co_await as_outcome(Pause{1ms});
                if (again.has_value()) co_return;
                if (run.cut(Cut::timeout)) throw std::logic_error("too late");
              }));
}

TEST_CASE("only one run is made if one is named") {
  std::set<std::string> cut;
  ExploreCancelOptions options;
  options.only = "cancel at 1, close at 2";
  const auto report = explore_cancel(
      [&](CutRun& run) -> Task<> {
        run.at_end([&] {
          if (run.cut(Cut::cancel) && run.cut(Cut::close)) cut.insert("both");
          if (run.cut(Cut::throw_)) cut.insert("throw_");
        });
        try {
          co_await Pause{1ms};
        } catch (const Cancelled&) {
        }
        const Outcome<void> ended = co_await as_outcome(Pause{1ms});
        static_cast<void>(ended.has_value());
      },
      options);

  CHECK(report.faults.empty());
  CHECK(cut == std::set<std::string>{"both"});
  CHECK(report.runs == 3);  // those that lead to it as well
}

TEST_CASE("runs that are too many are left out, evenly, and that is said") {
  ExploreCancelOptions options;
  options.most_runs = 10;
  const auto report = explore_cancel(
      [](CutRun&) -> Task<> {
        for (int i = 0; i < 5; ++i) co_await Pause{};
      },
      options);

  CHECK(report.left_out > 0);
  CHECK(report.summary().find("runs left out") != std::string::npos);
}

TEST_CASE("a program that does not end is found, with what it waits on") {
  CHECK(finds(
      "it waits for ever, as task #1 waiting on deferred::Deferred<void>",
      [](CutRun& run) -> Task<> {
        auto& promise = run.keep<Promise<void>>();
        auto [made, deferred] = make_deferred<void>([] { return Cancelling::answer_follows; });
        promise = std::move(made);
        const DelayedCall later = run.reactor().call_later(1ms, [&] { promise.callback(); });
        try {
          co_await std::move(deferred);
        } catch (const Cancelled&) {
        }
        if (run.cut(Cut::cancel_once)) {
          auto [never, wait] = make_deferred<void>([] { return Cancelling::answer_follows; });
          promise = std::move(never);
          co_await std::move(wait);
        }
      }));
  CHECK(finds("it does not end", [](CutRun& run) -> Task<> {
    while (true) {
      const Outcome<void> paused = co_await as_outcome(Pause{});
      if (!run.cut() && paused.has_value()) break;
    }
  }));
}

TEST_CASE("a way to cut a program off after which it does not end is not tried twice") {
  ExploreCancelOptions options;
  options.most_turns = 10;
  const auto report = explore_cancel(
      [](CutRun&) -> Task<> {
        bool paused = false;
        while (!paused) {
          const Outcome<void> outcome = co_await as_outcome(Pause{});
          paused = outcome.has_value();
        }
      },
      options);
  CHECK(report.faults.size() == 4);  // 2 places, by cancel and timeout, once
  for (const std::string& fault : report.faults) {
    CHECK_MESSAGE(fault.find(": it does not end: ") != std::string::npos, fault);
  }
}

TEST_CASE("what is left behind is found") {
  CHECK(finds("cancel at 1: it leaves behind task", [](CutRun& run) -> Task<> {
    auto& promise = run.keep<Promise<void>>();
    auto [made, deferred] = make_deferred<void>();
    promise = std::move(made);
    const auto waits = [](Deferred<void> done) -> Task<> { co_await std::move(done); };
    spawn(run.reactor(), waits, std::move(deferred)).detach();
    co_await Pause{1ms};
    promise.callback();
  }));
  CHECK(finds("it leaves behind a watched descriptor", [](CutRun& run) -> Task<> {
    static std::optional<Watch> watch;  // of what is never ready
    static const int fd = ::eventfd(0, EFD_CLOEXEC);
    watch = run.reactor().watch(fd, Ready::read, [] {});
    co_await Pause{1ms};
    watch.reset();
  }));
  CHECK(finds("it leaves open descriptor", [](CutRun&) -> Task<> {
    const int fd = ::dup(0);
    co_await Pause{1ms};
    ::close(fd);
  }));
}

TEST_CASE("what is left as soon as the program has ended is found, if it is asked for") {
  ExploreCancelOptions options;
  options.at_once = true;
  const auto leaves = [](CutRun& run) -> Task<> {
    run.keep<DelayedCall>(run.reactor().call_later(1s, [] {}));  // what it keeps it takes along
    run.reactor().call_later(1s, [] {}).detach();
    co_await Pause{1ms};
  };

  CHECK(explore_cancel(leaves).faults.empty());
  const auto report = explore_cancel(leaves, options);
  CHECK(report.faults.front() == "not cut: it leaves behind a timer");
  const auto spawns = explore_cancel(
      [](CutRun& run) -> Task<> {
        spawn(run.reactor(), Pause{1s}).detach();
        co_return;
      },
      options);
  CHECK(spawns.faults.front().starts_with("not cut: it leaves behind task #2"));
}

TEST_CASE("a peer may have its hand in at each place") {
  ExploreCancelOptions options;
  options.cuts = {};
  std::vector<std::size_t> places;
  const auto report = explore_cancel(
      [&](CutRun& run) -> Task<> {
        run.at_each_place([&](std::size_t place) {
          places.push_back(place);
          must(place != 2, "too far");
        });
        for (int i = 0; i < 3; ++i) co_await Pause{};
      },
      options);

  CHECK(places == std::vector<std::size_t>{1, 2, 3, 4});
  CHECK(report.faults == std::vector<std::string>{"not cut: too far"});
}

struct Room {
  alignas(DestroyedOnce) std::array<unsigned char, sizeof(DestroyedOnce)> bytes{};
};

TEST_CASE("an object that is not destroyed, or twice, is found") {
  CHECK(finds("it leaves 1 DestroyedOnce alive", [](CutRun& run) -> Task<> {
    auto* const counted = ::new (run.keep<Room>().bytes.data()) DestroyedOnce(run);
    co_await Pause{1ms};
    counted->~DestroyedOnce();
  }));
  CHECK(finds("a DestroyedOnce is destroyed twice", [](CutRun& run) -> Task<> {
    auto* const counted = ::new (run.keep<Room>().bytes.data()) DestroyedOnce(run);
    try {
      co_await Pause{1ms};
    } catch (...) {
      counted->~DestroyedOnce();
    }
    counted->~DestroyedOnce();
  }));
}

TEST_CASE("an object that is copied after its end is found") {
  const auto copies = [](auto copy) {
    return finds("a DestroyedOnce is copied after its end", [copy](CutRun& run) -> Task<> {
      auto* const counted = ::new (run.keep<Room>().bytes.data()) DestroyedOnce(run);
      counted->~DestroyedOnce();
      copy(run, *counted);
      co_return;
    });
  };

  CHECK(copies([](CutRun&, const DestroyedOnce& ended) { const DestroyedOnce made(ended); }));
  CHECK(copies([](CutRun& run, const DestroyedOnce& ended) {
    DestroyedOnce other(run);
    other = ended;
  }));
}

TEST_CASE("an end that answers no cut is found") {
  CHECK(finds("it ends with std::logic_error: lost", [](CutRun& run) -> Task<> {
    try {
      co_await Pause{1ms};
    } catch (...) {
    }
    if (run.cut(Cut::cancel)) throw std::logic_error("lost");
  }));
  CHECK(finds("throw_ at 1: it ends with deferred::Cancelled", [](CutRun&) -> Task<> {
    bool thrown = false;
    try {
      co_await Pause{1ms};
    } catch (const CutError&) {
      thrown = true;
    }
    if (thrown) throw Cancelled();
  }));
  CHECK(finds("it leaves unhandled std::runtime_error: nobody's", [](CutRun& run) -> Task<> {
    auto [promise, deferred] = make_deferred<void>();
    const DelayedCall fails =
        run.reactor().call_later(1ms, [&] { promise.errback(std::runtime_error("nobody's")); });
    std::move(deferred).detach();
    co_await Pause{2ms};
  }));
  CHECK(finds("throws: in a callback", [](CutRun& run) -> Task<> {
    run.reactor().post([] { throw std::runtime_error("in a callback"); });
    co_await Pause{1ms};
  }));
}

TEST_CASE("what a check or a program throws before it is a coroutine is found, whatever it is") {
  CHECK(finds("not cut: a check throws int", [](CutRun& run) -> Task<> {
    run.at_end([] { throw 5; });
    co_await Pause{};
  }));
  CHECK(finds("not cut: it ends with std::logic_error: no coroutine",
              [](CutRun&) -> Task<> { throw std::logic_error("no coroutine"); }));
}

TEST_CASE("an error that the program announces is none") {
  struct Mine {};
  const auto report = explore_cancel([](CutRun& run) -> Task<> {
    run.may_fail_with<Mine>();
    co_await Pause{1ms};
    throw Mine();
  });

  CHECK(report.faults.empty());
}

TEST_CASE("a check at the end is asked with what was kept, however the program was cut") {
  int asked = 0;
  const auto report = explore_cancel([&](CutRun& run) -> Task<> {
    const int& kept = run.keep<int>(7);
    run.at_end([&] {
      ++asked;
      must(kept == 7, "what was kept is gone");
      must(!run.cut(Cut::close), "it was closed");
    });
    co_await Pause{1ms};
  });

  CHECK(report.faults.size() > 0);
  for (const std::string& fault : report.faults) {
    CHECK_MESSAGE(fault.find(": it was closed") != std::string::npos, fault);
  }
  CHECK(asked > 10);
}
