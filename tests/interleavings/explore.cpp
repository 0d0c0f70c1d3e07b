// SPDX-License-Identifier: MIT
#include "tests/interleavings/explore.hpp"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <new>
#include <set>
#include <thread>
#include <utility>

namespace deferred::testing {
namespace {

constexpr std::size_t most_runs = 2'000'000;  // then it gives up
constexpr char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";

/// Which thread goes on, where more than one could.
struct Choice {
  int chosen;
  int of;
};

/// One run. All but its waiting is done by the thread whose turn it is.
struct Run {
  struct Thread {
    std::function<void()> body;
    const std::function<bool()>* ready = nullptr;  // null: not waiting
    const char* waits_for = "";
    bool ended = false;
  };

  std::mutex mutex;
  std::condition_variable changed;
  int turn = -1;  // under the mutex: whose; -1: the scenario's own thread
  std::vector<Thread> threads;
  int preemptions_left = 0;
  std::vector<int> prefix;      // choices to repeat; after them the first of each
  std::vector<Choice> choices;  // made
  bool stuck = false;           // all waited: from here on every wait gives up
  int given_up = 0;
  std::string error;
  std::set<const void*> shared;  // Atomics and Mutexes there are

  bool can_go_on(const Thread& thread) const {
    return !thread.ended && (!thread.ready || stuck || (*thread.ready)());
  }
  int choose(int of) {
    int chosen = 0;
    if (of == 1 || stuck) return 0;
    if (choices.size() < prefix.size()) chosen = prefix[choices.size()];
    if (chosen >= of) {
      note("these choices are not of this scenario");
      chosen = 0;
    }
    choices.push_back({chosen, of});
    return chosen;
  }
  void note(const std::string& text) {
    if (error.empty()) error = text;
  }

  /// The thread whose turn is next, after `self`; -1 when all have ended.
  int next(int self) {
    const bool stays = self >= 0 && can_go_on(threads[static_cast<std::size_t>(self)]);
    std::vector<int> candidates;
    if (stays) candidates.push_back(self);
    if (!stays || preemptions_left > 0) {
      for (int i = 0; i < static_cast<int>(threads.size()); ++i) {
        if (i != self && can_go_on(threads[static_cast<std::size_t>(i)])) candidates.push_back(i);
      }
    }
    if (candidates.empty()) {
      std::string waits;
      for (std::size_t i = 0; i < threads.size(); ++i) {
        if (threads[i].ended) continue;
        waits += (waits.empty() ? "thread " : ", thread ") + std::to_string(i) + " waits for " +
                 threads[i].waits_for;
      }
      if (waits.empty()) return -1;
      note("nobody can go on: " + waits);
      stuck = true;
      return next(self);
    }
    const int chosen =
        candidates[static_cast<std::size_t>(choose(static_cast<int>(candidates.size())))];
    if (stays && chosen != self) --preemptions_left;
    return chosen;
  }
  void pass(int self, int to) {
    if (to == self) return;
    std::unique_lock lock(mutex);
    turn = to;
    changed.notify_all();
    if (self >= 0 && threads[static_cast<std::size_t>(self)].ended) return;
    changed.wait(lock, [&] { return turn == self; });
  }
};

Run* run_now = nullptr;              // set while a scenario runs
thread_local int self = -1;          // the number of this thread in it
thread_local bool deciding = false;  // a predicate is being called

std::string told(const std::vector<Choice>& choices) {
  std::string text;
  for (const Choice& choice : choices) text += digits[choice.chosen];
  while (!text.empty() && text.back() == '0') text.pop_back();  // the first is what is taken anyway
  return text.empty() ? "0" : text;
}

std::size_t system_calls_made = 0;  // of those that are led here

/// Memory that was freed in a run is kept until its end, so that what is wrongly used afterwards
/// does no harm.
struct Kept {
  Kept* next;
};
Kept* kept = nullptr;

void free_kept() {
  while (kept) std::free(std::exchange(kept, kept->next));
}

void one_run(Run& run, const Scenario& scenario) {
  run_now = &run;
  Interleaving interleaving;
  scenario(interleaving);
  if (!run.shared.empty()) {
    run.note(std::to_string(run.shared.size()) + " Atomics and Mutexes were leaked");
  }
  run_now = nullptr;
  free_kept();
}

}  // namespace

void Interleaving::run(std::initializer_list<std::function<void()>> threads) {
  Run& run = *run_now;
  for (const auto& body : threads) run.threads.push_back({body});
  std::vector<std::thread> started;
  for (int i = 0; i < static_cast<int>(run.threads.size()); ++i) {
    started.emplace_back([&run, i] {
      {
        std::unique_lock lock(run.mutex);
        run.changed.wait(lock, [&] { return run.turn == i; });
      }
      self = i;
      Run::Thread& me = run.threads[static_cast<std::size_t>(i)];
      me.body();
      me.body = nullptr;
      me.ended = true;
      const int following = run.next(i);
      self = -1;
      run.pass(i, following);
    });
  }
  run.pass(-1, run.next(-1));
  for (std::thread& thread : started) thread.join();
}

void Interleaving::check(bool good, const std::string& text) {
  if (!good) run_now->note(text);
}

int most_preemptions() {
  const char* const asked = std::getenv("EXPLORE_PREEMPTIONS");
  return asked ? std::atoi(asked) : 2;
}

Explored explore(const Scenario& scenario) {
  Explored explored;
  std::vector<int> prefix;
  for (;;) {
    Run run;
    run.preemptions_left = most_preemptions();
    run.prefix = prefix;
    one_run(run, scenario);
    ++explored.runs;
    if (!run.error.empty()) {
      explored.error = run.error;
      explored.choices = told(run.choices);
      return explored;
    }
    while (!run.choices.empty() && run.choices.back().chosen + 1 == run.choices.back().of) {
      run.choices.pop_back();
    }
    if (run.choices.empty()) return explored;
    if (explored.runs == most_runs) {
      explored.complete = false;
      return explored;
    }
    ++run.choices.back().chosen;
    prefix.clear();
    for (const Choice& choice : run.choices) prefix.push_back(choice.chosen);
  }
}

Explored replay(const Scenario& scenario, const std::string& choices) {
  Run run;
  run.preemptions_left = most_preemptions();
  for (const char digit : choices) {
    run.prefix.push_back(digit >= 'a' ? digit - 'a' + 10 : digit - '0');
  }
  one_run(run, scenario);
  return {1, true, run.error, told(run.choices)};
}

namespace exploring {

bool active() noexcept { return self >= 0; }

std::size_t system_calls() noexcept { return system_calls_made; }

void point() {
  if (self < 0 || deciding) return;
  run_now->pass(self, run_now->next(self));
}

bool wait_until(const std::function<bool()>& ready, const char* what) {
  if (self < 0 || deciding) return true;
  const std::function<bool()> decide = [&ready] {
    deciding = true;
    const bool is = ready();
    deciding = false;
    return is;
  };
  if (decide()) return true;
  Run& run = *run_now;
  Run::Thread& me = run.threads[static_cast<std::size_t>(self)];
  if (!run.stuck) {
    me.ready = &decide;
    me.waits_for = what;
    run.pass(self, run.next(self));
    me.ready = nullptr;
    if (decide()) return true;
  }
  // The others are let end too, if the scenario sees to it.
  if (++run.given_up == 1000) {
    std::fprintf(stderr, "explore: %s\nexplore: and it does not end. Choices: %s\n",
                 run.error.c_str(), told(run.choices).c_str());
    std::abort();
  }
  run.pass(self, run.next(self));
  return false;
}

void error(const std::string& text) {
  if (run_now) run_now->note(text);
}

void begin(const void* object) {
  if (run_now) run_now->shared.insert(object);
}
void end(const void* object) {
  if (run_now) run_now->shared.erase(object);
}
bool use(const void* object, const char* what) {
  if (!run_now || run_now->shared.count(object) > 0) return true;
  error(std::string(what) + " was used after its end");
  return false;
}

}  // namespace exploring
}  // namespace deferred::testing

