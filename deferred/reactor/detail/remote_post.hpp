// SPDX-License-Identifier: MIT
//
// RemotePost: a callable on its way to another thread's reactor.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/memory/message_memory.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/report_thrown.hpp"

namespace deferred {

class Reactor;

}  // namespace deferred

namespace deferred::detail {

/// The reactor that is in run() or in a turn on this thread, the innermost of them.
DEFERRED_API extern constinit thread_local Reactor* running_on_thread;

template <class F>
constexpr bool can_be_posted() {
  constexpr bool can = std::is_invocable_v<F&> || std::is_invocable_v<F&, Reactor&>;
  static_assert(can, "a call of another thread's reactor takes no argument, or a Reactor&");
  return can;
}

template <class F>
struct RemotePost final : Message, SlabAllocated {
  explicit RemotePost(F&& moved) : f(std::move(moved)) {
    run = [](Message& self, bool alive, DroppedBlocks& dropped) noexcept {
      auto& post = static_cast<RemotePost&>(self);
      if (alive) post.call();
      destroy(&post, dropped);
    };
  }
  void call() noexcept {
    try {
      if constexpr (std::is_invocable_v<F&>) {
        f();
      } else {
        f(*running_on_thread);
      }
    } catch (...) {
      report_thrown("a callback posted from a thread");
    }
  }
  F f;
};

template <class F>
bool call_from_thread(Inbox& inbox, F&& f) {
  static_assert(can_be_posted<F>());
  auto message = std::make_unique<RemotePost<F>>(std::move(f));
  if (!inbox.push_call(*message)) return false;
  message.release();
  return true;
}
/// The same for the library's own messages, which a reactor takes between its runs too.
template <class F>
bool post_from_thread(Inbox& inbox, F&& f) {
  auto message = std::make_unique<RemotePost<F>>(std::move(f));
  if (!inbox.push(*message)) return false;
  message.release();
  return true;
}

}  // namespace deferred::detail
