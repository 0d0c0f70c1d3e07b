// SPDX-License-Identifier: MIT
//
// PreparedCall: a call of another thread's reactor that was made beforehand, so that it can be sent
// where nothing may fail. Next: remote_reactor.hpp.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/message_memory.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/remote_post.hpp"
#include "deferred/reactor/remote_reactor.hpp"

namespace deferred {

/// For destructors, and wherever else there may be no memory for RemoteReactor::call_from_thread().
/// May be made, moved, sent and dropped in any thread. Dropped without having been sent, it drops
/// `f` there.
class PreparedCall {
 public:
  template <class F>
  PreparedCall(RemoteReactor reactor, F f)
      : reactor_(std::move(reactor)), message_(new detail::RemotePost<F>(std::move(f))) {
    static_assert(detail::can_be_posted<F>());
  }

  /// Once: calls `f()`, or `f(Reactor&)`, on the reactor's thread, as soon as that takes a turn: a
  /// reactor whose run() was stopped, or which has crashed, in its next run; one that is destroyed
  /// before drops `f`. False if it is gone, or this was sent: `f` is dropped here. What `f` throws
  /// goes to the reactor's error hook.
  bool send() && noexcept {
    auto message = std::move(message_);
    if (!message || !reactor_.inbox().push(*message)) return false;
    static_cast<void>(message.release());
    return true;
  }

 private:
  struct Dispose {
    void operator()(detail::Message* message) const noexcept {
      detail::DroppedBlocks dropped;
      message->run(*message, false, dropped);
    }
  };

  RemoteReactor reactor_;
  std::unique_ptr<detail::Message, Dispose> message_;
};

}  // namespace deferred
