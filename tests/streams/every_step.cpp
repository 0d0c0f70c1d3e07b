// SPDX-License-Identifier: MIT
// at_every_step runs what a test does with a stream once for each operation that may go wrong.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "deferred/io/errors.hpp"
#include "deferred/tasks/nursery.hpp"
#include "deferred/testing/faulty_stream.hpp"
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/event.hpp"
#include "tests/streams/in_virtual_time.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Stream;

namespace {

StreamPair a_pipe(Reactor& reactor) { return memory_pipe(reactor); }

EveryStepReport report_of(const StreamScenario& scenario, const EveryStepOptions& options = {}) {
  const Unhandled unhandled;
  reactors::VirtualTime time;
  Reactor reactor{time};
  return reactor.run_until(at_every_step(a_pipe, scenario, options));
}

EveryStepOptions near_only(std::vector<StreamFault> faults) {
  EveryStepOptions options;
  options.far = false;
  options.faults = std::move(faults);
  return options;
}

bool finds(const EveryStepReport& report, const std::string& begin, const std::string& part) {
  for (const std::string& fault : report.faults) {
    if (fault.starts_with(begin) && fault.find(part) != std::string::npos) return true;
  }
  MESSAGE(report.summary());
  return false;
}

Task<> greet(StreamPair& pair, const FaultPlan&) { co_await pair.near.write_all("hello"); }

Task<> ask(Stream& stream) {
  co_await stream.write_all("how do you do?");
  co_await stream.shutdown_write();
  const std::string answer = co_await stream.read_to_end();
  if (answer != "well") throw std::system_error(io::Errc::ended, "answered '" + answer + "'");
}

Task<> answer(Stream& stream) {
  const std::string asked = co_await stream.read_to_end();
  if (asked != "how do you do?") throw std::system_error(io::Errc::ended, "asked '" + asked + "'");
  co_await stream.write_all("well");
  stream.close();
}

/// Right, whatever happens: who fails ends the other too.
Task<> talk(StreamPair& pair, const FaultPlan&) {
  const auto both = [&pair](Nursery& nursery) -> Task<> {
    nursery.spawn(ask(pair.near));
    nursery.spawn(answer(pair.far));
    co_return;
  };
  co_await with_nursery(both);
}

}  // namespace

TEST_CASE("a scenario runs once for each operation that fails, and once to see that all is done") {
  std::vector<std::size_t> at;
  const auto report = report_of(
      [&at](StreamPair& pair, const FaultPlan& plan) {
        at.push_back(plan.at);
        return greet(pair, plan);
      },
      near_only({StreamFault::error}));

  CHECK(at == std::vector<std::size_t>{0, 1, 2});  // it writes, and flushes
  CHECK(report.runs == 3);
  CHECK(report.summary() == "3 runs, 0 faults");
}

TEST_CASE("each end has each fault") {
  std::vector<std::string> seen;
  report_of([&seen](StreamPair& pair, const FaultPlan& plan) {
    seen.push_back(name_of(plan.fault));
    return greet(pair, plan);
  });

  // Of the near end it takes three runs, as above; the far one does nothing, as one run shows.
  std::vector<std::string> expected;
  for (const char* fault : {"would_block", "one_byte", "error", "end"}) {
    expected.insert(expected.end(), 3, fault);
  }
  for (const char* fault : {"would_block", "one_byte", "error", "end"}) expected.push_back(fault);
  CHECK((seen == expected));
}

TEST_CASE("what goes on or ends in an error, whatever happens, is no fault") {
  const auto report = report_of(&talk);

  CHECK_MESSAGE(report.faults.empty(), report.summary());
  CHECK(report.runs >= 40);
}

TEST_CASE("who takes what a read gives for a whole message is found") {
  const auto report = report_of([](StreamPair& pair, const FaultPlan&) -> Task<> {
    co_await pair.far.write_all("hello");
    std::string got(5, ' ');
    const std::size_t size = co_await pair.near.read_some(got);
    if (size < 5) throw std::logic_error("half a message");
  });

  CHECK(finds(report, "near, one_byte at 0: ", "half a message"));
}

TEST_CASE("who gives up where he only has to wait is found, also with a std::system_error") {
  const auto report = report_of([](StreamPair& pair, const FaultPlan& plan) -> Task<> {
    if (!pair.near.transport().try_write("hello")) {
      throw std::system_error(std::make_error_code(std::errc::timed_out), "no time");
    }
    co_await greet(pair, plan);
  });

  CHECK(finds(report, "near, would_block at 0: ", "no time"));
}

TEST_CASE("who waits for ever when his stream fails is found, with his tasks") {
  const auto report = report_of([](StreamPair& pair, const FaultPlan& plan) -> Task<> {
    const auto greeted = co_await as_outcome(greet(pair, plan));
    Event never;
    if (!greeted.has_value()) co_await never;
  });

  CHECK(finds(report, "near, error at 0: it does not end; its tasks:", "waiting on"));
}

TEST_CASE("an error that is no std::system_error is found") {
  const auto report = report_of([](StreamPair& pair, const FaultPlan& plan) -> Task<> {
    const auto greeted = co_await as_outcome(greet(pair, plan));
    if (!greeted.has_value()) throw std::runtime_error("something is wrong");
  });

  CHECK(finds(report, "near, end at 0: ", "something is wrong"));
}

TEST_CASE("who leaves a task behind is found") {
  Event never;
  const auto report = report_of([&never](StreamPair& pair, const FaultPlan& plan) -> Task<> {
    const auto greeted = co_await as_outcome(greet(pair, plan));
    if (!greeted.has_value()) spawn([&never]() -> Task<> { co_await never; }).detach();
  });

  CHECK(finds(report, "near, error at 0: ", "it leaves behind 1 tasks"));
}

TEST_CASE("a stream that is left behind keeps what its operations are counted in") {
  std::vector<io::Stream> left;
  std::weak_ptr<std::size_t> count;
  report_of(
      [&](StreamPair& pair, const FaultPlan& plan) -> Task<> {
        count = plan.operations;
        left.push_back(std::move(pair.near));
        co_return;
      },
      near_only({StreamFault::error}));

  CHECK_FALSE(count.expired());
  left.clear();
  CHECK(count.expired());
}

TEST_CASE("a scenario that does more and more is stopped, and said so") {
  EveryStepOptions options = near_only({StreamFault::one_byte});
  options.most = 5;
  const auto report = report_of(
      [](StreamPair& pair, const FaultPlan&) -> Task<> {
        for (int i = 0; i < 100; ++i) co_await pair.near.write_all("x");
      },
      options);

  CHECK(report.runs == 5);
  CHECK(finds(report, "near, one_byte at 5: ", "it goes on and on"));
}

TEST_CASE("what the maker of the pairs throws is thrown") {
  const Unhandled unhandled;
  Reactor reactor;
  const auto broken = [](Reactor&) -> StreamPair { throw std::runtime_error("no pairs today"); };

  CHECK_THROWS_WITH(reactor.run_until(at_every_step(broken, &greet)), "no pairs today");
}
