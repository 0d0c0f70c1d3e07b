// SPDX-License-Identifier: MIT
// poll(2) conforms.
#include "reactors/poll.hpp"
#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred::testing;

namespace {

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "poll";
  tried.make = deferred::reactors::poll;
  tried.can = whole_real_time | Capability::forks;
  return tried;
}

}  // namespace

TEST_CASE("the poll backend conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the poll backend conform") { check_all_streams(on_this()); }
