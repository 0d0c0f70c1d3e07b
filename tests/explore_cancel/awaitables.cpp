// SPDX-License-Identifier: MIT
//
// One program for each type that can be awaited: what is lost when its wait is cut? Behind each
// await stands one that begins after it, so that a cut that comes with the answer is seen as well.
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "deferred/testing/manual_pool.hpp"
#include "tests/explore_cancel/programs.hpp"
#include "tests/explore_cancel/sockets.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

/// What came of an operation that a Deferred stands for.
struct Operation {
  Promise<int> promise;
  DelayedCall answer;
  int cancels = 0;
  bool answered = false;
  bool got = false;
};
Deferred<int> begin_operation(CutRun& run, Operation& operation, int value) {
  auto [promise, deferred] = make_deferred<int>([&operation] {
    ++operation.cancels;
    operation.answer.cancel();
  });
  operation.promise = std::move(promise);
  operation.answer = run.reactor().call_later(1ms, [&operation, value] {
    operation.answered = true;
    operation.promise.callback(value);
  });
  return std::move(deferred);
}

Task<> deferred(CutRun& run) {
  const DestroyedOnce counted(run);
  auto& operation = run.keep<Operation>();
  run.at_end([&] {
    must(operation.cancels <= 1, "the canceller is called more than once");
    must(!run.cut() || operation.got || operation.answered || operation.cancels == 1,
         "nobody hears that the operation is not waited for");
  });
  operation.got = co_await begin_operation(run, operation, 7) == 7;
  co_await some_time();
}

// The other reader is none of the cut one's business.
Task<> shared_deferred(CutRun& run) {
  struct Other {
    std::optional<SharedDeferred<int>> shared;
    int got = 0;
  };
  auto& operation = run.keep<Operation>();
  auto& other = run.keep<Other>();
  run.at_end([&] { must(other.got == 7, "the other reader has lost its value"); });
  SharedDeferred<int> shared = begin_operation(run, operation, 7).share();
  other.shared = shared;
  const auto read = [](Other& reader) -> Task<> { reader.got = co_await *reader.shared; };
  spawn(run.reactor(), read, std::ref(other));
  co_await shared;
  co_await some_time();
}

Task<int> counts(CutRun& run, Duration time, int n) {
  const DestroyedOnce counted(run);
  co_await Pause{time};
  co_return n;
}
Task<int> counts(CutRun& run, int n) { return counts(run, 1ms, n); }
Task<> task(CutRun& run) {
  must(co_await counts(run, 3) == 3, "a subtask gives another value");
  co_await some_time();
}
Task<> spawned(CutRun& run) {
  Spawned<int> child = spawn(counts(run, 3));
  must(co_await std::move(child) == 3, "a child gives another value");
  co_await some_time();
}
Task<> spawned_one(CutRun& run) {
  Spawned<int> child = spawn(counts(run, 3));
  Spawned<int> other = spawn(counts(run, 4));
  co_await some_time();
  static_cast<void>(co_await std::move(child));
  static_cast<void>(co_await std::move(other));
}

Task<> as_outcome_of_task(CutRun& run) {
  Outcome<int> outcome = co_await as_outcome(counts(run, 3));
  must(run.cut() || (outcome.has_value() && *outcome == 3), "as_outcome() gives another value");
  const Outcome<void> paused = co_await as_outcome(Pause{1ms});
  must(run.cut() || paused.has_value(), "as_outcome() gives an error");
  co_await some_time();
}

Task<> with_limit(CutRun& run) {
  run.may_fail_with<TimeoutError>();
  must(co_await with_timeout(1h, counts(run, 3)) == 3, "with_timeout() gives another value");
  co_await with_timeout(1h, Pause{1ms});
  try {
    co_await with_timeout(1ms, counts(run, 3));
  } catch (const TimeoutError&) {
  }
  co_await with_timeout(1ms, Pause{1h});
}

