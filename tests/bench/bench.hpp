// SPDX-License-Identifier: MIT
//
// The measuring harness that every program of this folder is written with: it chooses how many
// operations a batch holds, keeps the fastest batch, counts heap allocations, and prints one JSON
// line a row. `run` starts the programs and lays their rows side by side. It knows no peer and not
// the library either; each peer is one file that includes this one. Next: floor.cpp for the
// shortest works, run for what becomes of the rows.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

/// Makes the compiler believe that `value` is read here, so that what computes it stays.
template <class T>
inline void keep(T const& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

/// Returns `value`, which the compiler no longer knows: nothing made from it can be computed at
/// compile time.
template <class T>
[[nodiscard]] inline T opaque(T value) {
  asm volatile("" : "+r"(value));
  return value;
}

/// Heap blocks asked for on this thread so far, by `operator new`, malloc and the like, in whatever
/// library.
[[nodiscard]] std::size_t allocations() noexcept;

/// Counts blocks that another thread has asked for with this thread's.
void add_allocations(std::size_t blocks) noexcept;

/// Bytes of heap blocks in use, malloc's headers and rounding included (mallinfo2).
[[nodiscard]] std::size_t heap_in_use() noexcept;

/// Bytes of memory the process has touched and holds, for what lives outside the heap
/// (/proc/self/statm).
[[nodiscard]] std::size_t resident() noexcept;

/// Deadlines for the timer works: `count` delays, random and evenly spread over one second, the
/// same in every program.
[[nodiscard]] std::vector<std::chrono::nanoseconds> random_delays(std::size_t count);

/// The timers that live at once in W6-cancel and W6-fire.
inline constexpr std::size_t many_timers = 300'000;

/// The operations of a batch. `timed` 0: as many as fill a millisecond. `counted`: under an
/// instruction counter, which is some fifty times slower.
struct Ops {
  std::size_t timed = 0;
  std::size_t counted = 10'000;  // what a run costs beside its operations is lost in them
};

/// One benchmark program: reads the command line, runs the works that were asked for, prints their
/// rows as they come.
class Program {
 public:
  Program(int argc, char** argv, std::string peer);

  /// Whether `work` was asked for. Only works with a costly preparation need to look.
  [[nodiscard]] bool wants(std::string_view work) const;

  /// Measures `run(n)`, which does `n` operations. All that `run` does is measured: prepare before
  /// the call.
  void batch(std::string_view work, const std::function<void(std::size_t n)>& run,
             std::string_view note = "", Ops ops = {});

  /// Measures `once()`, one operation.
  template <class F>
  void each(std::string_view work, F once, std::string_view note = "", Ops ops = {}) {
    batch(
        work,
        [&once](std::size_t n) {
          for (std::size_t i = 0; i != n; ++i) once();
        },
        note, ops);
  }

  /// A row of bytes, which `bytes()` gives, if those are asked for (--bytes). It runs in a child
  /// process, so that nothing that was measured before has left blocks in a free list.
  void bytes(std::string_view work, const std::function<double()>& bytes,
             std::string_view note = "");

  /// The next rows stand under another name, such as the same library on another backend.
  void rename(std::string peer) { peer_ = std::move(peer); }

 private:
  void time(std::string_view work, const std::function<void(std::size_t)>& run,
            std::string_view note, Ops ops);
  void count(std::string_view work, const std::function<void(std::size_t)>& run,
             std::string_view note, Ops ops);

  std::string peer_;
  std::set<std::string, std::less<>> only_;  // empty: all
  bool counting_ = false;                    // --count: for callgrind, no clock is read
  bool only_bytes_ = false;                  // --bytes: nothing else
  double budget_ms_ = 40;                    // for each work
};

}  // namespace bench
