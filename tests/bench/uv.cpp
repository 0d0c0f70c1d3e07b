// SPDX-License-Identifier: MIT
//
// libuv: timers, and the idle handles that are its nearest thing to a yield. A handle that stands
// ready is used over and over: neither uv_timer_init nor uv_close is in the figures, which favours
// libuv.
#include <uv.h>

#include <cstdlib>

#include "bench.hpp"
#include "posts.hpp"

namespace {

void fired(uv_timer_t* timer) { ++*static_cast<std::size_t*>(timer->data); }

std::uint64_t in_ms(std::chrono::nanoseconds delay) {
  return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(delay).count());
}

// A loop of its own for each work.
class Loop {
 public:
  Loop() { uv_loop_init(&loop_); }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop() {
    uv_walk(&loop_, [](uv_handle_t* handle, void*) { uv_close(handle, nullptr); }, nullptr);
    uv_run(&loop_, UV_RUN_DEFAULT);
    uv_loop_close(&loop_);
  }
  operator uv_loop_t*() { return &loop_; }  // NOLINT: as an argument of libuv's functions
  uv_loop_t* operator->() { return &loop_; }

 private:
  uv_loop_t loop_;
};

struct Switches {
  std::size_t left;
};

void idle(bench::Program& program, std::string_view work, std::size_t tasks, bench::Ops ops) {
  Switches switches{0};
  std::vector<uv_idle_t> handles(tasks);
  Loop loop;  // last, for it closes the handles
  for (auto& handle : handles) {
    uv_idle_init(loop, &handle);
    handle.data = &switches;
  }
  program.batch(
      work,
      [&](std::size_t n) {
        switches.left = n;
        for (auto& handle : handles) {
          uv_idle_start(&handle, [](uv_idle_t* self) {
            auto* left = &static_cast<Switches*>(self->data)->left;
            if (*left == 0 || --*left == 0) uv_stop(self->loop);
          });
        }
        uv_run(loop, UV_RUN_DEFAULT);
      },
      "uv_idle callbacks; one epoll_wait and clock a turn", ops);
  for (auto& handle : handles) uv_idle_stop(&handle);
}

void timers(bench::Program& program) {
  const auto delays = bench::random_delays(bench::many_timers);
  const bench::Ops all{bench::many_timers, bench::many_timers};
  std::size_t count = 0;
  std::vector<uv_timer_t> pool(delays.size());
  Loop loop;
  for (auto& timer : pool) {
    uv_timer_init(loop, &timer);
    timer.data = &count;
  }
  program.each(
      "W6-alone",
      [&] {
        uv_timer_start(&pool[0], fired, bench::opaque(std::uint64_t{1}), 0);
        uv_timer_stop(&pool[0]);
      },
      "start and stop of a standing handle");
  program.batch(
      "W6-cancel",
      [&](std::size_t n) {
        for (std::size_t i = 0; i != n; ++i) uv_timer_start(&pool[i], fired, in_ms(delays[i]), 0);
        for (std::size_t i = 0; i != n; ++i) uv_timer_stop(&pool[i]);
      },
      "standing handles", all);
  program.batch(
      "W6-fire",
      [&](std::size_t n) {
        // The loop's clock is put back a second and a bit: all deadlines are past when it looks at
        // the real one.
        uv_update_time(loop);
        loop->time -= 1'002;
        count = 0;
        for (std::size_t i = 0; i != n; ++i) uv_timer_start(&pool[i], fired, in_ms(delays[i]), 0);
        uv_run(loop, UV_RUN_NOWAIT);
        if (count != n) std::abort();
      },
      "standing handles, deadlines already past", all);
}

// W7: libuv wakes a loop, but has no queue.
class Posts {
 public:
  Posts() {
    uv_async_init(loop_, &wake_, [](uv_async_t* wake) {
      auto& self = *static_cast<Posts*>(wake->data);
      self.mailbox_.run_all();
    });
    wake_.data = this;
  }
  template <class F>
  void run(F f) {
    f();
    uv_run(loop_, UV_RUN_DEFAULT);
  }
  void stop() { uv_stop(loop_); }
  template <class F>
  void post(const F& f) {
    if (mailbox_.push(bench::Message::of(f))) uv_async_send(&wake_);
  }

 private:
  bench::Mailbox mailbox_;
  uv_async_t wake_;
  Loop loop_;  // last, for it closes the handle
};

void posts(bench::Program& program) {
  Posts loop;
  bench::posts(program, loop, "uv_async_send beside the floor's queue");
}

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "libuv");
  idle(program, "W4", 2, {});
  idle(program, "W4-1000", 1'000, {1'000'000, 100'000});
  timers(program);
  posts(program);
}
