// SPDX-License-Identifier: MIT
// The runs, and the operator new that fails in them. Both stand in one file, so that a program that
// links the library without calling them keeps its own.
#include "deferred/testing/allocation_failure.hpp"

#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <new>
#include <stdexcept>
#include <utility>

#include "deferred/memory/free_list.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/results/failure.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/testing/detail/open_descriptors.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing {
namespace {

constexpr std::size_t never = static_cast<std::size_t>(-1);

// What this thread's allocations do.
struct Failing {
  std::size_t at = never;  // the allocation that fails, counted from zero
  bool and_after = false;  // so do those that follow it
  std::size_t count = 0;   // so far
  bool failed = false;     // one has
  unsigned suspended = 0;  // so many AllocationsSucceed live
};
constinit thread_local Failing failing;
std::atomic<long> bytes_in_use{0};
std::atomic<bool> asked{false};           // our operator new has been called
std::atomic<bool> one_has_failed{false};  // in this run, for all threads

bool fails_now() noexcept {
  if (failing.at == never || failing.suspended != 0) return false;
  const std::size_t number = failing.count++;
  const bool fails = number == failing.at || (failing.and_after && number > failing.at);
  if (fails) failing.failed = one_has_failed = true;
  return fails;
}

void* allocated(void* memory) noexcept {
  if (memory) bytes_in_use.fetch_add(static_cast<long>(::malloc_usable_size(memory)));
  return memory;
}
void* try_to_allocate(std::size_t size) noexcept {
  asked.store(true, std::memory_order_relaxed);
  if (fails_now()) return nullptr;
  return allocated(std::malloc(size == 0 ? 1 : size));
}
void* try_to_allocate(std::size_t size, std::align_val_t alignment) noexcept {
  if (fails_now()) return nullptr;
  void* memory = nullptr;
  const auto at_least = std::max(static_cast<std::size_t>(alignment), sizeof(void*));
  if (::posix_memalign(&memory, at_least, size == 0 ? 1 : size) != 0) return nullptr;
  return allocated(memory);
}
template <class... A>
void* allocate(A... arguments) {
  void* const memory = try_to_allocate(arguments...);
  if (!memory) throw std::bad_alloc();
  return memory;
}
void give_back(void* memory) noexcept {
  if (memory) bytes_in_use.fetch_sub(static_cast<long>(::malloc_usable_size(memory)));
  std::free(memory);
}

// The unhandled failures of a run, of any thread. For want of memory promises are dropped, by
// unwinding.
std::mutex reports_mutex;
constinit std::vector<std::string>* reports = nullptr;
void take_report(const Failure& failure, const std::string& whose) {
  const AllocationsSucceed memory;
  const bool expected = one_has_failed && failure.check<AbandonedError>();
  const std::lock_guard lock(reports_mutex);
  if (reports && !expected && !failure.check<std::bad_alloc>()) {
    reports->push_back("an unhandled failure of " + whose + ": " + failure.what());
  }
}
void collect_reports(std::vector<std::string>* into) {
  const std::lock_guard lock(reports_mutex);
  reports = into;
}

std::string left_behind(Reactor& reactor) {
  std::string left;
  const auto note = [&left](std::size_t count, const char* what) {
    if (count != 0) left += (left.empty() ? "" : ", ") + std::to_string(count) + " " + what;
  };
  note(reactor.task_count(), "tasks");
  note(reactor.timer_count(), "timers");
  note(reactor.watch_count(), "watched descriptors");
  note(reactor.busy() ? 1 : 0, "or more posts");
  if (reactor.task_count() != 0) left += ": " + reactor.dump_tasks();
  return left;
}

void take_turns(Reactor& reactor, int turns) {
  while (turns-- > 0) reactor.backend().run_once(false);
}

// What of a reactor does not work any more; empty if all does.
std::string canary(Reactor& reactor) {
  bool posted = false, called = false, timer = false, paused = false;
  int got = 0;
  auto [promise, deferred] = make_deferred<int>();
  auto task = [&]() -> Task<> {
    co_await Pause{};
    paused = true;
    got = co_await std::move(deferred);
  };
  const Spawned<void> spawned = spawn(reactor, task);
  reactor.post([&] { posted = true; });
  if (!reactor.call_from_thread([&] { called = true; })) called = true;  // after a stop()
  const DelayedCall soon = reactor.call_later(Duration::zero(), [&] { timer = true; });
  take_turns(reactor, 4);
  promise.callback(7);
  take_turns(reactor, 4);

  std::string missing;
  const auto note = [&missing](bool came, const char* what) {
    if (!came) missing += (missing.empty() ? "" : ", ") + std::string(what);
  };
  note(posted, "a post");
  note(called, "a call from a thread");
  note(timer, "a timer");
  note(paused, "a pause");
  note(got == 7 && spawned.done(), "an awaited Deferred");
  return missing;
}

class Runs {
 public:
  Runs(const std::function<void(Reactor&)>& f, const AllocationFailureOptions& options)
      : f_(f), options_(options), hook_before_(set_unhandled_failure_hook(&take_report)) {}
  Runs(const Runs&) = delete;
  Runs& operator=(const Runs&) = delete;
  ~Runs() { set_unhandled_failure_hook(hook_before_); }

