// SPDX-License-Identifier: MIT
//
// Shows: a reactor inside a libuv loop that somebody else owns and runs. His handles and our tasks
// take turns; uv_run() goes on as long as either have work.
// Prints: what each side did.
#include <uv.h>
#include <chrono>
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/uv.hpp>

using namespace std::chrono_literals;

// Theirs: a timer that goes off three times, and then keeps a promise.
struct Ticker {
  explicit Ticker(deferred::Promise<int> to_keep) : promise(std::move(to_keep)) {}

  void start(uv_loop_t& loop) {
    timer.data = this;
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, [](uv_timer_t* t) { static_cast<Ticker*>(t->data)->tick(); }, 1, 1);
  }
  void tick() {
    std::cout << "their tick " << ++ticks << '\n';
    if (ticks < 3) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
    promise.callback(ticks);
  }

  deferred::Promise<int> promise;
  uv_timer_t timer{};
  int ticks = 0;
};

// Ours.
deferred::Task<> count_ticks(uv_loop_t& loop) {
  co_await deferred::Pause{1ms};
  std::cout << "our pause is over\n";
  auto [promise, ticks] = deferred::make_deferred<int>();
  Ticker ticker(std::move(promise));
  ticker.start(loop);
  const int counted = co_await std::move(ticks);
  std::cout << "our task was told of " << counted << " ticks\n";
  co_await deferred::Pause{1ms};  // meanwhile libuv lets go of the timer
}

int main() {
  uv_loop_t loop;
  uv_loop_init(&loop);
  {
    deferred::Reactor reactor{deferred::reactors::uv(&loop)};
    spawn(reactor, count_ticks(loop));
    uv_run(&loop, UV_RUN_DEFAULT);
    std::cout << "uv_run() is back, with " << reactor.task_count() << " tasks left\n";
  }
  uv_run(&loop, UV_RUN_DEFAULT);  // lets go of the reactor's handles
  std::cout << "uv_loop_close() says " << uv_loop_close(&loop) << '\n';
}
