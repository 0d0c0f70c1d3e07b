// SPDX-License-Identifier: MIT
//
// What the free lists keep, and that nothing of it outlives its thread.
#include "deferred/detail/free_list.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

using namespace deferred;

namespace {

std::atomic<long> live{0};

}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  ++live;
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory) --live;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

TEST_CASE("a block is used again by the thread that released it") {
  void* const first = detail::allocate(100);
  detail::release(first, 100);

  void* const second = detail::allocate(104);
  detail::release(second, 104);

  CHECK(first == second);
}

TEST_CASE("what a thread has released is freed at its end") {
  const long before = live;
  std::thread([] {
    void* const block = detail::allocate(100);
    detail::release(block, 100);
  }).join();

  CHECK(live == before);
}

// Such blocks were leaked: a thread that only released them did not know that it had a list.
TEST_CASE("blocks that came from another thread are freed at the end of the one that released") {
  const long before = live;
  {
    std::vector<void*> blocks;
    for (int i = 0; i < 10; ++i) blocks.push_back(detail::allocate(300));
    std::thread([&] {
      for (void* const block : blocks) detail::release(block, 300);
    }).join();
  }

  CHECK(live == before);
}

TEST_CASE("a list keeps no more than its share") {
  constexpr std::size_t size = 1024, most = detail::FreeList::keep / size;
  const long before = live;
  {
    std::vector<void*> blocks;
    for (std::size_t i = 0; i < most + 100; ++i) blocks.push_back(detail::allocate(size));
    for (void* const block : blocks) detail::release(block, size);
  }

  CHECK(live - before <= static_cast<long>(most));
}

TEST_CASE("what is released after the end of a thread's lists is freed") {
  const long before = live;
  std::thread([] {
    struct Late {
      void* block = nullptr;
      ~Late() { detail::release(block, 200); }
    };
    thread_local Late late;  // made before the lists are begun, and so destroyed after their end
    late.block = detail::allocate(200);
    void* const other = detail::allocate(216);
    detail::release(other, 216);
  }).join();

  CHECK(live == before);
}
