// SPDX-License-Identifier: MIT
//
// Shows: how to await somebody else's type, which you cannot change: specialise
// deferred::yieldable for it. The handler gives the library's callback a Waiter to answer; failures
// are given with throw_ and come out of the co_await.
// Prints: what two of the library's futures gave.
#include <deferred/yieldables/deferred.hpp>
#include <functional>
#include <iostream>
#include <stdexcept>

// A library with callbacks: it knows nothing of ours.
namespace lib {

struct Future {
  std::function<void(int error, int value)> done;
  void finish(int error, int value) {
    if (done) std::exchange(done, nullptr)(error, value);
  }
};

}  // namespace lib

template <>
struct deferred::yieldable<lib::Future*> {
  struct Forget {  // the undo: whoever stops waiting must not be called back
    explicit Forget(lib::Future* of) : future(of) {}
    Forget(const Forget&) = delete;
    ~Forget() { future->done = nullptr; }
    lib::Future* future;
  };
  static Forget yield_to(lib::Future* future, Waiter<int> waiter) {
    future->done = [waiter](int error, int value) {
      if (error != 0) {
        waiter.throw_(std::runtime_error("lib error " + std::to_string(error)));
      } else {
        waiter.resume(value);
      }
    };
    return Forget(future);
  }
};

deferred::Task<> user(lib::Future* first, lib::Future* second) {
  const int value = co_await first;
  std::cout << "the first gave " << value << '\n';
  try {
    co_await second;
  } catch (const std::runtime_error& error) {
    std::cout << "the second gave " << error.what() << '\n';
  }
}

int main() {
  deferred::Reactor reactor;
  lib::Future first, second;
  reactor.call_later(std::chrono::milliseconds(1), [&] { first.finish(0, 42); }).detach();
  reactor.call_later(std::chrono::milliseconds(2), [&] { second.finish(7, 0); }).detach();
  return reactor.run(user(&first, &second));
}
