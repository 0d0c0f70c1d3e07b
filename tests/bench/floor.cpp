// SPDX-License-Identifier: MIT
//
// The floor: the least code that does each work at all, written by hand for that work, with no
// checks, no cancelling and no generality. What a library costs above these rows is what its
// features cost. Next: works/.
#include "bench.hpp"

#include <coroutine>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>

void posts(bench::Program& program);  // floor_posts.cpp

namespace {

// Blocks of one size, handed out again last in, first out.
template <std::size_t Bytes>
class FreeList {
 public:
  static void* take() {
    if (first_ == nullptr) return ::operator new(Bytes);
    return std::exchange(first_, first_->next);
  }
  static void give(void* block) { first_ = ::new (block) Block{first_}; }

 private:
  struct Block {
    Block* next;
  };
  static inline constinit thread_local Block* first_ = nullptr;
};

// W1: the chain, all its callables in one recycled block.

struct Oops {
  int code;
};

// What travels along the chain: a value, or an error as a value, told by its type.
struct Slot {
  int value = 0;
  int error = 0;
  const void* error_type = nullptr;
};

template <class E>
constexpr char type_mark = 0;

struct Link {
  Link* next;
  void (*run)(Link*, Slot&);
};

class Chain {
 public:
  template <class F>
  void add_callback(F f) {
    struct Callback : Link {
      F f;
      static void run(Link* link, Slot& slot) {
        auto* self = static_cast<Callback*>(link);
        if (slot.error_type == nullptr) slot.value = self->f(slot.value);
        std::destroy_at(&self->f);
      }
    };
    append(::new (place(sizeof(Callback))) Callback{{nullptr, &Callback::run}, std::move(f)});
  }

  template <class E, class F>
  void add_errback(F f) {
    struct Errback : Link {
      F f;
      static void run(Link* link, Slot& slot) {
        auto* self = static_cast<Errback*>(link);
        if (slot.error_type == &type_mark<E>) {
          slot.value = self->f(E{slot.error});
          slot.error_type = nullptr;
        }
        std::destroy_at(&self->f);
      }
    };
    append(::new (place(sizeof(Errback))) Errback{{nullptr, &Errback::run}, std::move(f)});
  }

  void fire(Slot slot) {
    slot_ = slot;
    for (Link* link = first_; link != nullptr;) {
      Link* const next = link->next;
      link->run(link, slot_);
      link = next;
    }
  }

  [[nodiscard]] int read() const { return slot_.value; }

  static void* operator new(std::size_t) { return FreeList<256>::take(); }
  static void operator delete(void* block) { FreeList<256>::give(block); }

 private:
  void* place(std::size_t bytes) { return arena_ + std::exchange(used_, used_ + bytes); }
  void append(Link* link) {
    *last_ = link;
    last_ = &link->next;
  }

  Slot slot_;
  Link* first_ = nullptr;
  Link** last_ = &first_;
  std::size_t used_ = 0;
  alignas(8) std::byte arena_[200];
};
static_assert(sizeof(Chain) <= 256);

[[gnu::noinline]] int fails(int code) { throw Oops{code}; }

void chain(bench::Program& program) {
  program.each(
      "W1",
      [] {
        auto chain = std::make_unique_for_overwrite<Chain>();
        bench::keep(chain.get());
        const int k = bench::opaque(1);
        chain->add_callback([k](int v) { return v + k; });
        chain->add_callback([k](int v) { return v ^ k; });
        chain->add_callback([k](int v) { return v + k; });
        chain->fire({.value = k});
        bench::keep(chain->read());
      },
      "one recycled block");
  program.each(
      "W1b",
      [] {
        int v = bench::opaque(1);
        const int k = bench::opaque(2);
        const auto then = [&v](auto f) {
          v = f(v);
          bench::keep(v);
        };
        then([k](int v) { return v + k; });
        then([k](int v) { return v ^ k; });
        then([k](int v) { return v + k; });
      },
      "value inline, no block");
  program.each(
      "W1c",
      [] {
        auto chain = std::make_unique_for_overwrite<Chain>();
        bench::keep(chain.get());
        const int k = bench::opaque(1);
        chain->add_callback([k](int v) { return v + k; });
        chain->add_callback([k](int v) { return v ^ k; });
        chain->add_errback<Oops>([k](const Oops& oops) { return oops.code + k; });
        chain->fire({.error = k, .error_type = &type_mark<Oops>});
        bench::keep(chain->read());
      },
      "a code and a type mark");
  program.each("W1c-throw",
               [] {
                 try {
                   bench::keep(fails(bench::opaque(1)));
                 } catch (...) {
                   const std::exception_ptr error = std::current_exception();
                   bench::keep(error);
                 }
               },
               "one throw a frame down, std::current_exception", {0, 200});
  program.each(
      "chain-8",
      [] {
        auto chain = std::make_unique_for_overwrite<Chain>();
        bench::keep(chain.get());
        const int k = bench::opaque(1);
        for (int i = 0; i != 4; ++i) {
          chain->add_callback([k](int v) { return v + k; });
          chain->add_callback([k](int v) { return v ^ k; });
        }
        chain->fire({.value = k});
        bench::keep(chain->read());
      },
      "all in the one block");
}

// W2 .. W5: coroutines with recycled frames and symmetric transfer.

// Frames in steps of 16 bytes.
struct RecycledFrame {
  static void* operator new(std::size_t bytes) {
    switch ((bytes + 15) / 16) {
      case 3:
        return FreeList<48>::take();
      case 4:
        return FreeList<64>::take();
      case 5:
        return FreeList<80>::take();
      case 6:
        return FreeList<96>::take();
      default:
        return std::malloc(bytes);
    }
  }
  static void operator delete(void* frame, std::size_t bytes) {
    switch ((bytes + 15) / 16) {
      case 3:
        return FreeList<48>::give(frame);
      case 4:
        return FreeList<64>::give(frame);
      case 5:
        return FreeList<80>::give(frame);
      case 6:
        return FreeList<96>::give(frame);
      default:
        std::free(frame);
    }
  }
};

// A subtask: starts when awaited, goes back to its caller by symmetric transfer.
class Call {
 public:
  struct promise_type : RecycledFrame {
    std::coroutine_handle<> caller;
    int value;
    Call get_return_object() {
      return Call{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Return {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          return self.promise().caller;
        }
        void await_resume() noexcept {}
      };
      return Return{};
    }
    void return_value(int v) { value = v; }
    void unhandled_exception() { std::terminate(); }
  };

