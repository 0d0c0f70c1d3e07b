// SPDX-License-Identifier: MIT
// The conformance kit without a test framework: poll(2) under the plain main() front.
#include "deferred/testing/reactor_conformance_main.hpp"
#include "reactors/poll.hpp"

int main(int argc, char** argv) {
  deferred::testing::ReactorUnderTest tried;
  tried.name = "poll-by-plain-main";
  tried.make = deferred::reactors::poll;
  return deferred::testing::reactor_conformance_main(argc, argv, tried);
}
