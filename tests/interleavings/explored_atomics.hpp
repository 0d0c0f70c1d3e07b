// SPDX-License-Identifier: MIT
//
// Atomic and Mutex for explore.hpp, in place of the standard's (deferred/memory/atomic.hpp).
#pragma once

#include <atomic>
#include <utility>

#include "tests/interleavings/explore.hpp"

namespace deferred::detail {

template <class T>
class Atomic {
 public:
  Atomic() : Atomic(T()) {}
  Atomic(T value) : value_(value) { testing::exploring::begin(this); }
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;
  ~Atomic() { testing::exploring::end(this); }

  T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    return access() ? value_ : T();
  }
  void store(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    if (access()) value_ = value;
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    return access() ? std::exchange(value_, value) : T();
  }
  T fetch_add(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return access() ? std::exchange(value_, static_cast<T>(value_ + by)) : T();
  }
  T fetch_sub(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return access() ? std::exchange(value_, static_cast<T>(value_ - by)) : T();
  }
  T fetch_or(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return access() ? std::exchange(value_, static_cast<T>(value_ | by)) : T();
  }
  T fetch_and(T by, std::memory_order = std::memory_order_seq_cst) noexcept {
    return access() ? std::exchange(value_, static_cast<T>(value_ & by)) : T();
  }
  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    if (!access()) return true;
    if (value_ == expected) {
      value_ = value;
      return true;
    }
    expected = value_;
    return false;
  }
  bool compare_exchange_weak(T& expected, T value, std::memory_order a = std::memory_order_seq_cst,
                             std::memory_order b = std::memory_order_seq_cst) noexcept {
    return compare_exchange_strong(expected, value, a, b);
  }
  operator T() const noexcept { return load(); }
  T operator=(T value) noexcept {
    store(value);
    return value;
  }

 private:
  bool access() const noexcept {
    testing::exploring::point();
    return testing::exploring::use(this, "an Atomic");
  }

  T value_;
};

class Mutex {
 public:
  Mutex() { testing::exploring::begin(this); }
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  ~Mutex() { testing::exploring::end(this); }

  void lock() noexcept {
    testing::exploring::point();
    if (!testing::exploring::use(this, "a Mutex")) return;
    testing::exploring::wait_until([this] { return !locked_; }, "a Mutex");
    locked_ = true;
  }
  void unlock() noexcept {
    if (testing::exploring::use(this, "a Mutex, to unlock it,")) locked_ = false;
  }

 private:
  bool locked_ = false;
};

}  // namespace deferred::detail
