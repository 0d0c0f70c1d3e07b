// SPDX-License-Identifier: MIT
//
// Composed programs of waits: yieldables of one's own, decorators, the registry, Waiters that are
// kept, and the queue and the lock that one writes by hand.
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "tests/explore_cancel/programs.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// Answered later; counts the waits that have not been undone.
class Bell {
 public:
  struct State {
    Waiter<int> waiter;
    DelayedCall rings;
    int undos = 0, waits = 0;
  };
  explicit Bell(State& state) : state_(&state) {}
  class Undo {
   public:
    explicit Undo(State& state) : state_(&state) { ++state.waits; }
    Undo(Undo&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
    Undo& operator=(Undo&&) = delete;
    ~Undo() {
      if (!state_) return;
      ++state_->undos;
      state_->waiter = {};
    }

   private:
    State* state_;
  };
  Undo yield_to(Waiter<int> waiter) const {
    State& state = *state_;
    state.rings = waiter.reactor().call_later(1ms, [&state] {
      if (state.waiter.pending()) state.waiter.resume(7);
    });
    state.waiter = std::move(waiter);
    return Undo(state);
  }

 private:
  State* state_;
};
Bell::State& bell_of(CutRun& run) {
  auto& state = run.keep<Bell::State>();
  run.at_end([&] { must(state.waits == state.undos, "a wait is not undone"); });
  return state;
}

Task<> own_yieldable(CutRun& run) {
  const Bell bell(bell_of(run));
  must(co_await bell == 7, "a yieldable gives another value");
  must(co_await bell == 7, "a yieldable gives another value");
}
Task<> decorated(CutRun& run) {
  const Bell bell(bell_of(run));
  must(co_await with_timeout(1h, bell) == 7, "a decorator gives another value");
  const Outcome<int> outcome = co_await as_outcome(with_timeout(1h, bell));
  must(run.cut() || outcome.has_value(), "decorators give an error");
  co_await some_time();
}
Task<> registered(CutRun& run) {
  auto& state = bell_of(run);
  const Registration rings =
      run.reactor().registry().when_type<std::string>([&state](std::string&, Waiter<int> waiter) {
        return Bell(state).yield_to(std::move(waiter));
      });
  Value got = co_await Value(std::string("ring"));
  must(got.as<int>() == 7, "the registry gives another value");
  co_await some_time();
}
Task<> overridden(CutRun& run) {
  int calls = 0;
  const Registration counts =
      run.reactor().registry().when_type<Pause>([&calls](const Pause& pause, Waiter<void> waiter) {
        ++calls;
        return schedule(std::move(waiter), pause.delay);
      });
  co_await Pause{1ms};
  co_await Pause{};
  co_await Pause{1ms};
  must(calls == 3, "an override is passed by");
}

/// As one writes it by hand: a queue of items, and of those who wait for one.
struct Queue {
  std::deque<int> items;
  std::deque<Waiter<int>> waiting;

  void put(int item) {
    while (!waiting.empty()) {
      const Waiter<int> first = std::move(waiting.front());
      waiting.pop_front();
      if (first.resume(item)) return;
    }
    items.push_back(item);
  }
  void yield_to(Waiter<int> waiter) & {
    if (items.empty()) {
      waiting.push_back(std::move(waiter));
      return;
    }
    waiter.resume(items.front());
    items.pop_front();
  }
};
Task<> consumer(CutRun& run) {
  struct Line {
    Queue queue;
    std::vector<DelayedCall> puts;
    int got = 0, put = 0;
  };
  auto& line = run.keep<Line>();
  for (int i = 1; i <= 3; ++i) {
    line.puts.push_back(run.reactor().call_later(i * 1ms, [&line] {
      ++line.put;
      line.queue.put(1);
    }));
  }
  // An item that was given to a receiver who is closed before it goes on is lost with it.
  run.at_end([&] {
    const int there = line.got + static_cast<int>(line.queue.items.size());
    must(there == line.put || (run.cut(Cut::close) && there == line.put - 1), "an item is lost");
    line.queue.waiting.clear();
  });
  for (int i = 0; i < 3; ++i) {
    const int item = co_await line.queue;
    line.got += item;
  }
}

/// A lock by hand: who leaves hands it on.
struct Door {
  bool locked = false;
  std::deque<Waiter<void>> waiting;

