// SPDX-License-Identifier: MIT
// Who waits is woken: not too seldom, not inside the call, and at no cost to others.
#include <array>
#include <chrono>

#include "deferred/reactor/delayed_call.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing::streams {

/// Waits for one report, and sees whether it comes too early.
class Watching final : public io::Readiness::Observer {
 public:
  explicit Watching(io::Readiness& readiness) {
    take_place(readiness);  // so that a report out of arm() is seen
    wait_for(readiness);
    inside_ = false;
  }
  int reports = 0;
  bool reported_inside = false;

 private:
  bool on_ready() noexcept override {
    ++reports;
    reported_inside = reported_inside || inside_;
    if (!inside_) leave();
    return false;
  }
  void on_end(Failure) noexcept override {}

  bool inside_ = true;
};

namespace {

using namespace std::chrono_literals;

Task<> check_reported(Context& c, io::Readiness& readiness, const char* what) {
  const Watching watching(readiness);
  c.check(!watching.reported_inside, std::string(what) + " is not reported inside arm()");
  c.equal(watching.reports, 0, "the number of reports when the wait begins");
  co_await c.rest();
  c.check(watching.reports > 0, std::string(what) + " is reported");
}

/// Where time is real, that much of it is not spent on waiting.
Task<> check_idle(Context& c, const char* who) {
  const Duration before = conformance::processor_time();
  co_await Pause{20ms};
  const Duration used = conformance::processor_time() - before;
  if (c.can(Capability::real_time)) {
    c.check(used < 10ms, std::string(who) + " costs less than half of the time that passes");
  }
}

const StreamCase cases_of_waiting[] = {
    {"an abort that has come is reported to who begins to wait, for bytes or for room",
     two_ways | reset,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       p.near.abort();
       co_await c.rest();
       co_await check_reported(c, p.far.transport().readable(), "the abort, to a reader,");
       co_await check_reported(c, p.far.transport().writable(), "the abort, to a writer,");
     }},
    {"bytes, an end and room that are there when a wait begins are reported, in a later turn",
     nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("x");
       co_await c.rest();
       co_await check_reported(c, p.near.transport().writable(), "room");
       co_await check_reported(c, p.far.transport().readable(), "a byte");
       const std::string got = co_await take(p.far, 1);
       c.equal(got, "x", "what is read");
       p.near.close();
       co_await c.rest();
       co_await check_reported(c, p.far.transport().readable(), "the end");
       const std::string end = co_await take(p.far, 1);
       c.equal(end, "", "what is read at the end");
       co_await check_reported(c, p.far.transport().readable(), "the end, once more,");
     }},
    {"bytes that are left by a short read are reported to who waits next", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("0123456789");
       co_await c.rest();
       for (int i = 0; i < 9; ++i) {
         const std::string got = co_await take(p.far, 1);
         c.equal(got, std::to_string(i), "what is read");
         co_await check_reported(c, p.far.transport().readable(), "the rest");
       }
     }},
    {"each wait for bytes is woken, however many there were", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (int i = 0; i < 10; ++i) {
         Spawned<std::string> reader = spawn(take_some(p.far, 8));
         co_await c.rest();
         co_await p.near.write_all("x");
         const std::string got = co_await std::move(reader);
         c.equal(got, "x", "what is read");
       }
     }},
    {"each wait for room is woken, however many there were", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (int i = 0; i < 4; ++i) {
         const std::string expected = co_await fill(c, p.near, pattern(50'000));
         Spawned<void> writer = spawn(put(p.near, "x"));
         co_await turns(3);
         const std::string got = co_await take(p.far, expected.size() + 1, 1 << 16);
         co_await std::move(writer);
         c.check(got == expected + "x", "what is read is what was written");
       }
     }},
    {"a report too many does no harm to a reader", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       io::Readiness& readable = p.far.transport().readable();
       readable.report();  // nobody waits
       Spawned<std::string> reader = spawn(take(p.far, 2));
       for (int i = 0; i < 3; ++i) {
         co_await c.rest();
         readable.report();
       }
       co_await c.rest();
       c.check(!reader.done(), "it waits on");
       co_await p.near.write_all("x");
       co_await c.rest();
       readable.report();
       c.check(!reader.done(), "it waits for the other byte");
       co_await p.near.write_all("y");
       const std::string got = co_await std::move(reader);
       c.equal(got, "xy", "what it reads");
     }},
    {"a report too many does no harm to a writer", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       io::Readiness& writable = p.near.transport().writable();
       writable.report();
       std::string expected;
       Spawned<void> writer = co_await stuck_writer(c, p.near, expected);
       for (int i = 0; i < 3; ++i) {
         writable.report();
         co_await c.rest();
       }
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       c.check(got == expected, "what is read is what was written");
     }},
    {"what comes while nobody waits, or looks, is there for the next reader", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> first = spawn(take_some(p.far, 8));
       co_await c.rest();
       co_await p.near.write_all("1");
       const std::string one = co_await std::move(first);
       co_await p.near.write_all("2");
       co_await c.rest();
       p.far.transport().readable().ignore();
       co_await p.near.write_all("3");
       co_await c.rest();
       const std::string got = co_await take(p.far, 2);
       c.equal(one + got, "123", "what is read");
       p.near.close();
       co_await c.rest();
       const std::string end = co_await take(p.far, 1);
       c.equal(end, "", "what is read at the end");
     }},
    {"who waits costs next to no processor time", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(take_some(p.far, 8));
       co_await c.rest();
       co_await check_idle(c, "a reader who waits");
       co_await p.near.write_all("x");
       co_await std::move(reader);
       if (!c.has(clogs)) co_return;
       std::string expected;
       Spawned<void> writer = co_await stuck_writer(c, p.near, expected);
       co_await check_idle(c, "a writer who waits");
       p.near.abort();
       co_await std::move(writer).deferred().add_errback([](const std::system_error&) {});
     }},
    {"bytes that nobody reads cost next to no processor time", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(take_some(p.far, 1));
       co_await c.rest();
       co_await p.near.write_all("more than is read");
       co_await std::move(reader);
       co_await c.rest();
       co_await check_idle(c, "what nobody reads");
       const std::string got = co_await take(p.far, 16);
       c.equal(got, "ore than is read", "what is read then");
     }},
    {"a reader who never has to wait lets others run", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<void> writer = spawn(put(p.near, pattern(20'000)));
       co_await c.rest();
       Spawned<std::string> reader = spawn(take(p.far, 20'000, 1));
       co_await turns(10);
       c.check(!reader.done(), "it is not done before others have had ten turns");
       const std::string got = co_await std::move(reader);
       co_await std::move(writer);
       c.check(got == pattern(20'000), "what is read is what was written");
     }},
    {"a writer who never has to wait lets others run", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const auto write_bytes = [](Stream& stream) -> Task<> {
         for (int i = 0; i < 20'000; ++i) co_await stream.write_all("x");
       };
       Spawned<void> writer = spawn(write_bytes, std::ref(p.near));
       Spawned<std::string> reader = spawn(take(p.far, 20'000));
       co_await turns(10);
       c.check(!writer.done(), "it is not done before others have had ten turns");
       co_await std::move(writer);
       const std::string got = co_await std::move(reader);
       c.equal(got.size(), std::size_t{20'000}, "how much is read");
     }},
    {"a pump keeps neither timers nor other tasks from their turns", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       bool over = false;
       const auto pump = [&over](Stream& stream) -> Task<> {
         const std::string chunk = pattern(10'000);
         while (!over) co_await stream.write_all(chunk);
         stream.close();
       };
       Spawned<void> writer = spawn(pump, std::ref(p.near));
       Spawned<void> reader = spawn(read_to_any_end(p.far));
       co_await turns(20);
       bool called = false;
       const DelayedCall timer = Reactor::current().call_later(0ns, [&] { called = true; });
       co_await turns(3);
       over = true;
       c.check(called, "the timer was called");
       co_await std::move(writer);
       co_await std::move(reader);
     }},
};

}  // namespace

std::span<const StreamCase> waiting_cases() { return cases_of_waiting; }

}  // namespace deferred::testing::streams
