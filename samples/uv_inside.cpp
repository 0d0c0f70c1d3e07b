// SPDX-License-Identifier: MIT
//
// Shows: the other way round, a libuv loop driven by our reactor, whatever that runs on. A loop
// that tells its descriptor and its timeout is one microthread.
// Prints: what each side did.
#include <uv.h>
#include <chrono>
#include <deferred/deferred.hpp>
#include <iostream>

using deferred::Readable;
using deferred::Task;

// Runs the loop until it has nothing to do. Handles are to be started before that, or in its
// callbacks: a wait does not see new ones.
Task<> drive(uv_loop_t& loop) {
  while (uv_run(&loop, UV_RUN_NOWAIT) != 0) {
    const int timeout = uv_backend_timeout(&loop);  // in milliseconds; -1: none
    const Readable ready{uv_backend_fd(&loop)};
    if (timeout < 0) {
      co_await ready;
    } else {
      const std::chrono::milliseconds at_most(timeout);
      [[maybe_unused]] const auto either = co_await as_outcome(with_timeout(at_most, ready));
    }
  }
}

// Theirs: work in libuv's thread pool, and what is told of it.
using Sum = std::pair<int, deferred::Promise<int>>;

void add(uv_work_t* work) {
  for (int i = 1; i <= 100; ++i) static_cast<Sum*>(work->data)->first += i;
}
void added(uv_work_t* work, int) {
  auto& [sum, promise] = *static_cast<Sum*>(work->data);
  std::cout << "their thread is done\n";
  promise.callback(sum);
}

Task<int> main_task(uv_loop_t& loop) {
  auto [promise, told] = deferred::make_deferred<int>();
  Sum sum(0, std::move(promise));
  uv_work_t work;
  work.data = &sum;
  uv_queue_work(&loop, &work, add, added);

  co_await deferred::with_nursery([&](deferred::Nursery& nursery) -> Task<> {
    nursery.spawn(drive(loop));
    const int heard = co_await std::move(told);
    std::cout << "our task was told " << heard << '\n';
  });
  std::cout << "their loop has nothing left to do\n";
  co_return uv_loop_close(&loop);
}

int main() {
  uv_loop_t loop;
  uv_loop_init(&loop);
  deferred::Reactor reactor;
  return reactor.run(main_task(loop));
}
