// SPDX-License-Identifier: MIT
//
// WatchNode: one watch of a descriptor, between its reactor and its Watch. FdEntry: all watches of
// one descriptor, as its backend sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "deferred/memory/free_list.hpp"
#include "deferred/reactor/backend.hpp"

namespace deferred {

class Reactor;

namespace detail {

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
  /// Tells the backend what is wanted, if that has changed; `anew`, if not.
  void refresh(bool anew = false);
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

template <class F>
struct WatchNodeOf final : WatchNode {
  static_assert(ordinary_alignment<F>, "watch: the callable is over-aligned");
  explicit WatchNodeOf(F&& moved) : f(std::move(moved)) {}
  void call(Ready what) override {
    if constexpr (std::is_invocable_v<F&, Ready>) {
      (*f)(what);
    } else {
      (*f)();
    }
  }
  void drop_callable() noexcept override { f.reset(); }
  std::optional<F> f;
};

}  // namespace detail
}  // namespace deferred