Task<> scopes(CutRun& run) {
  const DestroyedOnce counted(run);
  CancelScope scope;
  const std::optional<int> value = co_await scope.run(counts(run, 3));
  must(run.cut() || value == 3, "a scope gives another value");
  const bool finished = co_await scope.run(Pause{1ms});
  must(run.cut() || finished, "a scope that nobody has cancelled gives nothing");
  scope.cancel();
  const std::optional<int> nothing = co_await scope.run(counts(run, 3));
  must(!nothing, "a cancelled scope gives a value");
}
Task<> moves_on(CutRun& run) {
  must(co_await move_on_after(1h, counts(run, 3)) == 3, "a limit changes the value");
  const bool late = co_await move_on_after(1ms, counts(run, 1h, 3)) == std::nullopt;
  must(late, "a limit is not kept");
  const bool finished = co_await move_on_at(run.reactor().now() + 1ms, Pause{1h});
  must(!finished, "a deadline is not kept");
}

// What is shielded comes to its end, but for a close and what is thrown in.
Task<> shielded(CutRun& run) {
  struct Work {
    bool begun = false, done = false;
  };
  auto& work = run.keep<Work>();
  run.at_end([&] {
    const bool passes = run.cut(Cut::close) || run.cut(Cut::throw_);
    must(!work.begun || work.done || passes, "shielded work is cut");
  });
  const auto body = [](CutRun& of, Work& on) -> Task<> {
    const DestroyedOnce counted(of);
    on.begun = true;
    co_await some_time();
    co_await some_time();
    on.done = true;
  };
  co_await shield(body(run, work));
  co_await some_time();
}

Task<> child(CutRun& run, int& ended) {
  const DestroyedOnce counted(run);
  struct Ends {
    explicit Ends(int& count) : ended(count) {}
    Ends(const Ends&) = delete;
    Ends& operator=(const Ends&) = delete;
    ~Ends() { ++ended; }
    int& ended;
  } const ends(ended);
  co_await some_time();
}
// All children have ended when it has.
Task<> nursery_with_body(CutRun& run) {
  auto& ended = run.keep<int>(0);
  auto& begun = run.keep<int>(0);
  const auto family = [&run, &ended, &begun](Nursery& nursery) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      nursery.spawn([&run, &ended, &begun]() -> Task<> {
        ++begun;
        co_await child(run, ended);
      });
    }
    co_await some_time();
    co_await some_time();
  };
  const Outcome<void> outcome = co_await as_outcome(with_nursery(family));
  must(begun >= ended, "a child ends twice");
  must(run.reactor().task_count() == 1, "a nursery ends before its children");
  outcome.value();
  co_await some_time();
}
Task<> nursery_object(CutRun& run) {
  auto& ended = run.keep<int>(0);
  Nursery nursery;
  nursery.spawn(child(run, ended));
  nursery.spawn(Pause{2ms});
  co_await nursery;
  must(nursery.size() == 0, "a nursery ends before its children");
  nursery.spawn(child(run, ended));  // and what is left is closed
  co_await Pause{};
}
Task<> started(CutRun& run) {
  const auto family = [&run](Nursery& nursery) -> Task<> {
    const auto serve = [&run](Started<int>& begun) -> Task<> {
      const DestroyedOnce counted(run);
      co_await some_time();
      begun(7);
      co_await some_time();
    };
    must(co_await nursery.start(serve) == 7, "start() gives another value");
    co_await some_time();
  };
  co_await with_nursery(family);
}

Task<> pause(CutRun& run) {
  const TimePoint begun = run.reactor().now();
  co_await Pause{};
  co_await Pause{1ms};
  must(run.reactor().now() == begun + 1ms, "a pause is longer or shorter than it should be");
  co_await Pause{};
}

Task<> at_cancel_point(CutRun&) {
  for (int i = 0; i < 3; ++i) {
    co_await cancel_point;
    co_await Pause{};
    co_await cancel_point;
  }
}

Task<> current(CutRun&) {
  const TaskRef self = co_await current_task;
  co_await Pause{};
  const TaskRef again = co_await current_task;
  must(self == again, "current_task() changes");
}

