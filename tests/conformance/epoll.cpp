// SPDX-License-Identifier: MIT
// epoll(7) conforms.
#include "reactors/epoll.hpp"

#include "deferred/testing/reactor_conformance_doctest.hpp"

using namespace deferred::testing;

TEST_CASE("the epoll backend conforms") {
  ReactorUnderTest tried;
  tried.name = "epoll";
  tried.make = deferred::reactors::epoll;
  // It refuses regular files, and the kernel forgets a descriptor when it is closed.
  tried.can = Capability::real_time | Capability::sub_millisecond | Capability::threads |
              Capability::descriptors | Capability::forks;

  check_conformance(tried);
}
