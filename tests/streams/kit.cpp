// SPDX-License-Identifier: MIT
// The stream conformance kit itself: what it counts as passed, failed and skipped, and what it
// tells.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>

#include "deferred/io/stream.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/testing/stream_conformance_doctest.hpp"
#include "deferred/testing/stream_conformance_main.hpp"
#include "deferred/testing/streams/context.hpp"
#include "deferred/yieldables/event.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

StreamUnderTest memory_with(StreamTrait traits = whole_stream) {
  StreamUnderTest tried;
  tried.name = "memory";
  tried.make = [](Reactor& reactor) { return memory_pipe(reactor); };
  tried.traits = traits;
  tried.reactor = in_virtual_time();
  return tried;
}

CaseResult result_of(StreamCaseBody body, const StreamUnderTest& tried = memory_with(),
                     const ConformanceOptions& options = {}) {
  const StreamCase one{"a case of this test", StreamTrait::nothing, body};
  return run_stream_case(tried, one, options);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Who writes, in each run of a case.
std::vector<std::string> writers;

/// While it lives, nothing is printed: a summary that stands in the log is counted.
class NothingPrinted {
 public:
  NothingPrinted() {
    std::fflush(stdout);
    before_ = ::dup(1);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, 1);
    ::close(nowhere);
  }
  NothingPrinted(const NothingPrinted&) = delete;
  NothingPrinted& operator=(const NothingPrinted&) = delete;
  ~NothingPrinted() {
    std::fflush(stdout);
    ::dup2(before_, 1);
    ::close(before_);
  }

 private:
  int before_;
};

int status_of(std::vector<const char*> arguments, const StreamUnderTest& tried) {
  const NothingPrinted quiet;
  arguments.insert(arguments.begin(), "program");
  return stream_conformance_main(static_cast<int>(arguments.size()), arguments.data(), tried);
}

}  // namespace

TEST_CASE("there are at least 70 cases of streams, each with a name of its own and a group") {
  std::set<std::string> names;
  for (const StreamCase& one : stream_cases()) {
    CHECK_MESSAGE(names.insert(one.name).second, one.name);
    CHECK(std::string(one.group) != "");
  }
  CHECK(names.size() >= 70);
}

TEST_CASE("a report of streams says how many cases passed, failed and were skipped") {
  const StreamReport nothing;

  CHECK(nothing.summary("mine") == "conformance mine: 0 passed, 0 failed, 0 skipped");
}

TEST_CASE("a case runs with either end as the one that writes, or of one way with the near one") {
  const auto note_writer = [](StreamContext& c) -> Task<> {
    StreamPair p = co_await c.connect();
    writers.push_back(p.near.local());
  };
  writers.clear();
  CHECK(result_of(note_writer).verdict == Verdict::passed);
  CHECK(writers == std::vector<std::string>{"memory pipe, near end", "memory pipe, far end"});

  writers.clear();
  result_of(note_writer, memory_with(StreamTrait::half_close));
  CHECK(writers == std::vector<std::string>{"memory pipe, near end"});
}

TEST_CASE("a failed check ends a case of streams, and tells where it stands and what it found") {
  static bool went_on;
  went_on = false;

  const CaseResult result = result_of([](StreamContext& c) -> Task<> {
    StreamPair p = co_await c.connect();
    c.equal(p.near.bytes_read(), std::uint64_t{3}, "bytes_read");
    went_on = true;
  });

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "kit.cpp:"));
  CHECK(contains(result.reason, "bytes_read is 0 and should be 3"));
  CHECK_FALSE(went_on);
}

TEST_CASE("a case that fails with the ends the other way round only says so") {
  const CaseResult result = result_of([](StreamContext& c) -> Task<> {
    StreamPair p = co_await c.connect();
    c.check(p.near.local() == "memory pipe, near end", "it is the near end");
  });

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "(the far end as the near one)"));
}