Task<> value(CutRun& run) {
  auto& operation = run.keep<Operation>();
  Value wrapped(begin_operation(run, operation, 7));
  Value got = co_await std::move(wrapped);
  must(got.as<int>() == 7, "a Value gives another value");
  static_cast<void>(co_await Value(Pause{1ms}));
}

// Both operations are told that they are not waited for; a child has unwound.
Task<> waits_for_all(CutRun& run) {
  auto& one = run.keep<Operation>();
  auto& other = run.keep<Operation>();
  run.at_end([&] { must(one.cancels <= 1 && other.cancels <= 1, "a canceller is called again"); });
  auto operations = all(begin_operation(run, one, 3), begin_operation(run, other, 4), Pause{2ms});
  const auto [three, four, unit] = co_await std::move(operations);
  must(three == 3 && four == 4, "all() gives other values");
  const auto [five, waited] = co_await all(counts(run, 5), Pause{1ms});
  must(five == 5, "all() of a task gives another value");
  must(run.reactor().task_count() == 1, "all() ends before its tasks");
  co_await some_time();
}
Task<> settles_all(CutRun& run) {
  auto operations = all_settled(counts(run, 3), fail<int>(1), Pause{1ms});
  const auto [three, failed, waited] = co_await std::move(operations);
  must(run.cut() || (three.has_value() && waited.has_value()), "all_settled() gives an error");
  must(run.cut() || failed.check<int>() != nullptr, "all_settled() gives no error");
  co_await all_settled(Pause{1ms}, Pause{2ms});
}
// One that is cancelled once fails as each of its inputs does: with the first error.
Task<> takes_any(CutRun& run) {
  run.may_fail_with<int>();
  auto& operation = run.keep<Operation>();
  const auto plain = co_await any(fail<int>(1), begin_operation(run, operation, 7), Pause{1h});
  must(run.cut() || plain.index() == 1, "any() gives another value");
  const auto task = co_await any(counts(run, 3), counts(run, 1h, 4));
  must(run.cut() || task.index() == 0, "any() of tasks gives another value");
  must(run.reactor().task_count() == 1, "any() ends before its tasks");
}
// An item is in the hands of the program, or still to be had; a race that is decided is not cut.
Task<> takes_first(CutRun& run) {
  struct Item {
    Waiter<int> waiters[2];
    DelayedCall offer;
    int taken = 0, got = 0;
  };
  struct Receive {
    explicit Receive(Waiter<int>& at) : place(&at) {}
    void yield_to(Waiter<int> waiter) const { *place = std::move(waiter); }
    Waiter<int>* place;
  };
  auto& item = run.keep<Item>();
  item.offer = run.reactor().call_later(1ms, [&item] {
    for (const Waiter<int>& waiter : item.waiters) item.taken += waiter.resume(1) ? 1 : 0;
  });
  run.at_end([&] {
    must(item.taken <= 1, "a race takes two items");
    must(item.got == item.taken || run.cut(Cut::close), "an item is lost");
    for (Waiter<int>& waiter : item.waiters) waiter = {};
  });
  auto items = race(Receive(item.waiters[0]), Pause{1h}, Receive(item.waiters[1]));
  const auto won = co_await std::move(items);
  ++item.got;
  const auto task = co_await race(counts(run, 1h, 3), Pause{1ms});
  must(run.cut() || (won.index() == 0 && task.index() == 1), "a race has another winner");
  must(run.reactor().task_count() == 1, "a race ends before its tasks");
}

// A tick that was not waited for is counted by the next, also if that one is late.
Task<> timer(CutRun& run) {
  struct Ticks {
    explicit Ticks(TimePoint now) : timer(1ms, now), begun(now) {}
    Timer timer;
    TimePoint begun;
    std::uint64_t got = 0;
  };
  auto& ticks = run.keep<Ticks>(run.reactor().now());
  run.at_end([&] {
    const auto body = [&]() -> Task<> { ticks.got += co_await ticks.timer; };
    const Spawned<void> last = spawn(run.reactor(), body);
    run.time().run_until_idle();
    const auto passed = (run.reactor().now() - ticks.begun) / 1ms;
    must(ticks.got == static_cast<std::uint64_t>(passed), "ticks are lost");
  });
  ticks.got += co_await ticks.timer;
  co_await Pause{3ms};
  for (int i = 0; i < 2; ++i) ticks.got += co_await ticks.timer;
}

