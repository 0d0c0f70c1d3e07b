// SPDX-License-Identifier: MIT
//
// RemoteAnswer: the state behind a RemoteWaiter.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include "deferred/memory/atomic.hpp"
#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/remote_end.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/waiter.hpp"

namespace deferred::detail {

/// The answer, which the remote side writes before it is pushed, and the Waiter, which only the
/// reactor's thread touches. One reference each.
template <class R>
struct RemoteAnswer final : Message, RemoteEnd {
  RemoteAnswer(Reactor& reactor, Waiter<R>&& moved)
      : inbox(ReactorAccess::inbox(reactor)), home(&reactor), waiter(std::move(moved)) {
    inbox.retain();
    run = [](Message& self, bool alive, DroppedBlocks&) noexcept {
      static_cast<RemoteAnswer&>(self).arrive(alive);
    };
    reactor_gone = [](RemoteEnd& self) noexcept {
      auto& answer = static_cast<RemoteAnswer&>(self);
      answer.home = nullptr;
      answer.waiter.reset();
      answer.release();
    };
    ReactorAccess::add_remote(reactor, *this);
  }
  ~RemoteAnswer() { inbox.release(); }

  /// On any thread: sends what was put in.
  void send() noexcept {
    if (!inbox.push(*this)) release();
  }

  Inbox& inbox;
  Atomic<int> refs{2};
  Reactor* home;  // null once the reactor is gone
  std::optional<Waiter<R>> waiter;
  std::optional<Stored<R>> value;
  std::exception_ptr error;

 private:
  void release() noexcept {
    if (refs.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
  /// On the reactor's thread: gives the answer to the waiter. Neither of the two: abandoned.
  void arrive(bool alive) noexcept {
    if (home) {
      ReactorAccess::remove_remote(*home, *this);
      if (alive && value) {
        waiter->resume(*std::move(value));
      } else if (alive && error) {
        waiter->throw_(Failure::from(std::move(error), SourceLocation()));
      }
      waiter.reset();
      release();
    }
    release();
  }
};

}  // namespace deferred::detail