// ---- System calls on descriptors, and semaphores; the linker leads the library's calls here
// (--wrap).

using namespace deferred::testing;

extern "C" {

int __real_ppoll(pollfd* fds, nfds_t count, const timespec* limit, const sigset_t* mask);
ssize_t __real_read(int fd, void* to, std::size_t size);
ssize_t __real_write(int fd, const void* from, std::size_t size);
int __real_epoll_wait(int epoll, epoll_event* events, int room, int limit);
int __real_sem_wait(sem_t* semaphore);
int __real_sem_post(sem_t* semaphore);

int __wrap_ppoll(pollfd* fds, nfds_t count, const timespec* limit, const sigset_t* mask) {
  ++system_calls_made;
  if (!exploring::active()) return __real_ppoll(fds, count, limit, mask);
  constexpr timespec now{};
  exploring::point();
  if (!limit) {
    exploring::wait_until([&] { return __real_ppoll(fds, count, &now, nullptr) > 0; },
                          "a descriptor");
  }
  return __real_ppoll(fds, count, &now, mask);
}
ssize_t __wrap_read(int fd, void* to, std::size_t size) {
  ++system_calls_made;
  exploring::point();
  return __real_read(fd, to, size);
}
ssize_t __wrap_write(int fd, const void* from, std::size_t size) {
  ++system_calls_made;
  exploring::point();
  return __real_write(fd, from, size);
}
int __wrap_epoll_wait(int epoll, epoll_event* events, int room, int limit) {
  ++system_calls_made;
  if (!exploring::active()) return __real_epoll_wait(epoll, events, room, limit);
  exploring::point();
  if (limit < 0) {
    exploring::wait_until(
        [&] {
          pollfd one{epoll, POLLIN, 0};
          constexpr timespec now{};
          return __real_ppoll(&one, 1, &now, nullptr) > 0;
        },
        "a descriptor of an epoll");
  }
  return __real_epoll_wait(epoll, events, room, 0);
}
int __wrap_sem_wait(sem_t* semaphore) {
  ++system_calls_made;
  if (!exploring::active()) return __real_sem_wait(semaphore);
  exploring::point();
  exploring::wait_until(
      [&] {
        int value = 0;
        ::sem_getvalue(semaphore, &value);
        return value > 0;
      },
      "a semaphore");
  return ::sem_trywait(semaphore);
}
int __wrap_sem_post(sem_t* semaphore) {
  ++system_calls_made;
  exploring::point();
  return __real_sem_post(semaphore);
}

}  // extern "C"

// ---- Memory.

void* operator new(std::size_t size) {
  if (void* const memory = std::malloc(size < sizeof(Kept) ? sizeof(Kept) : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  if (!memory) return;
  if (!exploring::active()) return std::free(memory);
  kept = new (memory) Kept{kept};
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto at = static_cast<std::size_t>(alignment);
  if (void* const memory = std::aligned_alloc(at, (size + at - 1) / at * at)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory, std::align_val_t) noexcept { operator delete(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  operator delete(memory);
}