// One that came while it was not waited for is found by the next wait.
Task<> signal(CutRun& run) {
  struct Signals {
    explicit Signals(Reactor& reactor) : usr1(reactor, SIGUSR1) {}
    Signal usr1;
    DelayedCall raises;
    int raised = 0, got = 0;
  };
  auto& signals = run.keep<Signals>(run.reactor());
  signals.raises = run.reactor().call_later(1ms, [&] {
    ++signals.raised;
    ::raise(SIGUSR1);
  });
  run.at_end([&] {
    if (signals.got == signals.raised) return;
    const auto body = [&]() -> Task<> {
      co_await signals.usr1;
      ++signals.got;
    };
    const Spawned<void> waits = spawn(run.reactor(), body);
    run.time().advance();
    must(waits.done(), "a signal is lost");
  });
  co_await signals.usr1;
  ++signals.got;
  co_await some_time();
}

// The sender hears whether its answer came in time.
Task<> reply(CutRun& run) {
  struct Asked {
    std::optional<ReplySender<int>> sender;
    DelayedCall answers;
    bool taken = false, got = false;
  };
  auto& asked = run.keep<Asked>();
  run.at_end([&] { must(!asked.got || asked.taken, "an answer is delivered that was refused"); });
  Reply<int> reply;
  asked.sender = reply.send();
  asked.answers = run.reactor().call_later(1ms, [&] { asked.taken = (*asked.sender)(5); });
  asked.got = co_await reply == 5;
  co_await some_time();
}

Task<> event(CutRun& run) {
  struct Happens {
    Event event;
    DelayedCall sets;
  };
  auto& happens = run.keep<Happens>();
  happens.sets = run.reactor().call_later(1ms, [&] { happens.event.set(); });
  co_await happens.event;
  co_await happens.event;
  must(happens.event.is_set(), "an event is waited for that has not happened");
  co_await some_time();
}

// A permit comes back, whoever has it or waits for it.
Task<> acquire(CutRun& run) {
  auto& semaphore = run.keep<Semaphore>(1U);
  run.at_end([&] {
    must(semaphore.available() == 1, "a permit is lost");
    must(semaphore.waiting() == 0, "somebody is left in the line");
  });
  const auto other = [](Semaphore& of) -> Task<> {
    const Permit permit = co_await of.acquire();
    co_await some_time();
  };
  spawn(run.reactor(), other, std::ref(semaphore));
  co_await Pause{};
  const Permit permit = co_await semaphore.acquire();
  spawn(run.reactor(), other, std::ref(semaphore));
  co_await some_time();
}

// What was not sent is the sender's.
Task<> send(CutRun& run) {
  struct Line {
    Channel<std::string> channel{1};
    std::string items[4] = {"1", "2", "3", "4"};
    std::vector<DelayedCall> takes;
    int got = 0;
  };
  auto& line = run.keep<Line>();
  for (int i = 1; i <= 4; ++i) {
    line.takes.push_back(run.reactor().call_later(i * 1ms, [&line] {
      if (line.channel.try_receive()) ++line.got;
    }));
  }
  run.at_end([&] {
    int left = 0;
    for (const std::string& item : line.items) left += item.empty() ? 0 : 1;
    must(line.got + left + static_cast<int>(line.channel.size()) == 4, "an item is lost");
  });
  for (std::string& item : line.items) co_await line.channel.send(std::move(item));
}

