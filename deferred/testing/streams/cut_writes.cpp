// SPDX-License-Identifier: MIT
// What is left of a write that is cut off, and of one that can be taken up again.
#include <algorithm>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/current_task.hpp"

namespace deferred::testing::streams {
namespace {

/// Writes more than is ever taken, and is cut off in its middle.
Task<> cut_in_the_middle(Context& c, Stream& stream, bool close) {
  Spawned<void> writer = spawn(stream.write_all(much()));
  co_await c.rest();
  c.check(!writer.done(), "it waits for the reader");
  if (close) {
    writer.task().close();
    std::move(writer).detach();
    co_return;
  }
  writer.task().cancel();
  const auto outcome = co_await as_outcome(std::move(writer));
  c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled: " + what_of(outcome));
}

const StreamCase cases_of_cut_writes[] = {
    {"write_some that is cut has taken nothing, and the next goes on", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       bool cut = false;
       for (int i = 0; i < 100 && !cut; ++i) {  // there may have been room for it after all
         const auto taken = co_await move_on_after(c.rest_time(), p.near.write_some("lost"));
         expected += std::string_view("lost").substr(0, taken.value_or(0));
         cut = !taken;
       }
       c.check(cut, "it is cut");
       c.equal(p.near.bytes_written(), std::uint64_t{expected.size()}, "bytes_written");
       Spawned<void> writer = spawn(put(p.near, "not lost"));
       expected += "not lost";
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       c.check(got == expected, "what is read is what was taken");
     }},
    {"write_all that is cut before a byte went has done nothing", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       bool cut = false;
       for (int i = 0; i < 100 && !cut; ++i) {  // there may have been room for it after all
         const bool done = co_await move_on_after(c.rest_time(), p.near.write_all("?"));
         if (done) expected += "?";
         cut = !done;
       }
       c.check(cut, "it is cut");
       c.equal(p.near.bytes_written(), std::uint64_t{expected.size()}, "bytes_written");
       Spawned<void> writer = spawn(put(p.near, "the next"));
       expected += "the next";
       const std::string got = co_await take(p.far, expected.size(), 1 << 16);
       co_await std::move(writer);
       c.check(got == expected, "what is read is what was taken");
     }},
    {"write_all that is cut in its middle ends writing, and it is told how much had gone", clogs,
     [](Context& c) -> Task<> {
       for (const bool close : {false, true}) {
         StreamPair p = co_await c.connect();
         const std::string peer = p.near.peer();
         co_await cut_in_the_middle(c, p.near, close);
         const std::string went = std::to_string(p.near.bytes_written()) + " of " +
                                  std::to_string(much().size()) + " bytes";
         const auto all = co_await as_outcome(p.near.write_all("x"));
         const auto some = co_await as_outcome(p.near.write_some("x"));
         const auto shut = co_await as_outcome(p.near.shutdown_write());
         c.failed_with(all, Errc::cut_write, writing, peer);
         c.failed_with(some, Errc::cut_write, writing, peer);
         c.failed_with(shut, Errc::cut_write, shutting_down, peer);
         c.check(what_of(all).find(went) != std::string::npos, what_of(all) + " tells: " + went);
       }
     }},
    {"after a cut write_all the peer reads what had gone, and nothing behind it", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await cut_in_the_middle(c, p.near, false);
       const auto went = static_cast<std::size_t>(p.near.bytes_written());
       const std::string got = co_await take(p.far, went, 1 << 16);
       c.check(got == much().substr(0, went), "what had gone is read");
       p.near.close();
       const auto behind = co_await as_outcome(take_some(p.far, 100));
       c.check(!behind.has_value() || behind->empty(), "behind it is the end, or an error");
     }},
    {"after a cut write_all reading goes on", clogs | two_ways,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       co_await cut_in_the_middle(c, p.near, false);
       co_await p.far.write_all("an answer");
       const std::string got = co_await take(p.near, 9);
       c.equal(got, "an answer", "what is read");
     }},
    {"each write of a cancelled task throws Cancelled, and writes nothing, though there is room",
     nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       const auto cancelled = [](Stream& stream, bool all) -> Task<> {
         TaskRef self = co_await current_task;
         self.cancel();
         if (all) co_await stream.write_all("lost");
         static_cast<void>(co_await stream.write_some("lost"));
       };
       for (const bool all : {true, false}) {
         auto writer = spawn(cancelled, std::ref(p.near), all);
         const auto outcome = co_await as_outcome(std::move(writer));
         c.check(outcome.check<Cancelled>() != nullptr, "it is cancelled: " + what_of(outcome));
       }
       c.equal(p.near.bytes_written(), std::uint64_t{0}, "bytes_written");
       co_await p.near.write_all("first");
       const std::string got = co_await take(p.far, 5);
       c.equal(got, "first", "what is read");
     }},
    {"write_all that had done all when it is cancelled is no cut", nothing,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       Spawned<void> writer = spawn(put(p.near, "whole"));
       co_await c.rest();
       writer.task().cancel();
       const auto outcome = co_await as_outcome(std::move(writer));
       c.check(outcome.has_value(), "it is done: " + what_of(outcome));
       co_await p.near.write_all(", and more");
       const std::string got = co_await take(p.far, 15);
       c.equal(got, "whole, and more", "what is read");
     }},
    {"one who writes piece by piece, and is cut off anywhere, loses and doubles nothing", clogs,
     [](Context& c) -> Task<> {
       StreamPair p = co_await c.connect();
       std::string expected = co_await fill(c, p.near, pattern(50'000));
       const std::string text = pattern(3000);
       std::string got;
       for (std::size_t sent = 0; sent < text.size();) {
         const std::string_view next = std::string_view(text).substr(sent);
         const auto taken = co_await move_on_after(c.rest_time(), p.near.write_some(next));
         if (taken) {
           sent += *taken;
           expected += next.substr(0, *taken);
         } else {
           const std::size_t there = expected.size() - got.size();
           got += co_await take(p.far, std::min<std::size_t>(100'000, there), 1 << 16);
         }
         c.equal(p.near.bytes_written(), std::uint64_t{expected.size()}, "bytes_written");
       }
       got += co_await take(p.far, expected.size() - got.size(), 1 << 16);
       c.check(got == expected, "what is read is what was taken");
     }},
};

}  // namespace

std::span<const StreamCase> cut_write_cases() { return cases_of_cut_writes; }

}  // namespace deferred::testing::streams
