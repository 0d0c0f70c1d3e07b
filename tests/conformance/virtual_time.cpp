// SPDX-License-Identifier: MIT
// Virtual time conforms, as far as there is no real time in it.
#include "reactors/virtual_time.hpp"
#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred::testing;

namespace {

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "virtual_time";
  tried.make = [] { return std::make_unique<deferred::reactors::VirtualTime>(); };
  tried.can = Capability::virtual_time | Capability::sub_millisecond | Capability::threads |
              Capability::descriptors | Capability::lost_descriptors | Capability::regular_files |
              Capability::forks;
  return tried;
}

}  // namespace

TEST_CASE("the virtual time backend conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the virtual time backend conform") { check_all_streams(on_this()); }
