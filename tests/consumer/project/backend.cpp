// SPDX-License-Identifier: MIT
//
// The same for a backend, the one that BACKEND names: it runs a reactor, or says what it misses.
#include <cstdio>
#include <deferred/reactor/reactor.hpp>
#include <stdexcept>

// clang-format off: it would put blanks around the slash
#define TEXT(x) #x
#define HEADER(x) TEXT(reactors/x.hpp)
#include HEADER(BACKEND)
// clang-format on

int main() {
  bool called = false;
  try {
    deferred::Reactor reactor{deferred::reactors::BACKEND()};
    reactor.post([&] {
      called = true;
      reactor.stop();
    });
    reactor.run();
  } catch (const std::logic_error& error) {  // Qt's, for there is no application
    std::puts(error.what());
    called = true;
  }
  return called ? 0 : 1;
}
