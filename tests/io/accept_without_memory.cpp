// SPDX-License-Identifier: MIT
//
// accept() when memory runs out: the connection is closed or stays in the queue, and nothing leaks.
#include <cstdlib>
#include <new>
#include <optional>

#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Listener;
using io::Stream;

namespace {

constexpr long none = -1;
long until_failure = none;  // so many allocations still succeed, and then one does not

}  // namespace

void* operator new(std::size_t bytes) {
  if (until_failure != none && until_failure-- == 0) throw std::bad_alloc();
  if (void* const memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("an accept that runs out of memory leaves no descriptor behind, and the next one works") {
  bool reached = true;
  for (long failing = 0; reached; ++failing) {
    REQUIRE(failing < 50);
    run([&](Reactor& reactor) -> Task<void> {
      // Of IPv6 the text of an address is longer than what a string keeps in place.
      const bool six = has_ipv6(reactor);
      const char* const host = six ? "::1" : "127.0.0.1";
      Listener listener = io::listen(reactor, host, 0);
      const Stream first = co_await io::connect(host, listener.port());
      const auto before = open_descriptors();

      std::optional<Stream> got;
      bool failed = false;
      until_failure = failing;
      try {
        got.emplace(co_await listener.accept());
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      reached = std::exchange(until_failure, none) == none;

      CHECK(failed == !got);
      CHECK(failed <= reached);
      CHECK(open_descriptors() == before + (got ? 1 : 0));
      const Stream second = co_await io::connect(host, listener.port());
      const Stream next = co_await listener.accept();
      CHECK(next.is_open());
    });
  }
}