  void yield_to(Waiter<void> waiter) & {
    if (!std::exchange(locked, true)) {
      waiter.resume();
    } else {
      waiting.push_back(std::move(waiter));
    }
  }
  void leave() {
    while (!waiting.empty()) {
      const Waiter<void> next = std::move(waiting.front());
      waiting.pop_front();
      if (next.resume()) return;
    }
    locked = false;
  }
};
class Inside {
 public:
  explicit Inside(Door& door) : door_(door) {}
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { door_.leave(); }

 private:
  Door& door_;
};
Task<> visits(CutRun& run, Door& door) {
  const DestroyedOnce counted(run);
  co_await door;
  const Inside inside(door);
  co_await some_time();
}
Task<> door(CutRun& run) {
  auto& lock = run.keep<Door>();
  run.at_end(
      [&] { must(!lock.locked || run.cut(Cut::close), "nobody is inside, and it is locked"); });
  Spawned<void> other = spawn(visits(run, lock));
  co_await visits(run, lock);
  co_await visits(run, lock);
  co_await std::move(other);
}

Task<> remote(CutRun& run) {
  struct Remote {
    std::optional<RemoteWaiter<int>> waiter;
    DelayedCall answers;
  };
  auto& state = run.keep<Remote>();
  class Wait {
   public:
    explicit Wait(Remote& remote) : remote_(&remote) {}
    void yield_to(Waiter<int> waiter) const {
      Reactor& reactor = waiter.reactor();
      remote_->waiter.emplace(std::move(waiter).remote());
      remote_->answers = reactor.call_later(1ms, [remote = remote_] {
        std::move(*remote->waiter).resume(7);
        remote->waiter.reset();
      });
    }

   private:
    Remote* remote_;
  };
  must(co_await Wait(state) == 7, "a RemoteWaiter gives another value");
  co_await some_time();
}

Task<> two_replies(CutRun& run) {
  struct Asked {
    std::optional<ReplySender<std::string>> first, second;
    DelayedCall answers;
  };
  auto& asked = run.keep<Asked>();
  Reply<std::string> reply;
  asked.first = reply.send();
  asked.second = reply.send();
  asked.answers = run.reactor().call_later(1ms, [&] {
    asked.first.reset();
    (*asked.second)("second");
  });
  must(co_await reply == "second", "a Reply gives another value");
  Reply<std::string> dropped;
  static_cast<void>(dropped.send());
  const Outcome<std::string> outcome = co_await as_outcome(dropped);
  must(!outcome.has_value(), "a Reply that nobody can give gives a value");
}

Task<> work_with_limit(CutRun& run) {
  struct Work {
    ManualPool pool;
    DelayedCall runs;
    int ran = 0;
  };
  auto& work = run.keep<Work>();
  run.may_fail_with<TimeoutError>();
  work.runs = run.reactor().call_later(5ms, [&] { work.pool.run_all(); });
  const Outcome<int> late =
      co_await as_outcome(with_timeout(1ms, in_thread(work.pool, [&work] { return ++work.ran; })));
  must(run.cut() || late.check<TimeoutError>() != nullptr, "a limit is not kept");
  must(co_await in_thread(work.pool, [] { return 3; }) == 3, "a thread gives another value");
}

Task<> immediate_waits(CutRun& run) {
  const DestroyedOnce counted(run);
  for (int i = 0; i < 5; ++i) {
    co_await succeed(1);
    co_await cancel_point;
    static_cast<void>(co_await current_task);
    if (i == 2) co_await Pause{};
  }
}

}  // namespace

Programs wait_programs() {
  return {
      {"a yieldable of one's own", own_yieldable},
      {"decorators around it", decorated},
      {"a type that the registry knows", registered},
      {"an override in the registry", overridden},
      {"a queue by hand", consumer},
      {"a lock by hand", door},
      {"a RemoteWaiter", remote},
      {"a Reply with two senders", two_replies},
      {"work in a thread, with a limit", work_with_limit},
      {"awaits that do not wait", immediate_waits},
  };
}

}  // namespace deferred::testing
