// SPDX-License-Identifier: MIT
// A conversation over the stream, and something goes wrong at each operation of either end.
#include <array>
#include <stdexcept>
#include <system_error>

#include "deferred/tasks/nursery.hpp"
#include "deferred/testing/faulty_stream.hpp"
#include "deferred/testing/streams/cases.hpp"
#include "deferred/testing/streams/steps.hpp"

namespace deferred::testing::streams {
namespace {

/// Too little may be an error of the stream's; what is wrong is the stream's fault.
void check_all(const std::string& got, const std::string& expected) {
  if (!expected.starts_with(got)) throw std::logic_error("wrong bytes are read");
  if (got.size() < expected.size()) throw std::system_error(Errc::ended, "too little is read");
}

Task<> send(Stream& stream, std::string text) {
  for (std::size_t at = 0; at < text.size(); at += 1000) {
    co_await stream.write_all(std::string_view(text).substr(at, 1000));
  }
  stream.close();
}
Task<> receive(Stream& stream, std::string expected) {
  std::string got(10, ' ');
  co_await stream.read_exactly(got);
  got += co_await take_some(stream, 500);
  co_await stream.read_more();
  got += co_await stream.read_to_end();
  check_all(got, expected);
}
/// One way.
Task<> deliver(StreamPair& pair, const FaultPlan&) {
  const auto both = [&pair](Nursery& nursery) -> Task<> {
    nursery.spawn(send(pair.near, pattern(3000)));
    nursery.spawn(receive(pair.far, pattern(3000)));
    co_return;
  };
  co_await with_nursery(both);
}

Task<> ask(Stream& stream) {
  co_await stream.write_all("how do you do?");
  co_await stream.shutdown_write();
  const std::string answer = co_await stream.read_to_end();
  check_all(answer, pattern(2000));
}
Task<> answer(Stream& stream) {
  const std::string asked = co_await stream.read_to_end();
  check_all(asked, "how do you do?");
  co_await stream.write_all(pattern(2000));
  stream.close();
}
/// Both ways.
Task<> converse(StreamPair& pair, const FaultPlan&) {
  const auto both = [&pair](Nursery& nursery) -> Task<> {
    nursery.spawn(ask(pair.near));
    nursery.spawn(answer(pair.far));
    co_return;
  };
  co_await with_nursery(both);
}

Task<> check_steps(Context& c, StreamScenario scenario, bool harmless) {
  EveryStepOptions options;
  options.faults = {StreamFault::would_block, StreamFault::one_byte};
  if (!harmless) options.faults = {StreamFault::error, StreamFault::end};
  options.limit = std::chrono::seconds(2);
  const MakeStreamPair make([&c](Reactor&) { return c.connect(); });
  Task<EveryStepReport> steps = at_every_step(make, std::move(scenario), options);
  const EveryStepReport report = co_await std::move(steps);
  c.check(report.faults.empty(), report.summary());
  c.check(report.runs > 8, "there are operations");
}

/// From its first operation on, one end or the other has this fault.
Task<> check_always(Context& c, StreamFault fault) {
  FaultPlan plan;
  plan.fault = fault;
  plan.from_then_on = true;
  for (const bool near : {true, false}) {
    StreamPair pair = co_await c.connect();
    Stream& end = near ? pair.near : pair.far;
    end = faulty(std::move(end), plan);
    co_await deliver(pair, plan);
  }
}

const StreamCase cases_of_every_step[] = {
    {"what goes one way arrives, whichever operation would block or moves one byte", nothing,
     [](Context& c) -> Task<> { co_await check_steps(c, deliver, true); }},
    {"a question and its answer arrive, whichever operation would block or moves one byte",
     two_ways | half_close, [](Context& c) -> Task<> { co_await check_steps(c, converse, true); }},
    {"whichever operation fails, or finds the end, all ends, and no wrong byte is read", nothing,
     [](Context& c) -> Task<> { co_await check_steps(c, deliver, false); }},
    {"in a question and its answer any operation may fail, or find the end", two_ways | half_close,
     [](Context& c) -> Task<> { co_await check_steps(c, converse, false); }},
    {"all goes well where each operation has to wait", nothing,
     [](Context& c) -> Task<> { co_await check_always(c, StreamFault::would_block); }},
    {"all goes well where each operation moves one byte", nothing,
     [](Context& c) -> Task<> { co_await check_always(c, StreamFault::one_byte); }},
};

}  // namespace

std::span<const StreamCase> step_cases() { return cases_of_every_step; }

}  // namespace deferred::testing::streams
