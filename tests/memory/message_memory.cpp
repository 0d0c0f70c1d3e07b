// SPDX-License-Identifier: MIT
// The slabs that messages between threads are cut from.
#include "deferred/memory/message_memory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/reactor/reactor.hpp"
#include "deferred/reactor/remote_reactor.hpp"

using namespace deferred;
using detail::cut_block;
using detail::drop_block;
using detail::MessageSlab;

namespace {

std::atomic<int> live_slabs{0};

}  // namespace

// Slabs alone ask for an alignment of their size.
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t align) {
  void* const memory = std::aligned_alloc(static_cast<std::size_t>(align), size);
  if (!memory) throw std::bad_alloc();
  if (align == std::align_val_t(MessageSlab::size)) ++live_slabs;
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t align) noexcept {
  if (align == std::align_val_t(MessageSlab::size)) --live_slabs;
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t align) noexcept {
  operator delete(memory, align);
}

namespace {

/// On a thread of its own, which has no slab yet and leaves none.
template <class F>
void on_a_thread(F f) {
  std::thread(f).join();
}

/// Cuts a block at the end of its thread.
struct Late {
  void** to = nullptr;
  ~Late() {
    if (to) *to = cut_block(16);
  }
};
thread_local Late late;

/// Cuts blocks of that size until there are two slabs; gives them, the last on the second slab.
std::vector<void*> more_than_a_slab(std::size_t bytes) {
  std::vector<void*> blocks;
  do {
    blocks.push_back(cut_block(bytes));
    std::memset(blocks.back(), static_cast<int>(blocks.size()), bytes);
  } while (&MessageSlab::of(blocks.back()) == &MessageSlab::of(blocks.front()));
  return blocks;
}

/// The slab that a thread which begins now is given.
const MessageSlab* next_slab() {
  const MessageSlab* slab = nullptr;
  on_a_thread([&] {
    void* const block = cut_block(8);
    slab = &MessageSlab::of(block);
    drop_block(block);
  });
  return slab;
}

/// Every slab that there is is spare: so many can be had before a new one is made.
bool all_are_spare() {
  bool all = false;
  on_a_thread([&] {
    const int slabs = live_slabs;
    std::vector<void*> blocks;
    int taken = 0;
    for (const MessageSlab* last = nullptr; live_slabs == slabs;) {
      blocks.push_back(cut_block(MessageSlab::largest));
      const MessageSlab* const now = &MessageSlab::of(blocks.back());
      if (std::exchange(last, now) != now) ++taken;
    }
    all = taken == slabs + 1;
    for (void* block : blocks) drop_block(block);
  });
  return all;
}

}  // namespace

TEST_CASE("blocks of one slab do not overlap, and lie in the order they were cut") {
  on_a_thread([] {
    const std::vector<void*> blocks = more_than_a_slab(40);

    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto* const bytes = static_cast<unsigned char*>(blocks[i]);
      for (int at = 0; at < 40; ++at) REQUIRE(bytes[at] == static_cast<unsigned char>(i + 1));
      if (i > 0 && i + 1 < blocks.size()) CHECK(blocks[i - 1] < blocks[i]);
    }
    CHECK(blocks.size() > 95);
    for (void* block : blocks) drop_block(block);
  });
}

TEST_CASE("a block is aligned to what an object of its size can need") {
  on_a_thread([] {
    for (const std::size_t bytes : {24, 32, 8, 48, 4, 16, 40, 64}) {
      void* const block = cut_block(bytes);
      const std::size_t needed = std::min(bytes & (~bytes + 1), alignof(std::max_align_t));
      CHECK(reinterpret_cast<std::uintptr_t>(block) % needed == 0);
      drop_block(block);
    }
  });
}

TEST_CASE("a slab is used again when its last block is dropped and its thread cuts from another") {
  std::vector<void*> blocks;
  on_a_thread([&] {
    blocks = more_than_a_slab(64);
    for (std::size_t i = 1; i < blocks.size(); ++i) drop_block(blocks[i]);
  });
  const MessageSlab* const slab = &MessageSlab::of(blocks[0]);
  CHECK(next_slab() != slab);

  drop_block(blocks[0]);

  CHECK(next_slab() == slab);
}

