// SPDX-License-Identifier: MIT
//
// The bodies of bench.hpp: command line, clock, allocation counter, JSON lines. Compiled once for
// all programs.
#include "bench.hpp"

#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

namespace {

constinit thread_local std::size_t allocations_made = 0;

}  // namespace

// Counted below operator new, for some peers go to malloc themselves. glibc offers its own
// functions under these second names, so that a program can put something in front of them.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++allocations_made;
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  ++allocations_made;
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) {
  ++allocations_made;
  return __libc_realloc(block, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  ++allocations_made;
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  ++allocations_made;
  *block = __libc_memalign(alignment, bytes);
  return *block != nullptr ? 0 : ENOMEM;
}
}

namespace bench {

namespace {

using Clock = std::chrono::steady_clock;

double milliseconds(Clock::duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

void print(nlohmann::ordered_json row) { std::cout << row.dump() << std::endl; }

}  // namespace

std::size_t allocations() noexcept { return allocations_made; }

void add_allocations(std::size_t blocks) noexcept { allocations_made += blocks; }

std::size_t heap_in_use() noexcept {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::size_t resident() noexcept {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t touched = 0;
  statm >> total >> touched;
  return touched * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::vector<std::chrono::nanoseconds> random_delays(std::size_t count) {
  std::mt19937_64 random(20'240'229);
  std::uniform_int_distribution<std::int64_t> within_a_second(1, 1'000'000'000);
  std::vector<std::chrono::nanoseconds> delays(count);
  for (auto& delay : delays) delay = std::chrono::nanoseconds(within_a_second(random));
  return delays;
}

Program::Program(int argc, char** argv, std::string peer) : peer_(std::move(peer)) {
  CLI::App app{"Measures " + peer_ + ": one JSON line a work"};
  std::vector<std::string> only;
  app.add_option("--only", only, "works to run, separated by commas (default: all)")
      ->delimiter(',');
  app.add_option("--budget-ms", budget_ms_, "time for each work");
  app.add_flag("--count", counting_,
               "run each work once for callgrind --instr-atstart=no, a dump for each");
  app.add_flag("--bytes", only_bytes_, "only the works that give bytes");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  only_.insert(only.begin(), only.end());
}

bool Program::wants(std::string_view work) const { return only_.empty() || only_.contains(work); }

void Program::batch(std::string_view work, const std::function<void(std::size_t)>& run,
                    std::string_view note, Ops ops) {
  if (!wants(work) || only_bytes_) return;
  counting_ ? count(work, run, note, ops) : time(work, run, note, ops);
}

void Program::bytes(std::string_view work, const std::function<double()>& bytes,
                    std::string_view note) {
  if (!wants(work) || !only_bytes_) return;
  int ends[2];
  if (pipe(ends) != 0) std::abort();
  const pid_t child = fork();
  if (child < 0) std::abort();
  if (child == 0) {
    const double figure = bytes();
    _exit(write(ends[1], &figure, sizeof figure) == sizeof figure ? 0 : 1);
  }
  close(ends[1]);
  double figure = 0;
  const bool got = read(ends[0], &figure, sizeof figure) == sizeof figure;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  if (!got) {
    std::cerr << work << ": no figure\n";
    std::exit(1);
  }
  print({{"work", work}, {"peer", peer_}, {"bytes", std::round(figure * 10) / 10}, {"note", note}});
}

void Program::time(std::string_view work, const std::function<void(std::size_t)>& run,
                   std::string_view note, Ops ops) {
  const auto elapsed = [&run](std::size_t n) {
    const auto start = Clock::now();
    run(n);
    return milliseconds(Clock::now() - start);
  };
  const auto started = Clock::now();
  std::size_t n = ops.timed != 0 ? ops.timed : 1;
  double fastest = elapsed(n);
  // A millisecond is 50,000 clock reads: what the clock and the call of `run` cost is lost in it.
  while (ops.timed == 0 && fastest < 1) {
    n *= 2;
    fastest = elapsed(n);
  }

  // All is warm now, and neither this nor the loops below allocate.
  const std::size_t before = allocations();
  fastest = std::min(fastest, elapsed(n));
  const double allocated = static_cast<double>(allocations() - before) / static_cast<double>(n);

  for (int repeated = 0; repeated < 3 || milliseconds(Clock::now() - started) < budget_ms_;
       ++repeated) {
    fastest = std::min(fastest, elapsed(n));
  }
  print({{"work", work},
         {"peer", peer_},
         {"ns", std::round(fastest * 1e6 / static_cast<double>(n) * 100) / 100},
         {"allocs", std::round(allocated * 100) / 100},
         {"note", note}});
}

void Program::count([[maybe_unused]] std::string_view work,
                    [[maybe_unused]] const std::function<void(std::size_t)>& run,
                    [[maybe_unused]] std::string_view note, [[maybe_unused]] Ops ops) {
#ifdef CALLGRIND_START_INSTRUMENTATION
  const std::string name(work);  // the macro below wants it to live for more than an expression
  // Lazy symbols, first allocations, and free lists whose bounds follow use are not the work's.
  run(ops.counted);
  run(ops.counted);
  CALLGRIND_START_INSTRUMENTATION;
  CALLGRIND_ZERO_STATS;
  run(ops.counted);
  CALLGRIND_DUMP_STATS_AT(name.c_str());
  CALLGRIND_STOP_INSTRUMENTATION;
  print({{"work", work}, {"peer", peer_}, {"ops", ops.counted}, {"note", note}});
#else
  std::cerr << "built without valgrind/callgrind.h: nothing is counted\n";
  std::exit(1);
#endif
}

}  // namespace bench