  explicit Call(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  ~Call() { frame_.destroy(); }

  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) {
    frame_.promise().caller = caller;
    return frame_;
  }
  int await_resume() { return frame_.promise().value; }

 private:
  std::coroutine_handle<promise_type> frame_;
};

// A microthread: starts when resumed, frees itself at its end.
struct Spawned {
  struct promise_type : RecycledFrame {
    Spawned get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<> frame;
};

// The ready queue: a ring of handles, never full.
class Ring {
 public:
  void push(std::coroutine_handle<> frame) { ring_[last_++ & mask] = frame; }
  void run() {
    while (first_ != last_) ring_[first_++ & mask].resume();
  }
  auto yield() {
    struct Yield {
      Ring& ring;
      bool await_ready() { return false; }
      void await_suspend(std::coroutine_handle<> self) { ring.push(self); }
      void await_resume() {}
    };
    return Yield{*this};
  }

 private:
  static constexpr std::size_t mask = 1023;
  std::coroutine_handle<> ring_[mask + 1];
  std::size_t first_ = 0;
  std::size_t last_ = 0;
};

struct Ready {
  int value;
  bool await_ready() { return true; }
  void await_suspend(std::coroutine_handle<>) {}
  int await_resume() { return value; }
};

Spawned await_ready(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) bench::keep(co_await Ready{bench::opaque(1)});
}

// What is awaited and fired later: a core of its own, shared by the two ends.
struct Core {
  int value;
  std::coroutine_handle<> waiting;
  static void* operator new(std::size_t) { return FreeList<sizeof(void*) * 2>::take(); }
  static void operator delete(void* block) { FreeList<sizeof(void*) * 2>::give(block); }
};

struct Pending {
  std::unique_ptr<Core> core;
  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> self) { core->waiting = self; }
  int await_resume() { return core->value; }
};

Spawned await_pending(std::size_t n, Core*& other_end) {
  for (std::size_t i = 0; i != n; ++i) {
    Pending pending{std::make_unique<Core>()};
    other_end = pending.core.get();
    bench::keep(other_end);
    bench::keep(co_await pending);
  }
  other_end = nullptr;
}

[[gnu::noinline]] Call leaf(int v) { co_return v; }

[[gnu::noinline]] Call nested(int levels) {
  if (levels == 0) co_return 0;
  const int below = co_await nested(levels - 1);
  co_return below + 1;
}

Spawned call_leaf(std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) {
    const int v = co_await leaf(bench::opaque(1));
    bench::keep(v);
  }
}