  AllocationFailureReport all() {
    report_.allocations = run(none, false);
    if (options_.once) each(false);
    if (options_.from_then_on) each(true);
    return std::move(report_);
  }

 private:
  static constexpr std::size_t none = never - 1;  // allocations are counted, and all succeed

  void each(bool and_after) {
    if (options_.only != never) {
      run(options_.only, and_after);
      return;
    }
    for (std::size_t at = 0; at != options_.most; ++at) {
      if (run(at, and_after) <= at) return;
    }
    report_.faults.push_back("it has made " + std::to_string(options_.most) +
                             " allocations, and goes on");
  }

  // Gives how many allocations were made.
  std::size_t run(std::size_t at, bool and_after) {
    const detail::NoRecycling all_from_new;
    const auto descriptors = open_descriptors();
    const long bytes = bytes_in_use;
    std::string wrong;
    {
      std::vector<std::string> reported;
      one_has_failed = false;
      collect_reports(&reported);
      auto reactor =
          options_.make ? std::make_unique<Reactor>(options_.make()) : std::make_unique<Reactor>();
      wrong = call(*reactor, at, and_after);
      if (wrong.empty()) wrong = look_at(*reactor);
      reactor.reset();  // which may report, too
      collect_reports(nullptr);
      if (wrong.empty() && !reported.empty()) wrong = reported.front();
    }
    if (wrong.empty()) wrong = look_at(descriptors);
    // The first run makes what is made once in a process.
    if (const long more = bytes_in_use - bytes; wrong.empty() && more != 0 && at != none) {
      wrong = "it leaves " + std::to_string(more) + " bytes allocated";
    }
    if (failing.failed) ++report_.runs;
    if (!wrong.empty()) note(at, and_after, wrong);
    return std::exchange(failing, {}).count;
  }

  // Gives what is wrong; empty if nothing is.
  std::string call(Reactor& reactor, std::size_t at, bool and_after) {
    failing = {.at = at, .and_after = and_after};
    std::string wrong;
    try {
      f_(reactor);
      failing.at = never;
    } catch (const std::bad_alloc&) {
      failing.at = never;
      if (!failing.failed) wrong = "it throws std::bad_alloc";
    } catch (const std::exception& error) {
      failing.at = never;
      wrong = error.what();
    } catch (...) {
      failing.at = never;
      wrong = "it throws what is no std::exception";
    }
    return wrong;
  }
  static std::string look_at(Reactor& reactor) {
    take_turns(reactor, 4);
    if (const std::string left = left_behind(reactor); !left.empty()) {
      return "it leaves behind " + left;
    }
    const std::string missing = canary(reactor);
    return missing.empty() ? missing
                           : "the reactor does not go on: what does not come is " + missing;
  }
  static std::string look_at(const OpenDescriptors& before) {
    const std::string left = opened_since(before);
    return left.empty() ? left : "it leaves open descriptor " + left;
  }
  void note(std::size_t at, bool and_after, const std::string& wrong) {
    std::string when = "nothing fails";
    if (failing.failed) {
      when =
          "allocation " + std::to_string(at) + (and_after ? " and all that follow fail" : " fails");
    }
    report_.faults.push_back(when + ": " + wrong);
  }

  const std::function<void(Reactor&)>& f_;
  const AllocationFailureOptions& options_;
  UnhandledFailureHook hook_before_;
  AllocationFailureReport report_;
};

// Not to be left out by an optimizer, as a pair of new and delete may be.
void* (*volatile new_of_the_program)(std::size_t) = &::operator new;

void require_own_new() {
  asked = false;
  ::operator delete(new_of_the_program(1));
  if (!asked) {
    throw std::logic_error(
        "with_allocation_failures: this program has an operator new of its own, which does not "
        "fail; leave that out, or link deferred-testing before the library that has it");
  }
}

}  // namespace

AllocationFailureReport with_allocation_failures(const std::function<void(Reactor&)>& f,
                                                 const AllocationFailureOptions& options) {
  require_own_new();
  return Runs(f, options).all();
}

bool allocation_failed() noexcept { return failing.failed; }

AllocationsSucceed::AllocationsSucceed() noexcept { ++failing.suspended; }
AllocationsSucceed::~AllocationsSucceed() { --failing.suspended; }

std::string AllocationFailureReport::summary() const {
  std::string text = std::to_string(allocations) + " allocations, " + std::to_string(runs) +
                     " runs, " + std::to_string(faults.size()) + " faults";
  for (const std::string& fault : faults) text += "\n  " + fault;
  return text;
}

}  // namespace deferred::testing

using namespace deferred::testing;

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return try_to_allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return try_to_allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate(size, alignment);
}
void* operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return try_to_allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return try_to_allocate(size, alignment);
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(memory);
}
void operator delete[](void* memory, std::align_val_t, const std::nothrow_t&) noexcept {
  give_back(memory);
}
