// SPDX-License-Identifier: MIT
//
// RemotePost: a callable on its way to another thread's reactor.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/message_memory.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/report_thrown.hpp"

namespace deferred::detail {

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
      f();
    } catch (...) {
      report_thrown("a callback posted from a thread");
    }
  }
  F f;
};

template <class F>
bool call_from_thread(Inbox& inbox, F&& f) {
  static_assert(std::is_invocable_v<F&>, "call_from_thread: the callable takes no argument");
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
