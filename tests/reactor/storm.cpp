// SPDX-License-Identifier: MIT
//
// The storm: eight threads post a million calls to a reactor that runs, is stopped, runs again and
// ends, while timers, tasks and RemoteWaiters are made, answered, cancelled and dropped on both
// sides. Runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/reactor/remote_reactor.hpp"
#include "deferred/tasks/remote_waiter.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/driven.hpp"

using namespace deferred;
using namespace std::chrono_literals;
using deferred::testing::OnPoll;

namespace {

constexpr int threads = 8;
constexpr int rounds = 10;
constexpr int places = 997;                          // for timers and tasks that are live at a time
constexpr int posts = 1'000'000 / threads / rounds;  // of each thread in each round

/// Ends of waits that a thread is to answer; filled on the reactor's thread.
struct Mailbox {
  std::mutex mutex;
  std::vector<RemoteWaiter<int>> waiting;

  std::vector<RemoteWaiter<int>> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(waiting, {});
  }
};

/// A yieldable that puts its RemoteWaiter into a mailbox.
class Mailed {
 public:
  explicit Mailed(Mailbox& to) : to_(to) {}
  void yield_to(Waiter<int> waiter) const {
    RemoteWaiter<int> remote = std::move(waiter).remote();
    const std::lock_guard lock(to_.mutex);
    to_.waiting.push_back(std::move(remote));
  }

 private:
  Mailbox& to_;
};

/// What the reactor's thread knows of one thread's posts.
struct Seen {
  std::vector<std::uint8_t> runs = std::vector<std::uint8_t>(posts);
  int last = -1;
  bool in_order = true;
};

struct Storm {
  // The reactor's thread's alone:
  std::vector<Seen> seen = std::vector<Seen>(threads);
  std::vector<DelayedCall> timers = std::vector<DelayedCall>(places);
  std::vector<TaskRef> tasks = std::vector<TaskRef>(places);
  int fired = 0, answered = 0, abandoned = 0, cancelled = 0;
  // The threads':
  std::vector<Mailbox> mailboxes = std::vector<Mailbox>(threads);

  Task<> wait_for_mail(int thread) {
    const Mailed mailed(mailboxes[static_cast<std::size_t>(thread)]);
    const Outcome<int> outcome = co_await as_outcome(with_timeout(10ms, mailed));
    if (outcome.has_value()) ++answered;
    if (outcome.check<AbandonedError>()) ++abandoned;
    if (outcome.check<Cancelled>()) ++cancelled;
    co_await Pause{};
  }
  void post(Reactor& reactor, int thread, int i) {
    Seen& from = seen[static_cast<std::size_t>(thread)];
    ++from.runs[static_cast<std::size_t>(i)];
    from.in_order = from.in_order && from.last < i;
    from.last = i;
    const auto place = static_cast<std::size_t>(i * 7 + thread) % places;
    switch (i % 16) {
      case 1:  // the timer that was there is cancelled
        timers[place] = reactor.call_later(std::chrono::microseconds(i % 300), [this] { ++fired; });
        break;
      case 3:
        timers[place].cancel();
        break;
      case 5:
        tasks[place] = spawn(reactor, wait_for_mail(thread)).task();
        break;
      case 7:
        if (tasks[place].valid()) tasks[place].cancel();
        break;
      case 11:
        if (tasks[place].valid()) tasks[place].close();
        break;
      default:
        break;
    }
  }
};

/// One thread's posts. Which of them were accepted.
std::vector<bool> send(Storm& storm, Reactor& reactor, RemoteReactor remote, int thread) {
  std::vector<bool> accepted(posts);
  std::optional<RemoteReactor> copy;
  for (int i = 0; i < posts; ++i) {
    accepted[static_cast<std::size_t>(i)] =
        remote.call_from_thread([&storm, &reactor, thread, i] { storm.post(reactor, thread, i); });
    if (i % 32 == 9) copy.emplace(remote);
    if (i % 32 == 25) copy.reset();
    if (i % 64 == 13) {
      int n = 0;
      for (auto& waiter : storm.mailboxes[static_cast<std::size_t>(thread)].take()) {
        if (++n % 3 != 0) std::move(waiter).resume(i);  // the others are dropped
      }
    }
    if (i % 500 == 100 + thread) remote.stop();
    if (i % 32 == 0 || !accepted[static_cast<std::size_t>(i)]) std::this_thread::yield();
  }
  return accepted;
}

TEST_CASE("every post of a storm runs once, in its thread's order, or was refused") {
  long ran = 0, refused = 0, stops = 0;
  Storm total;
  for (int round = 0; round < rounds; ++round) {
    Storm storm;
    std::vector<std::vector<bool>> accepted(threads);
    std::vector<std::thread> others;
    std::atomic<int> sending{threads};
    {
      OnPoll on;
      for (int t = 0; t < threads; ++t) {
        others.emplace_back([&, t, remote = on.reactor.remote()] {
          accepted[static_cast<std::size_t>(t)] = send(storm, on.reactor, remote, t);
          --sending;
          remote.stop();
        });
      }
      // In every second round the reactor ends while the threads still post.
      const int runs = round % 2 ? 20 * round : 1'000'000;
      for (int i = 0; i < runs && sending > 0; ++i, ++stops) on.reactor.run();
      storm.timers.clear();
    }
    for (std::thread& other : others) other.join();

    for (int t = 0; t < threads; ++t) {
      const Seen& seen = storm.seen[static_cast<std::size_t>(t)];
      CHECK(seen.in_order);
      int wrong = 0;
      for (std::size_t i = 0; i < posts; ++i) {
        const bool taken = accepted[static_cast<std::size_t>(t)][i];
        ++(taken ? ran : refused);
        if (seen.runs[i] != (taken ? 1 : 0)) ++wrong;
      }
      CHECK(wrong == 0);
    }
    total.fired += storm.fired;
    total.answered += storm.answered;
    total.abandoned += storm.abandoned;
    total.cancelled += storm.cancelled;
  }

  MESSAGE(ran << " posts ran, " << refused << " were refused, in " << stops << " runs; "
              << total.fired << " timers, " << total.answered << " answers, " << total.abandoned
              << " dropped ends, " << total.cancelled << " cancels");
  CHECK(ran + refused == 1'000'000);
  CHECK(ran > 100'000);
  CHECK(refused > 0);
  CHECK(total.answered > 0);
  CHECK(total.cancelled > 0);
}

}  // namespace
