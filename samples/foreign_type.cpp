// SPDX-License-Identifier: MIT
//
// Shows: how to await somebody else's type, which you cannot change: specialise
// deferred::yieldable for it. The handler gives the library's callback a Waiter to answer; failures
// are given with throw_ and come out of the co_await.
// Prints: what two of the library's futures gave.
#include <deferred/deferred.hpp>
#include <functional>
#include <iostream>
#include <optional>
#include <stdexcept>

// A library with callbacks: it knows nothing of ours. A negative answer is an error.
namespace lib {

struct Future {
  std::function<void(int)> done;
  std::optional<int> answer;
  void then(std::function<void(int)> f) { answer ? f(*answer) : done.swap(f); }
  void finish(int with) {
    answer = with;
    if (done) std::exchange(done, nullptr)(with);
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
    future->then([waiter](int answer) {
      if (answer >= 0) waiter.resume(answer);
      if (answer < 0) waiter.throw_(std::runtime_error("lib error " + std::to_string(-answer)));
    });
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
  reactor.call_later(std::chrono::milliseconds(1), [&] { first.finish(42); }).detach();
  reactor.call_later(std::chrono::milliseconds(2), [&] { second.finish(-7); }).detach();
  return reactor.run(user(&first, &second));
}
