// SPDX-License-Identifier: MIT
// The reactor of samples/own_reactor.cpp, on select(2), conforms: what a user has to do for his
// own.
#define main sample_main
#include "samples/own_reactor.cpp"
#undef main

#include "deferred/testing/reactor_conformance_doctest.hpp"
#include "tests/streams/kinds.hpp"

using namespace deferred::testing;

namespace {

ReactorUnderTest on_this() {
  ReactorUnderTest tried;
  tried.name = "select";
  tried.make = [] { return std::make_unique<Select>(); };
  return tried;
}

}  // namespace

TEST_CASE("the select(2) reactor of the samples conforms") { check_conformance(on_this()); }

TEST_CASE("streams on the select(2) reactor of the samples conform") {
  check_all_streams(on_this());
}