// An item that was given to a receiver who is closed before it goes on is lost with it.
Task<> receive(CutRun& run) {
  struct Line {
    Channel<std::unique_ptr<int>> channel{4};
    std::vector<DelayedCall> puts;
    int got = 0, put = 0;
  };
  auto& line = run.keep<Line>();
  for (int i = 1; i <= 3; ++i) {
    line.puts.push_back(run.reactor().call_later(i * 1ms, [&line] {
      must(line.channel.try_send(std::make_unique<int>(1)), "there is no room");
      ++line.put;
    }));
  }
  run.at_end([&] {
    const int there = line.got + static_cast<int>(line.channel.size());
    must(there == line.put || (run.cut(Cut::close) && there == line.put - 1), "an item is lost");
  });
  for (int i = 0; i < 3; ++i) {
    const auto item = co_await line.channel.receive();
    line.got += **item;
  }
}

// What has begun in a thread is waited for, but at a close.
Task<> in_a_thread(CutRun& run) {
  struct Work {
    ManualPool pool;
    DelayedCall runs;
    int ran = 0, got = 0;
  };
  auto& work = run.keep<Work>();
  work.runs = run.reactor().call_later(1ms, [&] { work.pool.run_all(); });
  run.at_end([&] {
    must(work.pool.queued() == 0, "work is left in the pool that nobody waits for");
    must(work.got <= work.ran, "a result comes from nowhere");
  });
  work.got = co_await in_thread(work.pool, [&work] { return ++work.ran; });
  co_await some_time();
}

Task<> on_a_reactor(CutRun& run) {
  must(co_await on(run.reactor(), [&run] { return counts(run, 3); }) == 3,
       "on() gives another value");
  co_await some_time();
}

Task<> readable(CutRun& run) {
  auto& pair = run.keep<Sockets>();
  pair.write_later(run.reactor(), "x");
  co_await Readable{pair.near()};
  must(pair.read_now() == "x", "what was to be read is gone");
  co_await some_time();
}
Task<> writable(CutRun& run) {
  auto& pair = run.keep<Sockets>();
  co_await Writable{pair.near()};
  co_await some_time();
}

// What was not read is there for whoever reads next.
Task<> read_some(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  struct Read {
    std::array<char, 16> room{};
    std::string got;
  };
  auto& read = run.keep<Read>();
  pair.write_later("hello");
  run.at_end([&] {
    pair.read_rest(read.got);
    must(read.got.empty() || read.got == "hello", "bytes are lost, or come twice: " + read.got);
    must(read.got == pair.written() || run.cut(Cut::close), "bytes are lost");
  });
  const std::size_t bytes = co_await pair.stream().read_some(read.room);
  read.got.append(read.room.data(), bytes);
  co_await some_time();
}

