// SPDX-License-Identifier: MIT
//
// Party: to whom something happens in a simulation: a connection, a port, a datagram. Counted: what
// is on its way to one holds it. Next: events.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace deferred::testing::simulation {

/// Counted, on one thread.
class Counted {
 public:
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 protected:
  Counted() noexcept = default;
  virtual ~Counted() = default;

 private:
  template <class T>
  friend class Held;
  unsigned owners_ = 0;
};

/// Owns something Counted, with others.
template <class T>
class Held {
 public:
  Held() noexcept = default;
  explicit Held(T* t) noexcept : t_(t) {
    if (t_) ++t_->owners_;
  }
  Held(const Held& other) noexcept : Held(other.t_) {}
  Held(Held&& other) noexcept : t_(std::exchange(other.t_, nullptr)) {}
  Held& operator=(Held other) noexcept {
    std::swap(t_, other.t_);
    return *this;
  }
  ~Held() {
    if (t_ && --t_->owners_ == 0) delete static_cast<Counted*>(t_);
  }

  explicit operator bool() const noexcept { return t_ != nullptr; }
  T* get() const noexcept { return t_; }
  T& operator*() const noexcept { return *t_; }
  T* operator->() const noexcept { return t_; }

 private:
  T* t_ = nullptr;
};

/// What can happen.
enum class What : std::uint8_t {
  call,         ///< A packet that asks for a connection arrives.
  answer,       ///< The one that grants it.
  segment,      ///< Bytes.
  end,          ///< The word that no more come.
  credit,       ///< The word that bytes have been read.
  reset,        ///< The word that there is no such connection, or none any more.
  call_again,   ///< It is time to ask again,
  send_again,   ///< or to send again what was lost.
  is_readable,  ///< A program is to be told.
  is_writable,
  has_callers,
  datagram,  ///< One arrives.
  refused,   ///< The word that nobody was there to take it.
};
const char* name_of(What what) noexcept;

/// One thing that happens.
struct Happening {
  What what;
  std::uint8_t side = 0;     // of a connection: whose end it happens to
  std::uint16_t round = 0;   // of a packet: see End::round
  std::uint32_t bytes = 0;   // of a segment or a datagram
  std::uint32_t credit = 0;  // what the other side may send on top
};

class Party : public Counted {
 public:
  virtual void happens(const Happening& happening) = 0;
  /// "a > b #3", for traces.
  virtual std::string text(const Happening& happening) const = 0;
  /// The number in its world, from 1 on.
  std::uint64_t id() const noexcept { return id_; }

 protected:
  explicit Party(std::uint64_t id) noexcept : id_(id) {}

 private:
  std::uint64_t id_;
};

}  // namespace deferred::testing::simulation
