// SPDX-License-Identifier: MIT
//
// bench_deferred_scaling: what an item costs when there are 10^3 ... 10^6 of them. Rows WORK@ITEMS,
// instructions and bytes; nothing may grow by more than the timer heap's logarithm.
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "deferred/reactor/watch.hpp"
#include "items.hpp"
#ifdef WITH_EPOLL
#include "reactors/epoll.hpp"
#endif

namespace {

using namespace deferred;
using works::Items;

// Reports each watched descriptor in each round.
class HandReports final : public works::HandClock {
 public:
  explicit HandReports(std::size_t descriptors) : handlers_(descriptors) {}

  void watch(int fd, Ready, IoHandler& handler) override { at(fd) = &handler; }
  void unwatch(int fd) noexcept override { at(fd) = nullptr; }
  void run_once(bool) override {
    turn();
    for (std::size_t i = 0; i != handlers_.size(); ++i) {
      if (handlers_[i] != nullptr) handlers_[i]->on_ready(Ready::read);
    }
  }

 private:
  IoHandler*& at(int fd) { return handlers_[static_cast<std::size_t>(fd)]; }

  std::vector<IoHandler*> handlers_;
};

// Each is reported once.
Task<> watched(Items items, const std::vector<int>& fds) {
  std::size_t missing = fds.size();
  std::vector<Watch> watches;
  watches.reserve(fds.size());
  items.begin();
  for (std::size_t i = 0; i != fds.size(); ++i) {
    watches.push_back(items.reactor.watch(fds[i], Ready::read, [&watches, &missing, i] {
      watches[i].set_interest(Ready::none);
      --missing;
    }));
  }
  items.all_there();
  while (missing != 0) co_await Pause{};
}

// Seconds without work: the free lists keep nothing of the work before.
void rest() {
  works::HandClock clock;
  Reactor reactor{clock};
  for (int second = 0; second != 4; ++second) {
    clock.put_forward(std::chrono::seconds(1));
    clock.run_once(false);
  }
}

// The row of a work's instructions and that of its bytes. `run(begin, all_there)` does it once.
template <class F>
void measure(bench::Program& program, const char* work, std::size_t count, F run,
             const char* note) {
  const std::string name = std::string(work) + '@' + std::to_string(count);
  if (program.wants(name)) rest();
  program.batch(name, [&run](std::size_t) { run([] {}, [] {}); }, note, {count, count});
  program.bytes(
      name,
      [&run, count] {
        works::Growth growth(count);
        run([&growth] { growth.begin(); }, [&growth] { growth.all_there(); });
        return growth.an_item();
      },
      note);
}

void by_hand(bench::Program& program, std::size_t count) {
  const std::vector<Duration> random = bench::random_delays(count);
  const std::vector<Duration> equal(count, std::chrono::milliseconds(1));
  const auto on_clock = [&](const char* work, auto task, const char* note) {
    const auto run = [&](std::function<void()> begin, std::function<void()> all_there) {
      works::HandClock clock;
      Reactor reactor{clock};
      reactor.run(task(Items{reactor, clock, count, std::move(begin), std::move(all_there)}));
    };
    measure(program, work, count, run, note);
  };
  on_clock("parked-tasks", works::parked_tasks, "from start to end");
  on_clock("pending-deferreds", works::pending_deferreds, "made, awaited by a task each, fired");
  on_clock(
      "timers-random-cancelled",
      [&](Items items) { return works::cancelled_timers(std::move(items), random); }, "");
  on_clock(
      "timers-equal-cancelled",
      [&](Items items) { return works::cancelled_timers(std::move(items), equal); },
      "in the order in which they were set");
  on_clock(
      "timers-random-fired",
      [&](Items items) { return works::fired_timers(std::move(items), random); }, "");

  std::vector<int> fds(count);
  for (std::size_t i = 0; i != count; ++i) fds[i] = static_cast<int>(i);
  HandReports backend(count);
  const auto run = [&](std::function<void()> begin, std::function<void()> all_there) {
    Reactor reactor{backend};
    reactor.run(
        watched(Items{reactor, backend, count, std::move(begin), std::move(all_there)}, fds));
  };
  measure(program, "watches", count, run, "the library's part: a backend that reports by hand");
}

#ifdef WITH_EPOLL
void on_epoll(bench::Program& program, std::size_t count) {
  if (works::most_descriptors() < count + 64) return;
  int pipe_ends[2];
  if (::pipe(pipe_ends) != 0 || ::write(pipe_ends[1], "x", 1) != 1) std::abort();
  std::vector<int> fds(count);
  for (int& fd : fds) fd = ::dup(pipe_ends[0]);
  const auto run = [&](std::function<void()> begin, std::function<void()> all_there) {
    works::HandClock clock;
    reactors::Epoll backend;
    Reactor reactor{backend};
    reactor.run(watched(Items{reactor, clock, count, std::move(begin), std::move(all_there)}, fds));
  };
  measure(program, "watches-epoll", count, run, "as many as the process may have");
  for (const int fd : fds) ::close(fd);
  for (const int end : pipe_ends) ::close(end);
}
#else
void on_epoll(bench::Program&, std::size_t) {}
#endif

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "deferred");
  for (const std::size_t count : {1'000, 10'000, 100'000, 1'000'000}) {
    by_hand(program, count);
    on_epoll(program, count);
  }
}
