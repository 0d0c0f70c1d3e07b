// SPDX-License-Identifier: MIT
//
// Counted: owns, with others, what has a count of its own. Streams own their transports by it,
// listeners their acceptors, and what waits on one owns it too.
#pragma once

#include <utility>

namespace deferred::io::detail {

/// On one thread: the count is not atomic. REQUIRES of T: a member `unsigned owners_`, and this a
/// friend.
template <class T>
class Counted {
 public:
  Counted() noexcept = default;
  /// Takes over what `new` gave.
  explicit Counted(T* made) noexcept : t_(made) { ++made->owners_; }
  /// Of a class derived from T.
  template <class Made, class... A>
  static Counted make(A&&... arguments) {
    return Counted(new Made(std::forward<A>(arguments)...));
  }
  Counted(const Counted& other) noexcept : t_(other.t_) {
    if (t_) ++t_->owners_;
  }
  Counted(Counted&& other) noexcept : t_(std::exchange(other.t_, nullptr)) {}
  Counted& operator=(Counted other) noexcept {
    std::swap(t_, other.t_);
    return *this;
  }
  ~Counted() {
    if (t_ && --t_->owners_ == 0) delete t_;
  }

  explicit operator bool() const noexcept { return t_ != nullptr; }
  T& operator*() const noexcept { return *t_; }
  T* operator->() const noexcept { return t_; }

 private:
  T* t_ = nullptr;
};

}  // namespace deferred::io::detail
