// SPDX-License-Identifier: MIT
//
// RemoteReactor: a reactor as other threads hold it, made by Reactor::remote(). Next: reactor.hpp;
// tasks/remote_waiter.hpp for a wait that another thread answers.
#pragma once

#include <utility>

#include "deferred/reactor/detail/inbox.hpp"
#include "deferred/reactor/detail/remote_post.hpp"

namespace deferred {

#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 does not see that a std::optional holds one, where that ends.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
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
  /// False where call_from_thread() would give false: once the reactor is gone or its destructor
  /// has begun, and between a run() that was stopped and the next one. On another thread it may
  /// have changed.
  bool takes_calls() const noexcept { return inbox_->takes_calls(); }
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
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace deferred