Spawned call_nested(std::size_t n) {
  for (std::size_t i = 0; i < n; i += 1'000) {
    const int depth = co_await nested(1'000);
    bench::keep(depth);
  }
}

Spawned yielding(Ring& ring, std::size_t n) {
  for (std::size_t i = 0; i != n; ++i) co_await ring.yield();
}

[[gnu::noinline]] Spawned nothing() { co_return; }

Spawned parked(std::coroutine_handle<>& here) {
  struct Park {
    std::coroutine_handle<>& here;
    bool await_ready() { return false; }
    void await_suspend(std::coroutine_handle<> self) { here = self; }
    void await_resume() {}
  };
  co_await Park{here};
}

void coroutines(bench::Program& program) {
  program.batch("W2", [](std::size_t n) { await_ready(n).frame.resume(); });
  program.batch(
      "W2p",
      [](std::size_t n) {
        Core* core = nullptr;
        await_pending(n, core).frame.resume();
        while (core != nullptr) {
          core->value = 1;
          core->waiting.resume();
        }
      },
      "recycled core, resumed in place");
  program.batch(
      "W3", [](std::size_t n) { call_leaf(n).frame.resume(); },
      "recycled frame, symmetric transfer");
  program.batch("W3-depth", [](std::size_t n) { call_nested(n).frame.resume(); }, "1000 levels",
                {0, 10'000});
  const auto switches = [](std::size_t tasks) {
    return [tasks](std::size_t n) {
      auto ring = std::make_unique<Ring>();
      for (std::size_t i = 0; i != tasks; ++i) ring->push(yielding(*ring, n / tasks).frame);
      ring->run();
    };
  };
  program.batch("W4", switches(2));
  program.batch("W4-1000", switches(1'000), "", {1'000'000, 100'000});
  program.batch(
      "W5",
      [](std::size_t n) {
        auto ring = std::make_unique<Ring>();
        for (std::size_t done = 0; done < n; done += 100) {
          for (int i = 0; i != 100; ++i) ring->push(nothing().frame);
          ring->run();
        }
      },
      "100 a turn, recycled frames");
  program.bytes(
      "W5-bytes",
      [] {
        constexpr std::size_t tasks = 100'000;
        std::vector<std::coroutine_handle<>> handles(tasks);
        const auto before = bench::heap_in_use();
        for (auto& handle : handles) parked(handle).frame.resume();
        const auto used = bench::heap_in_use() - before;
        for (auto& handle : handles) handle.destroy();
        return static_cast<double>(used) / tasks;
      },
      "heap, one frame each");
}

// W6: timers.

struct Timer {
  std::size_t place;
  int fired = 0;
};

// A heap with four children a node; the keys stand in the array, each timer knows its place in it.
class Heap {
 public:
  void set(Timer& timer, std::int64_t deadline) {
    entries_.emplace_back();
    up(entries_.size() - 1, {deadline, &timer});
  }

  void cancel(Timer& timer) {
    const std::size_t hole = timer.place;
    const Entry last = entries_.back();
    entries_.pop_back();
    if (hole == entries_.size()) return;
    if (hole != 0 && last.deadline < entries_[(hole - 1) / 4].deadline) {
      up(hole, last);
    } else {
      down(hole, last);
    }
  }

  template <class F>
  void fire_until(std::int64_t now, F f) {
    while (!entries_.empty() && entries_[0].deadline <= now) {
      Timer& timer = *entries_[0].timer;
      const Entry last = entries_.back();
      entries_.pop_back();
      if (!entries_.empty()) down(0, last);
      f(timer);
    }
  }

 private:
  struct Entry {
    std::int64_t deadline = 0;
    Timer* timer = nullptr;
  };

  void put(std::size_t at, Entry entry) {
    entries_[at] = entry;
    entry.timer->place = at;
  }
  void up(std::size_t at, Entry entry) {
    for (; at != 0; at = (at - 1) / 4) {
      const Entry parent = entries_[(at - 1) / 4];
      if (parent.deadline <= entry.deadline) break;
      put(at, parent);
    }
    put(at, entry);
  }
  void down(std::size_t at, Entry entry) {
    const std::size_t size = entries_.size();
    for (;;) {
      const std::size_t child = 4 * at + 1;
      if (child >= size) break;
      std::size_t least = child;
      for (std::size_t c = child + 1; c < child + 4 && c < size; ++c) {
        if (entries_[c].deadline < entries_[least].deadline) least = c;
      }
      if (entry.deadline <= entries_[least].deadline) break;
      put(at, entries_[least]);
      at = least;
    }
    put(at, entry);
  }

  std::vector<Entry> entries_;
};

void timers(bench::Program& program) {
  const auto delays = bench::random_delays(bench::many_timers);
  const bench::Ops all{bench::many_timers, bench::many_timers};
  Heap heap;
  Timer timer;
  program.each("W6-alone", [&] {
    heap.set(timer, bench::opaque(std::int64_t{1'000'000}));
    bench::keep(timer);
    heap.cancel(timer);
  });
  std::vector<Timer> pool(delays.size());
  program.batch(
      "W6-cancel",
      [&](std::size_t n) {
        for (std::size_t i = 0; i != n; ++i) heap.set(pool[i], delays[i].count());
        for (std::size_t i = 0; i != n; ++i) heap.cancel(pool[i]);
      },
      "", all);
  program.batch(
      "W6-fire",
      [&](std::size_t n) {
        for (std::size_t i = 0; i != n; ++i) heap.set(pool[i], delays[i].count());
        heap.fire_until(1'000'000'000, [](Timer& timer) { ++timer.fired; });
      },
      "", all);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Program program(argc, argv, "floor");
  chain(program);
  coroutines(program);
  timers(program);
  posts(program);
}