// What was written of it arrives once, and in order.
Task<> write_all(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  struct Written {
    std::string all, got;
  };
  auto& written = run.keep<Written>();
  for (int i = 0; i < 100'000; ++i) written.all += std::to_string(i) + " ";
  pair.take_later(written.got);
  run.at_end([&] {
    must(written.all.starts_with(written.got), "what arrives is not what was written");
    must(run.cut() || written.got == written.all, "not all arrives");
  });
  co_await pair.stream().write_all(written.all);
  co_await some_time();
}

// What it says it has written arrives, and nothing else does.
Task<> write_some(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  struct Written {
    std::string all, got;
    std::size_t told = 0;
  };
  auto& written = run.keep<Written>();
  for (int i = 0; i < 100'000; ++i) written.all += std::to_string(i) + " ";
  pair.take_later(written.got);
  run.at_end([&] {
    pair.read_far_into(written.got);
    const std::size_t size = written.got.size();
    must(written.all.starts_with(written.got), "what arrives is not what was written");
    must(size == pair.stream().bytes_written(), "another number of bytes is counted");
    must(size == written.told || run.cut(Cut::close), "a write that was cut has written");
    must(run.cut() || size == written.all.size(), "not all arrives");
  });
  while (written.told < written.all.size()) {
    const auto rest = std::string_view(written.all).substr(written.told);
    const std::size_t taken = co_await pair.stream().write_some(rest);
    written.told += taken;
  }
  co_await some_time();
}

// It takes nothing from what is there.
Task<> readiness(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  pair.write_later("hello");
  run.at_end([&] {
    std::string got;
    pair.read_rest(got);
    must(got == pair.written(), "bytes are lost");
  });
  co_await pair.stream().transport().readable().wait();
  must(pair.written() == "hello", "it is ready, and nothing is there");
  co_await some_time();
}

}  // namespace

Programs awaitable_programs() {
  constexpr const char* as_in_it = "as what is in them";
  constexpr const char* as_in_scope = "as what is in them; a shield's is waited for";
  constexpr const char* from_inputs =
      "what inputs have given by then; of `any` and `race`, which have that only while they wait "
      "for losers, that";
  constexpr const char* of_permit =
      "its place; closed when it had the permit: that is given back, to the next";
  constexpr const char* of_part = "nothing is written; closed after a part was: how much that was";
  constexpr const char* of_thread =
      "nothing if it runs: it is waited for; with `abandon_on_cancel()` its result";
  return {
      {"Deferred", deferred, "the result, unreported"},  // explored: Deferred
      {"SharedDeferred", shared_deferred,
       "nothing: the operation goes on"},              // explored: SharedDeferred
      {"Task", task, "what it had not done"},          // explored: Task
      {"Spawned", spawned, "the result, unreported"},  // explored: Spawned
      {"Spawned, two of them", spawned_one, "the result, unreported"},
      {"AsOutcome", as_outcome_of_task, as_in_it},                   // explored: AsOutcome
      {"WithTimeout", with_limit, as_in_it},                         // explored: WithTimeout
      {"RunInScope", scopes, as_in_scope},                           // explored: RunInScope
      {"MoveOn", moves_on, as_in_scope},                             // explored: MoveOn
      {"Shield", shielded, as_in_scope},                             // explored: Shield
      {"WithNursery", nursery_with_body, "what they had not done"},  // explored: WithNursery
      {"Nursery", nursery_object, "what they had not done"},         // explored: Nursery
      {"Nursery::start()", started, "what it had not done"},
      {"Pause", pause, "nothing"},                                        // explored: Pause
      {"CancelPoint", at_cancel_point, "nothing"},                        // explored: CancelPoint
      {"CurrentTask", current, "nothing"},                                // explored: CurrentTask
      {"Value", value, "what it holds"},                                  // explored: Value
      {"All", waits_for_all, from_inputs},                                // explored: All
      {"AllSettled", settles_all, from_inputs},                           // explored: AllSettled
      {"Any", takes_any, from_inputs},                                    // explored: Any
      {"Race", takes_first, from_inputs},                                 // explored: Race
      {"Timer", timer, "nothing: the next tick counts the ones passed"},  // explored: Timer
      {"Signal", signal, "nothing: the next await finds it"},             // explored: Signal
      {"Reply", reply, "the answer: a Reply cannot be awaited again"},    // explored: Reply
      {"Event", event, "nothing"},                                        // explored: Event
      {"Acquire", acquire, of_permit},                                    // explored: Acquire
      {"Send", send, "its place; the item is still in the sender's variable"},  // explored: Send
      {"Receive", receive, "its place; closed when it had its item: that"},     // explored: Receive
      {"InThread", in_a_thread, of_thread},                     // explored: InThread
      {"On", on_a_reactor, "what that had not done"},           // explored: On
      {"Readable", readable, "nothing: readiness is a state"},  // explored: Readable
      {"Writable", writable, "nothing: readiness is a state"},  // explored: Writable
      {"ReadSome", read_some,
       "nothing; closed after bytes had come: those"},           // explored: io::ReadSome
      {"WriteSome", write_some, of_part},                        // explored: io::WriteSome
      {"WriteAll", write_all, "some first part has been sent"},  // explored: io::WriteAll
      {"Readiness::Wait", readiness,
       "nothing: readiness is a state"},  // explored: io::Readiness::Wait
  };
}

}  // namespace deferred::testing
