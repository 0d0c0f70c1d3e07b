// SPDX-License-Identifier: MIT
// The conformance kit itself: what it counts as passed, failed and skipped, and what it tells.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

#include "deferred/testing/conformance/context.hpp"
#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "deferred/testing/reactor_conformance_main.hpp"
#include "reactors/poll.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;

namespace {

ReactorUnderTest poll_with(Capability can = whole_real_time) {
  ReactorUnderTest tried;
  tried.name = "poll";
  tried.make = reactors::poll;
  tried.can = can;
  return tried;
}

CaseResult result_of(void (*run)(Context&), const ConformanceOptions& options = {},
                     Capability needs = Capability::nothing) {
  const ConformanceCase one{"a case of this test", needs, run};
  return run_case(poll_with(), one, options);
}

ConformanceOptions isolated_for(Duration limit) {
  ConformanceOptions options;
  options.isolate = true;
  options.limit = limit;
  return options;
}

bool contains(const std::string& text, const char* part) {
  return text.find(part) != std::string::npos;
}

/// What a case leaves behind, where the test can let go of it.
struct Left {
  DelayedCall timer;
  Watch watch;
  std::unique_ptr<SocketPair> pair;
  int fd = -1;
};
Left left;

/// While it lives, nothing is printed: a summary that stands in the log is counted.
class Quiet {
 public:
  Quiet() {
    std::fflush(stdout);
    before_ = ::dup(1);
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, 1);
    ::close(nowhere);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    std::fflush(stdout);
    ::dup2(before_, 1);
    ::close(before_);
  }

 private:
  int before_;
};

int quiet_main(int argc, const char* const* argv, const ReactorUnderTest& tried) {
  const Quiet quiet;
  return reactor_conformance_main(argc, argv, tried);
}

Task<> wait_on(Deferred<void> deferred) { co_await std::move(deferred); }

}  // namespace

TEST_CASE("there are at least 150 cases, each with a name of its own, a group and a body") {
  std::set<std::string> names;
  for (const ConformanceCase& one : conformance_cases()) {
    CHECK_MESSAGE(names.insert(one.name).second, one.name);
    CHECK(std::string(one.group) != "");
    CHECK((one.run != nullptr));
  }
  CHECK(names.size() >= 150);
}

TEST_CASE("a case whose checks hold passes") {
  const CaseResult result = result_of([](Context& c) {
    c.check(true, "truth");
    c.equal(1 + 1, 2, "a sum");
    c.turn();
  });

  CHECK(result.verdict == Verdict::passed);
  CHECK(result.reason == "");
}

TEST_CASE("a failed check ends the case, and tells where it stands and what it found") {
  static bool went_on;
  went_on = false;

  const CaseResult result = result_of([](Context& c) {
    c.equal(1 + 1, 3, "the sum");
    went_on = true;
  });

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "kit.cpp:"));
  CHECK(contains(result.reason, "the sum is 2 and should be 3"));
  CHECK_FALSE(went_on);
}

TEST_CASE("a failed check in a callback fails the case") {
  const CaseResult result = result_of([](Context& c) {
    c.reactor().post([&] { c.check(false, "the world is flat"); });
    c.turn();
  });

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "the world is flat"));
}

TEST_CASE("an exception fails the case with its text") {
  const CaseResult result = result_of([](Context&) { throw std::runtime_error("out of luck"); });

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "out of luck"));
}

TEST_CASE("a failure that nobody handled fails the case, unless it takes the report") {
  const CaseResult untaken = result_of([](Context& c) {
    c.reactor().post([] { throw std::runtime_error("nobody cares"); });
    c.turn();
  });
  const CaseResult taken = result_of([](Context& c) {
    c.reactor().post([] { throw std::runtime_error("nobody cares"); });
    c.turn();
    c.equal(c.report_texts(), "nobody cares", "what is reported");
  });

  CHECK(untaken.verdict == Verdict::failed);
  CHECK(contains(untaken.reason, "nobody cares"));
  CHECK(taken.verdict == Verdict::passed);
}

