// SPDX-License-Identifier: MIT
//
// Watch: an fd that is watched for readiness, made by Reactor::watch. Next: reactor.hpp.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred {

class Reactor;

namespace detail {

struct ReactorAccess;

/// One watch. Its fd's entry holds a reference while it is active, the Watch another: so a callable
/// may drop its own watch.
struct WatchNode : Recycled {
  virtual ~WatchNode() = default;
  virtual void call(Ready what) = 0;
  virtual void drop_callable() noexcept = 0;

  void release() noexcept {
    if (--refs == 0) delete this;
  }

  Reactor* reactor = nullptr;  // null once it is dropped, or the reactor is gone
  int fd = -1;
  std::uint32_t refs = 1;
  Ready interest = Ready::none;
  bool calling = false;
};

/// All watches of one fd: the backend sees them as one.
class FdEntry final : public IoHandler {
 public:
  FdEntry(Reactor& reactor, int fd) noexcept : reactor_(reactor), fd_(fd) {}
  void on_ready(Ready what) noexcept override;
  void add(WatchNode& node);
  void remove(WatchNode& node) noexcept;
  /// Tells the backend what is wanted now.
  void refresh();
  bool idle() const noexcept { return watches_.empty(); }
  void reactor_gone() noexcept;

 private:
  /// Null: it was dropped meanwhile.
  void tell(WatchNode* node, Ready what) noexcept;
  void tell_all(Ready what) noexcept;
  void close_holes() noexcept;

  Reactor& reactor_;
  int fd_;
  Ready watched_ = Ready::none;  // as the backend knows it
  int dispatching_ = 0;          // calls of on_ready() on the stack: removed nodes leave a null
  bool holes_ = false;           // there are such nulls
  std::vector<WatchNode*> watches_;
};

}  // namespace detail

/// The handle of a watch. Dropping it ends the watch: the callable is not called again, and is
/// destroyed now, or after its return if it is running.
class [[nodiscard]] Watch {
 public:
  Watch() noexcept = default;
  Watch(Watch&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Watch& operator=(Watch&& other) noexcept {
    Watch old(std::move(other));
    std::swap(node_, old.node_);
    return *this;
  }
  ~Watch() {
    if (node_) drop();
  }

  /// Watches for something else from now on; none keeps the watch but reports nothing.
  void set_interest(Ready interest);
  Ready interest() const noexcept { return node_ ? node_->interest : Ready::none; }
  /// False after a move, and once the reactor is gone.
  bool active() const noexcept { return node_ && node_->reactor; }

 private:
  friend struct detail::ReactorAccess;
  explicit Watch(detail::WatchNode* node) noexcept : node_(node) {}
  void drop() noexcept;

  detail::WatchNode* node_ = nullptr;
};

}  // namespace deferred
