// SPDX-License-Identifier: MIT
//
// A small library whose list of operations is known: public_api_test.py has it.
#pragma once

#include <cstddef>

namespace deferred {

template <class R>
class Waiter {};
template <class X>
struct yieldable {};

int function(int);
int function(double);
template <class T>
T generic(T t) {
  return t;
}
inline int with_default(int i = 0) { return i; }
void hidden_by_nothing();

namespace detail {

void machinery();
struct Base {
  void from_base() {}

 protected:
  void protected_of_base() {}
};

}  // namespace detail

class Plain : public detail::Base {
 public:
  Plain() = default;
  explicit Plain(int value) noexcept;
  Plain(const Plain&);
  Plain(Plain&&) noexcept;
  Plain& operator=(const Plain&);
  ~Plain();

  void member();
  void member() const;
  static Plain made();
  void operator()() const {}
  explicit operator bool() const noexcept { return true; }
  friend bool operator==(const Plain&, const Plain&) noexcept { return true; }
  void deleted() = delete;
  class Inner {
   public:
    void of_inner();

   private:
    void hidden();
  };
  class Later;

 protected:
  void protected_member();

 private:
  class Hidden : public detail::Base {
   public:
    void of_hidden();
  };
  class HiddenLater;
  void private_member();
};
class Plain::Later {
 public:
  void of_later();
};
class Plain::HiddenLater {
 public:
  void of_hidden_later();
  void yield_to(Waiter<int>) const {}
};

inline void Plain::member() {}

template <class T>
class Box {
 public:
  explicit Box(T t) : kept_(t) {}
  T get() const { return kept_; }
  template <class U>
  U as() const {
    return U(kept_);
  }
  operator T() const { return kept_; }

 private:
  T kept_;
};
/// Another form of the same.
template <class T>
class Box<T*> {
 public:
  explicit Box(T* t) : kept_(t) {}
  T* pointer() const { return kept_; }

 private:
  T* kept_;
};
inline int used() { return Box<int>(1).get() + Box<int>(2).as<int>(); }

struct Awaited {
  void yield_to(Waiter<int>) const {}
};
namespace detail {
class Waited {
 public:
  void yield_to(Waiter<int>) const {}
};
}  // namespace detail
class AwaitedByBase : public detail::Waited {};
class Secret {
  void yield_to(Waiter<int>) const {}
};
template <class T>
struct yieldable<Box<T>> {
  static void yield_to(Box<T>&, Waiter<T>) {}
};
template <>
struct yieldable<Plain> {
  static void yield_to(Plain&, Waiter<int>) {}
};

namespace io {
class Stream {
 public:
  std::size_t read() { return 0; }
};
}  // namespace io
template <>
struct yieldable<io::Stream&> {
  static void yield_to(io::Stream&, Waiter<int>) {}
};

}  // namespace deferred

namespace elsewhere {
void not_ours();
}
