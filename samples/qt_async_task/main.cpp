// SPDX-License-Identifier: MIT
//
// A window with a button whose click handler is a coroutine: it starts workers in threads, awaits
// them, and shows what they return or throw, while a label ticks on. The handler is in
// async_tasks.cpp.
#include <deferred/deferred.hpp>

#include <CLI/CLI.hpp>

#include <QApplication>
#include <reactors/qt.hpp>
#include <stdexcept>

#include "samples/qt_async_task/window.hpp"

namespace {

// The worker: knows nothing of windows or coroutines, and takes its time.
int primes_below(int n, async_tasks::Progress& progress) {
  if (n < 0) throw std::invalid_argument(std::to_string(n) + " is below zero");
  int count = 0;
  for (int candidate = 2; candidate < n; ++candidate) {
    if (candidate % 1024 == 0) progress(candidate, n);
    bool prime = true;
    for (int d = 2; prime && d <= candidate / d; ++d) prime = candidate % d != 0;
    if (prime) ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> numbers{66, 8'000'000, 0, -1, 5'000'000, 3'000'000};
  std::size_t threads = 2;
  bool abandon = false;
  CLI::App arguments("Counts the primes below some numbers, in threads, at a click.");
  arguments.add_option("number", numbers, "What the worker is called with");
  arguments.add_option("--threads", threads, "How many workers run at once; 2 unless given")
      ->type_name("N")
      ->check(CLI::Range(1, 64));
  arguments.add_flag("--abandon", abandon, "A cancel does not wait for workers that run");
  CLI11_PARSE(arguments, argc, argv);

  // Each outlives what stands below it; the last workers to run are joined by the pool.
  QApplication application(argc, argv);
  deferred::ThreadPool pool(threads);
  deferred::Reactor reactor{deferred::reactors::qt()};
  using async_tasks::Running;
  async_tasks::Window window(reactor, pool, primes_below, numbers,
                             abandon ? Running::abandoned : Running::waited_for);
  window.show();
  return QApplication::exec();
}
