// SPDX-License-Identifier: MIT
// A read that is cut off - cancelled, timed out, closed - takes no byte with it.
#include <array>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"
#include "deferred/yieldables/with_timeout.hpp"

namespace deferred::testing::streams {
namespace {

/// Runs `operation` in a task that has been cancelled.
Task<> in_a_cancelled_task(Context& c, Task<> operation) {
  const auto body = [](Task<> inner) -> Task<> {
    TaskRef self = co_await current_task;
    self.cancel();
    co_await std::move(inner);
  };
  Spawned<void> task = spawn(body, std::move(operation));
  const auto outcome = co_await as_outcome(std::move(task));
  c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled: " + what_of(outcome));
}

Task<> read_nothing(Stream& stream) { static_cast<void>(co_await take_some(stream, 100)); }
Task<> read_more_of(Stream& stream) { co_await stream.read_more(); }
Task<> read_to_end_of(Stream& stream) { co_await stream.read_to_end(); }

const StreamCase cases_of_cut_reads[] = {
    {"a read that is cancelled, whenever that is, takes no byte with it", nothing,
     [](Context& c) -> Task<> {
       const std::string text = "abcdefgh";
       for (const int late : {1, 2, 3, 5}) {
         StreamPair p = co_await c.connect();
         Spawned<void> writer = spawn(put_in_pieces(p.near, text, 2));
         std::string got;
         for (int round = 0; round < 4 && got.size() < text.size(); ++round) {
           Spawned<std::string> reader = spawn(take_some(p.far, 3));
           co_await turns(late);
           reader.task().cancel();
           const auto outcome = co_await as_outcome(std::move(reader));
           if (outcome.has_value()) got += *outcome;
           co_await c.rest();
         }
         co_await std::move(writer);
         got += co_await take(p.far, text.size() - got.size());
         c.equal(got, text, "what is read, in all");
       }
     }},
    {"a read that times out leaves the stream as it was, again and again", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (int i = 0; i < 3; ++i) {
         const TimePoint before = Reactor::current().now();
         std::array<char, 8> room;
         const auto cut = co_await as_outcome(with_timeout(c.rest_time(), p.far.read_some(room)));
         c.check(cut.check<TimeoutError>() != nullptr, "it times out: " + what_of(cut));
         c.check(Reactor::current().now() - before >= c.rest_time(), "not before its time");
       }
       co_await p.near.write_all("kept");
       const std::string got = co_await take(p.far, 4);
       c.equal(got, "kept", "what is read then");
     }},
    {"bytes that come when a read has been cut are the next reader's", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (int i = 0; i < 3; ++i) {
         std::array<char, 8> room;
         const auto cut = co_await move_on_after(c.rest_time(), p.far.read_some(room));
         c.check(!cut.has_value(), "there is nothing to be read");
         co_await p.near.write_all("kept");
         co_await c.rest();
         const std::string got = co_await take(p.far, 4);
         c.equal(got, "kept", "what is read then");
       }
     }},
    {"a reader that is closed while it waits leaves the stream to another", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> reader = spawn(take_some(p.far, 8));
       co_await c.rest();
       reader.task().close();
       std::move(reader).detach();
       co_await p.near.write_all("also");
       co_await c.rest();
       const std::string got = co_await take(p.far, 4);
       c.equal(got, "also", "what the other reads");
     }},
    {"read_exactly that is cut leaves what it had to the next reader", nothing,
     [](Context& c) -> Task<> {
       for (const bool close : {false, true}) {
         StreamPair p = co_await c.connect();
         std::string room(6, ' ');
         Spawned<void> cut = spawn(p.far.read_exactly(room));
         co_await p.near.write_all("abcd");
         co_await c.rest();
         if (close) {
           cut.task().close();
           std::move(cut).detach();
         } else {
           cut.task().cancel();
           const auto outcome = co_await as_outcome(std::move(cut));
           c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled");
         }
         co_await p.near.write_all("efgh");
         std::string got(8, ' ');
         co_await p.far.read_exactly(got);
         c.equal(got, "abcdefgh", "what is read");
       }
     }},
    {"read_to_end that is cut leaves what it had to the next reader", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<std::string> cut = spawn(p.far.read_to_end());
       co_await p.near.write_all("the first half, ");
       co_await c.rest();
       cut.task().cancel();
       const auto outcome = co_await as_outcome(std::move(cut));
       c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled");
       co_await p.near.write_all("the second");
       p.near.close();
       const std::string first = co_await take_some(p.far, 4);
       const std::string rest = co_await p.far.read_to_end();
       c.equal(first + rest, "the first half, the second", "what is read");
     }},
    {"read_more that is cut leaves the stream as it was", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       for (int i = 0; i < 3; ++i) {
         const auto cut = co_await move_on_after(c.rest_time(), p.far.read_more());
         c.check(!cut.has_value(), "there is nothing to be read");
       }
       co_await p.near.write_all("kept");
       while (p.far.buffered().size() < 4) co_await p.far.read_more();
       c.equal(p.far.buffered(), "kept", "what is read then");
     }},
    {"each read of a cancelled task throws Cancelled, and takes nothing, though bytes are there",
     nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await p.near.write_all("hello");
       co_await c.rest();
       std::array<char, 3> room;
       co_await in_a_cancelled_task(c, read_nothing(p.far));
       co_await in_a_cancelled_task(c, p.far.read_exactly(room));
       co_await in_a_cancelled_task(c, read_more_of(p.far));
       co_await in_a_cancelled_task(c, read_to_end_of(p.far));
       const std::string got = co_await take(p.far, 5);
       c.equal(got, "hello", "what is read then");
     }},
    {"a cancelled reader does not hurt the writer of the same end", two_ways | clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       Spawned<void> writer = spawn(put(p.near, "and this"));
       expected += "and this";
       for (int i = 0; i < 3; ++i) {
         const auto cut = co_await move_on_after(c.rest_time(), p.near.read_more());
         c.check(!cut.has_value(), "there is nothing to be read");
       }
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       c.check(got == expected, "what is read is what was written");
     }},
};

}  // namespace

std::span<const StreamCase> cut_read_cases() { return cases_of_cut_reads; }

}  // namespace deferred::testing::streams
