// SPDX-License-Identifier: MIT
// The reactor of samples/own_reactor.cpp, on select(2), conforms: what a user has to do for his
// own.
#define main sample_main
#include "samples/own_reactor.cpp"
#undef main

#include "deferred/testing/reactor_conformance_doctest.hpp"

using namespace deferred::testing;

TEST_CASE("the select(2) reactor of the samples conforms") {
  ReactorUnderTest tried;
  tried.name = "select";
  tried.make = [] { return std::make_unique<Select>(); };

  check_conformance(tried);
}
