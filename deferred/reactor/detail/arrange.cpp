// SPDX-License-Identifier: MIT
#include "deferred/reactor/detail/arrange.hpp"

#include <cstdio>
#include <exception>
#include <new>
#include <utility>

#include "deferred/reactor/detail/post.hpp"
#include "deferred/reactor/round_order.hpp"

namespace deferred::detail {
namespace {

std::size_t chosen(RoundOrder& order, std::size_t count) noexcept {
  const std::size_t next = order.choose(count);
  if (next < count) return next;
  std::fprintf(stderr, "deferred: a RoundOrder chose number %zu of %zu\n", next, count);
  std::terminate();
}

void run_any_post(Runnable& self, bool alive) noexcept {
  auto& post = static_cast<PostBase&>(self);
  post.call(post, alive);
}

}  // namespace

constinit const RunPost run_post = &run_any_post;

// Each post stands in the room as a null: where one comes up, it is the oldest that is left.
void arrange(RunQueue& round, RoundOrder& order, std::vector<Runnable*>& room) noexcept {
  try {
    room.reserve(round.count());
  } catch (const std::bad_alloc&) {
    return;
  }
  RunQueue posts;
  while (!round.empty()) {
    Runnable& item = round.pop();
    const bool is_post = item.run == run_post;
    if (is_post) posts.push(item);
    room.push_back(is_post ? nullptr : &item);
  }
  for (std::size_t at = 0; at + 1 < room.size(); ++at) {
    std::swap(room[at], room[at + chosen(order, room.size() - at)]);
  }
  for (Runnable* const item : room) round.push(item ? *item : posts.pop());
  room.clear();
}

}  // namespace deferred::detail
