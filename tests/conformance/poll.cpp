// SPDX-License-Identifier: MIT
// poll(2) conforms.
#include "reactors/poll.hpp"
#include "deferred/testing/reactor_conformance_doctest.hpp"

using namespace deferred::testing;

TEST_CASE("the poll backend conforms") {
  ReactorUnderTest tried;
  tried.name = "poll";
  tried.make = deferred::reactors::poll;
  tried.can = whole_real_time | Capability::forks;

  check_conformance(tried);
}