TEST_CASE("a block outlives the thread that cut it, and its slab goes with it") {
  void* block = nullptr;
  on_a_thread([&] {
    block = cut_block(8);
    std::memcpy(block, "message", 8);
  });
  const MessageSlab* const slab = &MessageSlab::of(block);
  CHECK(next_slab() != slab);
  CHECK(std::memcmp(block, "message", 8) == 0);

  drop_block(block);

  CHECK(next_slab() == slab);
}

TEST_CASE("what a destructor of an ending thread cuts is given back with it") {
  void* block = nullptr;
  on_a_thread([&] {
    late.to = &block;  // made first, so destroyed last
    drop_block(cut_block(16));
  });
  REQUIRE(block != nullptr);
  const MessageSlab* const slab = &MessageSlab::of(block);
  CHECK(next_slab() != slab);

  drop_block(block);

  CHECK(next_slab() == slab);
}

TEST_CASE("of blocks that are dropped in a row a slab is told at once, when the row ends") {
  std::vector<void*> blocks;
  on_a_thread([&] { blocks = more_than_a_slab(64); });
  const MessageSlab* const first = &MessageSlab::of(blocks.front());
  const MessageSlab* const second = &MessageSlab::of(blocks.back());
  {
    detail::DroppedBlocks dropped;
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) dropped.add(blocks[i]);
    CHECK(next_slab() != first);

    dropped.add(blocks.back());
    CHECK(next_slab() == first);
  }
  CHECK(next_slab() == second);
}

TEST_CASE("of a burst's slabs no more than so many are kept, and fewer once they are not needed") {
  constexpr std::size_t bytes = MessageSlab::largest;
  on_a_thread([] {
    std::vector<void*> blocks;
    while (live_slabs < static_cast<int>(detail::most_spare_slabs) + 100) {
      blocks.push_back(cut_block(bytes));
    }
    for (void* block : blocks) drop_block(block);
  });
  CHECK(live_slabs == static_cast<int>(detail::most_spare_slabs));

  on_a_thread([] {
    const std::size_t a_slab = MessageSlab::size / bytes;
    for (std::size_t i = 0; i < 12 * detail::spare_slabs_period * a_slab; ++i) {
      drop_block(cut_block(bytes));
    }
  });

  CHECK(live_slabs <= 2);
}

TEST_CASE("one thread drops what others cut at the same time") {
  constexpr int threads = 3;
  constexpr int each = 20'000;
  struct Node {
    Node* next;
    int value;
  };
  std::atomic<Node*> sent{nullptr};
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t) {
    senders.emplace_back([&sent] {
      for (int i = 0; i < each; ++i) {
        auto* const node = new (cut_block(sizeof(Node))) Node{sent.load(), i};
        while (!sent.compare_exchange_weak(node->next, node)) {
        }
      }
    });
  }

  long long sum = 0;
  for (int got = 0; got < threads * each;) {
    Node* node = sent.exchange(nullptr);
    while (node) {
      Node* const next = node->next;
      sum += node->value;
      drop_block(node);
      node = next;
      ++got;
    }
  }
  for (auto& sender : senders) sender.join();

  CHECK(sum == static_cast<long long>(threads) * each * (each - 1) / 2);
  CHECK(all_are_spare());
}

TEST_CASE("a call from a thread may hold more than a slab gives, or be aligned to more") {
  struct alignas(128) Wide {
    unsigned char bytes[4 * MessageSlab::size] = {};
  };
  Reactor reactor;
  int right = 0;
  std::thread other([remote = reactor.remote(), &reactor, &right] {
    Wide wide;
    wide.bytes[sizeof wide.bytes - 1] = 7;
    remote.call_from_thread([&right, wide] {
      if (wide.bytes[sizeof wide.bytes - 1] == 7) ++right;
      if (reinterpret_cast<std::uintptr_t>(&wide) % alignof(Wide) == 0) ++right;
    });
    struct alignas(64) Aligned {
      int value = 3;
    };
    remote.call_from_thread([&right, &reactor, aligned = Aligned()] {
      if (reinterpret_cast<std::uintptr_t>(&aligned) % alignof(Aligned) == 0)
        right += aligned.value;
      reactor.stop();
    });
  });

  reactor.run();

  other.join();
  CHECK(right == 5);
}
