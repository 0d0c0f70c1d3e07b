// SPDX-License-Identifier: MIT
// epoll(7) conforms.
#include "reactors/epoll.hpp"

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred::testing;

namespace {

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "epoll";
  tried.make = deferred::reactors::epoll;
  // It refuses regular files, and the kernel forgets a descriptor when it is closed.
  tried.can = Capability::real_time | Capability::sub_millisecond | Capability::threads |
              Capability::descriptors | Capability::forks;
  return tried;
}

}  // namespace

TEST_CASE("the epoll backend conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the epoll backend conform") { check_all_streams(on_this()); }
