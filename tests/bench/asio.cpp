// SPDX-License-Identifier: MIT
//
// Asio, stand-alone, with its awaitables. It has no promise with continuations and nothing ready to
// await; W2 awaits this_coro::executor, which does not suspend. A cancelled timer still runs its
// handler, so that belongs to the work.
#include <asio.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/channel.hpp>

#include <cstdlib>
#include <vector>

#include "bench.hpp"
#include "posts.hpp"

namespace {

using asio::awaitable;
using asio::use_awaitable;

awaitable<void> await_ready(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const auto executor = co_await asio::this_coro::executor;
    bench::keep(&executor);
  }
}

[[gnu::noinline]] awaitable<int> leaf(int v) { co_return v; }

awaitable<void> call_leaf(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await leaf(bench::opaque(1));
    bench::keep(v);
  }
}

[[gnu::noinline]] awaitable<int> nested(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await nested(levels - 1);
  co_return below + 1;
}

awaitable<void> call_nested(std::size_t n) {
  for (std::size_t i = 0; i < n; i += 1'000) {
    const int depth = co_await nested(1'000);
    bench::keep(depth);
  }
}

awaitable<void> yielding(asio::io_context& io, std::size_t n) {
  const auto executor = io.get_executor();
  for (std::size_t i = 0; i != n; ++i) co_await asio::post(executor, use_awaitable);
}

[[gnu::noinline]] awaitable<void> nothing() { co_return; }

awaitable<void> parked(asio::io_context& io) {
  asio::steady_timer timer(io, std::chrono::hours(1));
  co_await timer.async_wait(use_awaitable);
}

awaitable<void> race_two(asio::io_context& io, std::size_t n) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = io.get_executor();
  asio::steady_timer timer(io);
  for (std::size_t i = 0; i != n; ++i) {
    timer.expires_after(std::chrono::hours(1));
    const auto won =
        co_await (asio::post(executor, use_awaitable) || timer.async_wait(use_awaitable));
    bench::keep(won.index());
  }
}
awaitable<void> all_two(asio::io_context& io, std::size_t n) {
  using namespace asio::experimental::awaitable_operators;
  const auto executor = io.get_executor();
  for (std::size_t i = 0; i != n; ++i) {
    co_await (asio::post(executor, use_awaitable) && asio::post(executor, use_awaitable));
  }
}

using Items = asio::experimental::channel<void(asio::error_code, std::size_t)>;
awaitable<void> send_items(Items& items, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    co_await items.async_send(asio::error_code(), i, use_awaitable);
  }
}
awaitable<void> receive_items(Items& items, std::size_t n) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i != n; ++i) sum += co_await items.async_receive(use_awaitable);
  bench::keep(sum);
}

void run(asio::io_context& io) {
  io.restart();
  io.run();
}

void coroutines(bench::Program& program) {
  asio::io_context io(1);
  const auto task = [&io](auto coroutine) {
    return [&io, coroutine](std::size_t n) {
      asio::co_spawn(io, coroutine(n), asio::detached);
      run(io);
    };
  };
  program.batch("W2", task(await_ready), "this_coro::executor");
  program.batch("W3", task(call_leaf));
  program.batch("W3-depth", task(call_nested), "1000 levels", {0, 10'000});
  const auto switches = [&io](std::size_t tasks) {
    return [tasks, &io](std::size_t n) {
      for (std::size_t i = 0; i != tasks; ++i)
        asio::co_spawn(io, yielding(io, n / tasks), asio::detached);
      run(io);
    };
  };
  program.batch("W4", switches(2), "post, awaited");
  program.batch("W4-1000", switches(1'000), "post, awaited", {1'000'000, 100'000});
  program.batch(
      "W5",
      [&io](std::size_t n) {
        for (std::size_t done = 0; done < n; done += 100) {
          for (int i = 0; i != 100; ++i) asio::co_spawn(io, nothing(), asio::detached);
          run(io);
        }
      },
      "co_spawn, detached; 100 a turn");
  const auto with_io = [&io](auto coroutine) {
    return [&io, coroutine](std::size_t n) {
      asio::co_spawn(io, coroutine(io, n), asio::detached);
      run(io);
    };
  };
  program.batch("race", with_io(race_two), "|| of a post and a timer");
  program.batch("all", with_io(all_two), "&& of two posts");
  const auto hand_over = [&io](std::size_t capacity) {
    return [&io, capacity](std::size_t n) {
      Items items(io, capacity);
      asio::co_spawn(io, send_items(items, n), asio::detached);
      asio::co_spawn(io, receive_items(items, n), asio::detached);
      run(io);
    };
  };
  program.batch("channel-16", hand_over(16), "experimental::channel");
  program.batch("channel-0", hand_over(0), "experimental::channel");
  program.bytes(
      "W5-bytes",
      [] {
        constexpr std::size_t tasks = 100'000;
        asio::io_context io(1);
        const auto before = bench::heap_in_use();
        for (std::size_t i = 0; i != tasks; ++i) asio::co_spawn(io, parked(io), asio::detached);
        io.poll();
        return static_cast<double>(bench::heap_in_use() - before) / tasks;
      },
      "heap; each waits on a timer of its own");
}

void timers(bench::Program& program) {
  const auto delays = bench::random_delays(bench::many_timers);
  const bench::Ops all{bench::many_timers, bench::many_timers};
  asio::io_context io(1);
  std::size_t called = 0;
  const auto count = [&called](asio::error_code) { ++called; };
  {
    asio::steady_timer timer(io);
    program.batch(
        "W6-alone",
        [&](std::size_t n) {
          for (std::size_t i = 0; i != n; ++i) {
            timer.expires_after(
                std::chrono::nanoseconds(bench::opaque(std::int64_t{1'000'000'000})));
            timer.async_wait(count);
            timer.cancel();
            if (i % 100 == 99) run(io);
          }
          run(io);
        },
        "a syscall whenever the earliest deadline changes");
  }
  if (!program.wants("W6-cancel") && !program.wants("W6-fire")) return;
  std::vector<asio::steady_timer> pool;
  pool.reserve(delays.size());
  for (std::size_t i = 0; i != delays.size(); ++i) pool.emplace_back(io);
  program.batch(
      "W6-cancel",
      [&](std::size_t n) {
        // An hour from now: none may expire on the way.
        const auto start = asio::steady_timer::clock_type::now() + std::chrono::hours(1);
        for (std::size_t i = 0; i != n; ++i) {
          pool[i].expires_at(start + delays[i]);
          pool[i].async_wait(count);
        }
        for (std::size_t i = 0; i != n; ++i) pool[i].cancel();
        run(io);
      },
      "standing timers", all);
  program.batch(
      "W6-fire",
      [&](std::size_t n) {
        const auto start = asio::steady_timer::clock_type::now() - std::chrono::milliseconds(1'001);
        called = 0;
        for (std::size_t i = 0; i != n; ++i) {
          pool[i].expires_at(start + delays[i]);
          pool[i].async_wait(count);
        }
        run(io);
        if (called != n) std::abort();
      },
      "standing timers, deadlines already past", all);
}

// W7. Two threads use it, one of them runs it: no more than the usual locking.
class Posts {
 public:
  template <class F>
  void run(F f) {
    f();
    io_.restart();
    io_.run();
  }
  void stop() { io_.stop(); }
  template <class F>
  void post(const F& f) {
    asio::post(io_, [&f] { f(); });
  }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
};

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "asio");
  coroutines(program);
  timers(program);
  Posts loop;
  bench::posts(program, loop);
}
