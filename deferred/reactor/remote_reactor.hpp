// SPDX-License-Identifier: MIT
//
// RemoteReactor: a reactor as other threads hold it, made by Reactor::remote(). Next: reactor.hpp;
// remote_waiter.hpp for a wait that another thread answers.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "deferred/memory/message_memory.hpp"
#include "deferred/reactor/detail/inbox.hpp"

namespace deferred {

namespace detail {

/// Reports what a callback threw to the error hook of the reactor whose turn it is.
void report_thrown(const char* by) noexcept;

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

}  // namespace detail

/// Copyable, for any thread, and may outlive the reactor. Whoever is going to call a reactor from
/// another thread should hold one: it cannot dangle, and while there is one a reactor does not
/// report that nothing can wake its tasks.
class RemoteReactor {
 public:
  explicit RemoteReactor(detail::Inbox& inbox) noexcept : inbox_(&inbox) { hold(); }
  RemoteReactor(const RemoteReactor& other) noexcept : inbox_(other.inbox_) { hold(); }
  RemoteReactor& operator=(RemoteReactor other) noexcept {
    std::swap(inbox_, other.inbox_);
    return *this;
  }
  ~RemoteReactor() {
    inbox_->remove_caller();
    inbox_->release();
  }

  /// As Reactor::call_from_thread; also false once the reactor is gone.
  template <class F>
  bool call_from_thread(F f) const {
    return detail::call_from_thread(*inbox_, std::move(f));
  }
  /// As Reactor::stop; does nothing once the reactor is gone.
  void stop() const noexcept { inbox_->stop(); }
  /// This is the thread that the reactor belongs to.
  bool on_its_thread() const noexcept { return inbox_->home().here(); }

  /// For the machinery.
  detail::Inbox& inbox() const noexcept { return *inbox_; }

 private:
  void hold() noexcept {
    inbox_->retain();
    inbox_->add_caller();
  }

  detail::Inbox* inbox_;
};

}  // namespace deferred
