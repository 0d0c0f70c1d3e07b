// SPDX-License-Identifier: MIT
//
// Children of which each system call fails once.
#include <doctest/doctest.h>

#include <cerrno>
#include <exception>
#include <optional>
#include <string>

#include "deferred/io.hpp"
#include "tests/failing_calls/tries.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/children.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Exit;
using io::Process;
using io::ProcessOptions;
using io::Standard;

namespace {

/// It says what it is told.
Process start_to_talk() {
  ProcessOptions options;
  options.errors = Standard::null;
  return Process::start({"cat"}, options);
}

}  // namespace

TEST_CASE(
    "whatever call for a child fails, it is talked with and reaped, or the error says which") {
  each_call_fails([](Reactor&) -> Task<std::string> {
    Process child = start_to_talk();
    std::string heard;
    std::exception_ptr error;
    try {
      co_await child.input.write_all("hello");
      child.input.close();
      heard = co_await child.output.read_to_end();
    } catch (const std::system_error&) {
      error = std::current_exception();
    }
    if (error) {
      co_await child.terminate(0s);
      std::rethrow_exception(error);
    }
    const Exit exit = co_await child.wait();
    co_return heard + ", " + exit.text();
  });
}

TEST_CASE("whatever call for the end of a child fails, it ends and is reaped") {
  each_call_fails([](Reactor&) -> Task<std::string> {
    std::optional<Process> child;
    {
      const WithoutFaults by_hand;
      child = start_to_talk();
    }
    const Exit exit = co_await child->terminate(1h);
    co_return exit.text();
  });
}

TEST_CASE("a child that cannot be watched is not left, though a signal interrupts its reaping") {
  run([](Reactor&) -> Task<> {
    const WithFault failing(Fault{Call::waitpid, 0, EINTR}, Fault{Call::pidfd_open, 0, EMFILE});
    std::string said;

    try {
      const Process child = start_to_talk();
    } catch (const std::system_error& error) {
      said = error.what();
    }

    CHECK(said == "start cat: Too many open files");
    CHECK(WithFault::has_failed());
    CHECK(has_no_child());
    co_return;
  });
}

TEST_CASE(
    "a child that somebody else has reaped before it is looked at has ended, nobody knows how") {
  run([](Reactor&) -> Task<> {
    const WithFault gone(Fault{Call::pidfd_open, 0, ESRCH});

    Process child = Process::start({"true"});
    const Exit exit = co_await child.wait();

    CHECK(exit.how() == Exit::How::unknown);
    const WithoutFaults by_hand;
    CHECK(::waitpid(static_cast<pid_t>(child.pid()), nullptr, 0) == child.pid());
  });
}
