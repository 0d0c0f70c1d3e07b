// SPDX-License-Identifier: MIT
//
// What the free lists keep, and that nothing of it outlives its thread.
#include "deferred/memory/free_list.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <utility>
#include <vector>

using namespace deferred;

namespace {

std::atomic<long> live{0};

/// So many blocks of one size, until release().
class Blocks {
 public:
  Blocks(std::size_t count, std::size_t size) : size_(size) {
    for (std::size_t i = 0; i < count; ++i) blocks_.push_back(detail::allocate(size));
  }
  void release() {
    for (void* const block : std::exchange(blocks_, {})) detail::release(block, size_);
  }
  ~Blocks() { release(); }

 private:
  std::vector<void*> blocks_;
  std::size_t size_;
};

std::chrono::steady_clock::time_point at(int second) {
  return std::chrono::steady_clock::time_point(std::chrono::seconds(second));
}

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

TEST_CASE("a block of any size has room for it, and is aligned as from malloc") {
  for (const std::size_t size : {0, 1, 8, 9, 24, 25, 1016, 1017, 1024, 5000}) {
    void* const block = detail::allocate(size);
    std::memset(block, 1, size);

    CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
    detail::release(block, size);
  }
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

TEST_CASE("the lists of a thread keep no more than their share, whatever the sizes") {
  constexpr std::size_t size = 1000, other = 500, most = detail::FreeList::least / other;
  std::thread([] {
    const long before = live;
    Blocks large(most, size), small(most, other);
    large.release();
    small.release();

    CHECK(live - before <= static_cast<long>(most));
    CHECK(live - before >= static_cast<long>(most / 3));
  }).join();
}

TEST_CASE("from the third on, bursts that follow one another are served from the lists") {
  constexpr std::size_t size = 1000, many = 4 * detail::FreeList::least / size;
  std::thread([] {
    for (int burst = 0; burst < 2; ++burst) Blocks(many, size).release();
    const long before = live;

    Blocks third(many, size);

    CHECK(live == before + 1);  // the list of them
  }).join();
}

TEST_CASE("no burst makes the lists grow beyond the most") {
  constexpr std::size_t size = 1000, many = 2 * detail::FreeList::most / size;
  std::thread([] {
    const long before = live;

    for (int burst = 0; burst < 3; ++burst) Blocks(many, size).release();

    CHECK(live - before <= static_cast<long>(detail::FreeList::most / size));
  }).join();
}

TEST_CASE("what has not been needed for a second is given back, down to the least") {
  constexpr std::size_t size = 1000, many = 4 * detail::FreeList::least / size;
  std::thread([] {
    const long before = live;
    for (int burst = 0; burst < 2; ++burst) Blocks(many, size).release();
    REQUIRE(detail::free_list.has_grown);
    REQUIRE(live - before > static_cast<long>(many / 2));

    for (int second = 0; second < 3; ++second) detail::tend_free_list(at(second));

    CHECK(live - before <= static_cast<long>(detail::FreeList::least / size));
    CHECK_FALSE(detail::free_list.has_grown);
  }).join();
}

TEST_CASE("what is needed within each second is kept") {
  constexpr std::size_t size = 1000, many = 4 * detail::FreeList::least / size;
  std::thread([] {
    for (int burst = 0; burst < 2; ++burst) Blocks(many, size).release();
    const long before = live;

    for (int second = 0; second < 5; ++second) {
      detail::tend_free_list(at(second));
      Blocks(many, size).release();
    }

    CHECK(live >= before);
  }).join();
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

TEST_CASE("while a NoRecycling lives, each block is asked of operator new and given back to it") {
  std::thread([] {
    detail::release(detail::allocate(100), 100);
    const long recycling = live;
    {
      const detail::NoRecycling none;
      const long before = live;
      void* const block = detail::allocate(100);
      const long with_block = live;
      detail::release(block, 100);

      CHECK(before == recycling - 1);  // what was kept is given back
      CHECK(with_block == before + 1);
      CHECK(live == before);
    }

    void* const first = detail::allocate(100);
    detail::release(first, 100);
    void* const second = detail::allocate(100);
    detail::release(second, 100);
    CHECK(first == second);
  }).join();
}
