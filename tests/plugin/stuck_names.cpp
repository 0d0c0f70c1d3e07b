// SPDX-License-Identifier: MIT
//
// A plug-in that brings the library into a program without one. Its reactor ends while a thread
// of it is stuck in getaddrinfo, which is the program's.
#include "deferred/io/names.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/spawn.hpp"

extern "C" void wait_until_asked();  // of the program

extern "C" [[gnu::visibility("default")]] void begin_look_up() {
  deferred::Reactor reactor;
  deferred::spawn(reactor, deferred::io::names::look_up("example.org"));
  for (int turn = 0; turn < 3; ++turn) reactor.backend().run_once(false);
  wait_until_asked();
}