TEST_CASE("a timer, a watch, a task, a post or a descriptor that is left behind fails the case") {
  const CaseResult timer =
      result_of([](Context& c) { left.timer = c.reactor().call_later(1h, [] {}); });
  CHECK(contains(timer.reason, "it leaves behind 1 timers"));

  const CaseResult watch = result_of([](Context& c) {
    left.pair = std::make_unique<SocketPair>();
    left.watch = c.reactor().watch((*left.pair)[0], Ready::read, [] {});
  });
  CHECK(contains(watch.reason, "it leaves behind 1 watched descriptors"));

  const CaseResult task = result_of([](Context& c) {
    static std::optional<Promise<void>> promise;
    auto [p, d] = make_deferred<void>();
    promise.emplace(std::move(p));
    spawn(c.reactor(), wait_on(std::move(d)));
    c.turn();
  });
  CHECK(contains(task.reason, "it leaves behind 1 tasks"));
  CHECK(contains(task.reason, "waiting on"));

  const CaseResult post = result_of([](Context& c) { c.reactor().post([] {}); });
  CHECK(contains(post.reason, "posts"));

  const CaseResult descriptor = result_of([](Context&) { left.fd = ::dup(0); });
  CHECK(contains(descriptor.reason, "it leaves open descriptor"));

  for (const CaseResult& one : {timer, watch, task, post, descriptor}) {
    CHECK(one.verdict == Verdict::failed);
  }
  left.timer = DelayedCall();
  left.watch = Watch();
  left.pair.reset();
  ::close(left.fd);
}

TEST_CASE("a case that needs what the reactor cannot do is skipped, and the reason told") {
  const ConformanceCase one{"needy", Capability::threads | Capability::regular_files,
                            [](Context& c) { c.check(false, "it is run"); }};

  const CaseResult result = run_case(poll_with(Capability::threads), one);

  CHECK(result.verdict == Verdict::skipped);
  CHECK(result.reason == "needs regular files");
}

TEST_CASE("a case is skipped by its name, with the reason that was given") {
  const ConformanceCase one{"unwanted", Capability::nothing,
                            [](Context& c) { c.check(false, "it is run"); }};
  ReactorUnderTest tried = poll_with();
  tried.skip["unwanted"] = "it is known";

  const CaseResult result = run_case(tried, one);

  CHECK(result.verdict == Verdict::skipped);
  CHECK(result.reason == "it is known");
}

TEST_CASE("a case may find out itself that it does not apply here") {
  const CaseResult result = result_of([](Context& c) { c.skip("not on a Sunday"); });

  CHECK(result.verdict == Verdict::skipped);
  CHECK(result.reason == "not on a Sunday");
}

TEST_CASE("a case whose time is over has its reactor stopped, and its tasks listed") {
  ConformanceOptions options;
  options.limit = 50ms;

  const CaseResult result = result_of(
      [](Context& c) {
        auto [promise, never] = make_deferred<void>();
        c.reactor().set_error_hook([](const Failure&, std::string_view) {});  // it is stuck
        Spawned<void> task = spawn(c.reactor(), wait_on(std::move(never)));
        c.reactor().run();
        task.task().close();
      },
      options);

  CHECK(result.verdict == Verdict::failed);
  CHECK_MESSAGE(contains(result.reason, "it took too long; its tasks:"), result.reason);
  CHECK(contains(result.reason, "waiting on deferred::Deferred<void>"));
}

TEST_CASE("what is waited for by until() and does not come fails when the time is over") {
  ConformanceOptions options;
  options.limit = 50ms;

  const CaseResult result =
      result_of([](Context& c) { c.until([] { return false; }, "better weather"); }, options);

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "better weather does not come about"));
}

TEST_CASE("isolated, a case gives the same result") {
  const auto options = isolated_for(10s);

  const CaseResult passed = result_of([](Context& c) { c.turn(); }, options);
  const CaseResult failed = result_of([](Context& c) { c.check(false, "truth"); }, options);
  const CaseResult skipped = result_of([](Context& c) { c.skip("because"); }, options);

  CHECK(passed.verdict == Verdict::passed);
  CHECK(failed.verdict == Verdict::failed);
  CHECK(contains(failed.reason, "truth"));
  CHECK(skipped.verdict == Verdict::skipped);
  CHECK(skipped.reason == "because");
}

TEST_CASE("isolated, a case that spins is killed and fails") {
  const CaseResult result = result_of(
      [](Context&) {
        volatile bool forever = true;
        while (forever) {
        }
      },
      isolated_for(100ms));

  CHECK(result.verdict == Verdict::failed);
  CHECK(contains(result.reason, "it hung"));
}

