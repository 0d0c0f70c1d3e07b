// SPDX-License-Identifier: MIT
// What a stream keeps of memory. All allocations of this program are counted.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>

#include "deferred/io/length_prefixed.hpp"
#include "deferred/io/stream.hpp"
#include "tests/io/loopback.hpp"

namespace {

// Each block has its size before it.
constexpr std::size_t head = alignof(std::max_align_t);
std::size_t in_use = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const block = std::malloc(size + head);
  if (!block) throw std::bad_alloc();
  *static_cast<std::size_t*>(block) = size;
  in_use += size;
  return static_cast<std::byte*>(block) + head;
}
[[gnu::noinline]] void operator delete(void* of) noexcept {
  if (!of) return;
  void* const block = static_cast<std::byte*>(of) - head;
  in_use -= *static_cast<std::size_t*>(block);
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* of, std::size_t) noexcept { operator delete(of); }

using namespace deferred;
using namespace deferred::testing;

TEST_CASE("a stream gives back a buffer of more than 64 KiB when all of it is consumed") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const std::string text = pattern(1 << 20);
    Spawned<void> writer = spawn(reactor, ends.far.write_all(text));
    const std::size_t before = in_use;

    while (ends.near.buffered().size() < text.size()) {
      const bool more = co_await ends.near.read_more();
      REQUIRE(more);
    }
    const std::size_t full = in_use;
    ends.near.consume(text.size());
    const std::size_t empty = in_use;
    co_await std::move(writer);

    CHECK(full >= before + text.size());
    CHECK(empty < before + (64 << 10));
  });
}

TEST_CASE("a length that was told takes no memory before its bytes come") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const std::string_view beginning("\x40\0\0\0a byte", 10);
    const std::size_t before = in_use;
    Spawned<std::optional<std::string>> reader =
        spawn(reactor, io::read_prefixed<std::uint32_t>(ends.near, 1 << 30));

    co_await ends.far.write_all(beginning);
    co_await turns(5);

    CHECK(ends.near.buffered() == beginning);
    CHECK(in_use < before + (16 << 10));
    reader.task().cancel();
    static_cast<void>(co_await as_outcome(std::move(reader)));
  });
}
