// SPDX-License-Identifier: MIT
//
// Boost.Fiber: threads in user space with stacks of their own. W1 is a promise that is set and then
// read, for it has no continuations; a subtask is a plain function call there.
#include "bench.hpp"

#include <boost/fiber/all.hpp>

#include <mutex>
#include <vector>

namespace {

namespace fibers = boost::fibers;
namespace this_fiber = boost::this_fiber;

template <class F>
fibers::fiber start(F f) {
  return fibers::fiber(fibers::launch::post, std::move(f));
}

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "boost.fiber");
  program.each(
      "W1",
      [] {
        fibers::promise<int> promise;
        auto future = promise.get_future();
        promise.set_value(bench::opaque(1));
        bench::keep(future.get());
      },
      "promise and get, no continuations");
  const auto switches = [](std::size_t tasks) {
    return [tasks](std::size_t n) {
      std::vector<fibers::fiber> all;
      for (std::size_t i = 0; i != tasks; ++i) {
        all.push_back(start([times = n / tasks] {
          for (std::size_t i = 0; i != times; ++i) this_fiber::yield();
        }));
      }
      for (auto& fiber : all) fiber.join();
    };
  };
  program.batch("W4", switches(2));
  program.batch("W4-1000", switches(1'000), "", {1'000'000, 100'000});
  program.each("W5", [] { start([] {}).join(); }, "spawn and join, one at a time");
  const auto hand_over = [](auto& channel, std::size_t n) {
    fibers::fiber sender = start([&] {
      for (std::size_t i = 0; i != n; ++i) channel.push(i);
    });
    std::size_t sum = 0;
    for (std::size_t i = 0; i != n; ++i) sum += channel.value_pop();
    bench::keep(sum);
    sender.join();
  };
  program.batch(
      "channel-16",
      [&](std::size_t n) {
        fibers::buffered_channel<std::size_t> channel(16);
        hand_over(channel, n);
      },
      "buffered_channel");
  program.batch(
      "channel-0",
      [&](std::size_t n) {
        fibers::unbuffered_channel<std::size_t> channel;
        hand_over(channel, n);
      },
      "unbuffered_channel");
  program.bytes(
      "W5-bytes",
      [] {
        constexpr std::size_t tasks = 10'000;
        fibers::mutex mutex;
        fibers::condition_variable condition;
        bool go_on = false;
        std::vector<fibers::fiber> all(tasks);
        const auto before = bench::resident();
        for (auto& fiber : all) {
          fiber = start([&] {
            std::unique_lock lock(mutex);
            condition.wait(lock, [&] { return go_on; });
          });
        }
        this_fiber::yield();
        const auto used = bench::resident() - before;
        go_on = true;
        condition.notify_all();
        for (auto& fiber : all) fiber.join();
        return static_cast<double>(used) / tasks;
      },
      "memory touched; 128 KiB of stack reserved each");
}
