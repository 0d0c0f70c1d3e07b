// SPDX-License-Identifier: MIT
// The stream conformance kit without a test framework: streams in memory under its main() front.
#include "deferred/testing/memory_pipe.hpp"
#include "deferred/testing/stream_conformance_main.hpp"

int main(int argc, char** argv) {
  using namespace deferred::testing;
  StreamUnderTest tried;
  tried.name = "memory-by-plain-main";
  tried.make = [](deferred::Reactor& reactor) { return memory_pipe(reactor); };
  tried.reactor = in_virtual_time();
  return stream_conformance_main(argc, argv, tried);
}