TEST_CASE("a case that does not end fails with what its tasks wait for") {
  const CaseResult in_virtual = result_of([](StreamContext& c) -> Task<> {
    StreamPair p = co_await c.connect();
    co_await p.far.read_more();
  });
  StreamUnderTest tried = memory_with();
  tried.reactor = on_poll();
  ConformanceOptions options;
  options.limit = 200ms;
  const CaseResult in_real = result_of(
      [](StreamContext& c) -> Task<> {
        StreamPair p = co_await c.connect();
        co_await p.far.read_more();
      },
      tried, options);

  for (const CaseResult& result : {in_virtual, in_real}) {
    CHECK(result.verdict == Verdict::failed);
    CHECK_MESSAGE(contains(result.reason, "it does not end; its tasks:"), result.reason);
    CHECK(contains(result.reason, "waiting on"));
  }
}

TEST_CASE("a task that a case of streams leaves behind fails it") {
  static Event never;

  const CaseResult result = result_of([](StreamContext&) -> Task<> {
    spawn([]() -> Task<> { co_await never; }).detach();
    co_return;
  });

  CHECK(contains(result.reason, "it leaves behind 1 tasks"));
}

TEST_CASE("an error that is no std::system_error, or does not name its peer, fails the check") {
  const CaseResult other = result_of([](StreamContext& c) -> Task<> {
    c.failed(Outcome<void>(Failure(std::runtime_error("read from me"))), "read from ", "me");
    co_return;
  });
  const CaseResult nameless = result_of([](StreamContext& c) -> Task<> {
    const std::system_error error(std::make_error_code(std::errc::broken_pipe), "read");
    c.failed(Outcome<void>(Failure(error)), "read from ", "me");
    co_return;
  });
  const CaseResult none = result_of([](StreamContext& c) -> Task<> {
    c.failed(Outcome<void>(), "read from ", "me");
    co_return;
  });

  CHECK(contains(other.reason, "is a std::system_error"));
  CHECK(contains(nameless.reason, "'read: Broken pipe' begins with 'read from me'"));
  CHECK(contains(none.reason, "there is an error"));
}

TEST_CASE("a case that is about what the stream is not is skipped, and the reason told") {
  const StreamCase one{"needy", StreamTrait::two_ways | StreamTrait::reset,
                       [](StreamContext& c) -> Task<> {
                         c.check(false, "it is run");
                         co_return;
                       }};
  StreamUnderTest tried = memory_with(StreamTrait::two_ways);

  const CaseResult lacking = run_stream_case(tried, one);
  tried.skip["needy"] = "it is known";
  const CaseResult named = run_stream_case(tried, one);

  CHECK(lacking.verdict == Verdict::skipped);
  CHECK(lacking.reason == "is about reset");
  CHECK(named.verdict == Verdict::skipped);
  CHECK(named.reason == "it is known");
}

TEST_CASE("what the maker of the pair throws fails the case") {
  StreamUnderTest tried = memory_with();
  tried.make = [](Reactor&) -> StreamPair { throw std::runtime_error("no pairs today"); };

  const CaseResult result =
      result_of([](StreamContext& c) -> Task<> { static_cast<void>(co_await c.connect()); }, tried);

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "no pairs today"));
}

TEST_CASE("a filter that lets no case of streams pass, and a skip that is none's, are mistakes") {
  ConformanceOptions options;
  options.out = nullptr;
  options.filter = "no such case";
  CHECK_THROWS_AS(run_stream_conformance(memory_with(), options), std::invalid_argument);

  options.filter = "bytes: ";
  StreamUnderTest tried = memory_with();
  tried.skip["no such case"] = "it is not wanted";
  CHECK_THROWS_WITH(run_stream_conformance(tried, options),
                    "skip: there is no case 'no such case'");
}

TEST_CASE("the plain main() front of streams gives 0, 1 or 2, and knows its options") {
  StreamUnderTest broken = memory_with();
  broken.name = "broken-on-purpose";
  broken.make = [](Reactor&) -> StreamPair { ::_exit(9); };

  CHECK(status_of({"--filter=a byte that is written"}, memory_with()) == 0);
  CHECK(status_of({"--filter=a byte that is written"}, broken) == 1);
  CHECK(status_of({"--list"}, broken) == 0);
  CHECK(status_of({"--help"}, broken) == 0);
  CHECK(status_of({"--twisted"}, memory_with()) == 2);
}
