// SPDX-License-Identifier: MIT
//
// Shows: how to make something of your own awaitable. A yieldable is a plain description with one
// member function; what that returns, the undo, is kept until the wait ends, however it ends. There
// is nothing to register, and with_timeout works on it.
// Prints: what came through a pipe, then that nothing more did.
#include <unistd.h>
#include <deferred/deferred.hpp>
#include <iostream>

using namespace std::chrono_literals;
using deferred::Ready;
using deferred::Task;
using deferred::Waiter;

struct Readable {
  explicit Readable(int descriptor) : fd(descriptor) {}
  int fd;

  auto yield_to(Waiter<void> waiter) const {
    return waiter.reactor().watch(fd, Ready::read, [waiter] { waiter.resume(); });
  }
};

Task<int> listen(int fd) {
  char letter = 0;
  co_await Readable{fd};
  const auto count = read(fd, &letter, 1);
  std::cout << "heard " << count << " byte: " << letter << '\n';

  try {
    co_await deferred::with_timeout(10ms, Readable{fd});
  } catch (const deferred::TimeoutError& error) {
    std::cout << error.what() << '\n';
  }
  co_return 0;
}

int main() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  deferred::Reactor reactor;
  reactor.post([&] { std::cout << "said " << write(ends[1], "!", 1) << " byte\n"; });
  return reactor.run(listen(ends[0]));
}