TEST_CASE("isolated, a case that ends its process fails with how it ended") {
  const CaseResult killed =
      result_of([](Context&) { ::kill(::getpid(), SIGKILL); }, isolated_for(10s));
  const CaseResult left_early = result_of([](Context&) { ::_exit(3); }, isolated_for(10s));

  CHECK(killed.verdict == Verdict::failed);
  CHECK(contains(killed.reason, "Killed"));
  CHECK(left_early.verdict == Verdict::failed);
  CHECK(contains(left_early.reason, "status 3"));
}

TEST_CASE("the report counts, and its last line has its form") {
  static const ConformanceCase one{"any", Capability::nothing, [](Context&) {}};
  ConformanceReport report;
  for (const Verdict verdict : {Verdict::passed, Verdict::passed, Verdict::skipped}) {
    report.lines.push_back({&one, {verdict, ""}});
  }

  CHECK(report.summary("mine") == "conformance mine: 2 passed, 0 failed, 1 skipped");
}

TEST_CASE("a filter chooses cases by group and name; a limit of failures ends the run") {
  ConformanceOptions options;
  options.out = nullptr;
  options.filter = "posts: ";
  const std::size_t posts = run_conformance(poll_with(), options).lines.size();
  CHECK(posts > 5);
  CHECK(posts < conformance_cases().size());

  options.filter = "";
  options.most_failures = 1;
  ReactorUnderTest broken = poll_with();
  broken.make = []() -> std::unique_ptr<Backend> { throw std::runtime_error("no backend"); };
  options.isolate = true;  // so that it is the cases' matter that there is none
  const ConformanceReport report = run_conformance(broken, options);
  REQUIRE(report.lines.size() == 1);
  CHECK(report.count(Verdict::failed) == 1);
  CHECK(contains(report.lines[0].result.reason, "no backend"));
}

TEST_CASE("a filter that lets no case pass, and a skip that is no case's, are mistakes") {
  ConformanceOptions options;
  options.out = nullptr;
  options.filter = "no such case";
  CHECK_THROWS_AS(run_conformance(poll_with(), options), std::invalid_argument);

  options.filter = "posts: ";
  ReactorUnderTest tried = poll_with();
  tried.skip["no such case"] = "it is not wanted";
  CHECK_THROWS_WITH(run_conformance(tried, options), "skip: there is no case 'no such case'");
}

TEST_CASE("every behaviour of Twisted's suites has a case or a reason, and they are listed") {
  const std::string table = twisted_coverage();

  MESSAGE("\n" << table);
  CHECK_FALSE(contains(table, "NO CASE"));
  CHECK_FALSE(contains(table, "UNKNOWN BEHAVIOUR"));
  CHECK(contains(table, ", 0 are open\n"));
}

TEST_CASE("the plain main() front refuses what it does not know") {
  const char* wrong[] = {"program", "--isolated"};
  const char* no_number[] = {"program", "--limit=soon"};

  CHECK(reactor_conformance_main(2, wrong, poll_with()) == 2);
  const char* no_case[] = {"program", "--filter=no such case"};

  CHECK(reactor_conformance_main(2, no_number, poll_with()) == 2);
  CHECK(reactor_conformance_main(2, no_case, poll_with()) == 2);
}

TEST_CASE("the plain main() front tells how it is used, and runs nothing") {
  const char* help[] = {"program", "--help"};
  ReactorUnderTest broken = poll_with();
  broken.make = []() -> std::unique_ptr<Backend> { ::_exit(9); };

  CHECK(quiet_main(2, help, broken) == 0);
}

TEST_CASE("the plain main() front runs each case in a process of its own, unless told otherwise") {
  const char* arguments[] = {"program", "--filter=posts: a post is not called inside post()"};
  const pid_t here = ::getpid();
  ReactorUnderTest tried = poll_with();
  tried.name = "in-a-process";
  const auto make = tried.make;
  static pid_t in;
  in = here;
  tried.make = [make] {
    in = ::getpid();
    return make();
  };

  CHECK(quiet_main(2, arguments, tried) == 0);
  CHECK(in == here);  // what the case wrote, it wrote in its own process
}

TEST_CASE("the plain main() front gives 0 if no case failed, and 1 if one did") {
  const char* arguments[] = {"program", "--isolate", "--filter=posts: ", "--limit=10"};
  ReactorUnderTest broken = poll_with();
  broken.name = "broken-on-purpose";
  broken.make = []() -> std::unique_ptr<Backend> { ::_exit(9); };

  CHECK(quiet_main(4, arguments, poll_with()) == 0);
  CHECK(quiet_main(4, arguments, broken) == 1);
}
