// SPDX-License-Identifier: MIT
//
// Composed programs of channels, locks and so many at once.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

// Two stages and a sink, each of which closes what it sends to when it has ended.
Task<> pipeline(CutRun& run) {
  struct Pipe {
    Channel<std::unique_ptr<int>> numbers{1};
    Channel<std::string> texts{0};
    int got = 0;
  };
  auto& pipe = run.keep<Pipe>();
  run.may_fail_with<ChannelClosedError>();
  run.at_end([&] { must(run.cut() || pipe.got == 5, "an item is lost in the pipe"); });
  const auto stages = [&run, &pipe](Nursery& nursery) -> Task<> {
    nursery.spawn([&run, &pipe]() -> Task<> {
      const DestroyedOnce counted(run);
      for (int i = 0; i < 5; ++i) co_await pipe.numbers.send(std::make_unique<int>(i));
      pipe.numbers.close();
    });
    nursery.spawn([&run, &pipe]() -> Task<> {
      const DestroyedOnce counted(run);
      for (auto number = co_await pipe.numbers.receive(); number;
           number = co_await pipe.numbers.receive()) {
        co_await some_time();
        co_await pipe.texts.send(std::to_string(**number));
      }
      pipe.texts.close();
    });
    for (auto text = co_await pipe.texts.receive(); text; text = co_await pipe.texts.receive()) {
      must(*text == std::to_string(pipe.got), "items come in another order");
      ++pipe.got;
    }
  };
  co_await with_nursery(stages);
}

// Who is too late takes nothing, and leaves the line.
Task<> receive_with_limit(CutRun& run) {
  struct Line {
    Channel<int> channel{2};
    DelayedCall put;
    int got = 0;
    bool sent = false;
  };
  auto& line = run.keep<Line>();
  run.may_fail_with<TimeoutError>();
  line.put = run.reactor().call_later(2ms, [&] { line.sent = line.channel.try_send(7); });
  run.at_end([&] {
    const int there = line.got + static_cast<int>(line.channel.size());
    must(there == (line.sent ? 1 : 0) || run.cut(Cut::close), "an item is lost");
  });
  const auto late = co_await as_outcome(with_timeout(1ms, line.channel.receive()));
  must(run.cut() || late.check<TimeoutError>() != nullptr, "a limit is not kept");
  const std::optional<int> item = co_await with_timeout(1h, line.channel.receive());
  must(item == 7, "another item");
  ++line.got;
}

Task<> two_with_lock(CutRun& run) {
  struct Room {
    Lock lock;
    int inside = 0;
  };
  auto& room = run.keep<Room>();
  run.at_end([&] { must(!room.lock.locked(), "nobody is inside, and it is locked"); });
  const auto visit = [&run, &room]() -> Task<> {
    const DestroyedOnce counted(run);
    struct Inside {
      explicit Inside(int& of) : count(of) { ++count; }
      Inside(const Inside&) = delete;
      Inside& operator=(const Inside&) = delete;
      ~Inside() { --count; }
      int& count;
    } const inside(room.inside);
    must(room.inside == 1, "two are inside");
    co_await some_time();
  };
  const auto visits = [&room, &visit](Nursery& nursery) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      nursery.spawn([&room, &visit]() -> Task<> { co_await with_lock(room.lock, visit); });
    }
    co_await with_lock(room.lock, visit);
  };
  co_await with_nursery(visits);
  must(!room.lock.locked(), "a nursery has ended, and its lock is held");
}

Task<> some_at_once(CutRun& run) {
  struct Counts {
    int begun = 0, running = 0, ended = 0;
  };
  auto& counts = run.keep<Counts>();
  run.at_end([&] {
    must(counts.running == 0, "work is left");
    must(run.cut() || counts.ended == 5, "an item is left out");
  });
  std::vector<int> items = {0, 1, 2, 3, 4};
  const auto work = [&run, &counts](int item) -> Task<> {
    const DestroyedOnce counted(run);
    must(item == counts.begun++, "items are begun in another order");
    struct Runs {
      explicit Runs(int& of) : count(of) { ++count; }
      Runs(const Runs&) = delete;
      Runs& operator=(const Runs&) = delete;
      ~Runs() { --count; }
      int& count;
    } const runs(counts.running);
    must(counts.running <= 2, "more run at once than should");
    co_await Pause{item == 0 ? 3ms : 1ms};
    ++counts.ended;
  };
  co_await for_each_at_most(2, items, work);
  must(counts.running == 0, "it ends before its work");
  co_await some_time();
}

Task<> event_for_children(CutRun& run) {
  auto& event = run.keep<Event>();
  auto& woken = run.keep<int>(0);
  const auto family = [&event, &woken](Nursery& nursery) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      nursery.spawn([&event, &woken]() -> Task<> {
        co_await event;
        ++woken;
      });
    }
    co_await some_time();
    event.set();
  };
  co_await with_nursery(family);
  must(woken == 3 || run.cut(), "somebody is not woken");
}

}  // namespace

Programs channel_programs() {
  return {
      {"a pipeline of channels", pipeline},          {"a receive with a limit", receive_with_limit},
      {"a lock for two children", two_with_lock},    {"for_each_at_most", some_at_once},
      {"an Event for children", event_for_children},
  };
}

}  // namespace deferred::testing
