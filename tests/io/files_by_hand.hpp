// SPDX-License-Identifier: MIT
//
// FilesByHand: files in virtual time, in a folder of their own, on a pool that the test runs.
#pragma once

#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/file.hpp"
#include "deferred/testing/manual_pool.hpp"
#include "tests/support/loop.hpp"
#include "tests/support/temporary_folder.hpp"

namespace deferred::testing {

struct FilesByHand : Loop {
  FilesByHand() { io::files::use(reactor, pool); }

  /// Runs all that tasks and the pool have to do.
  void run() {
    do settle();
    while (pool->run_all() > 0);
  }
  /// Runs a task to its end, and gives what it left.
  template <class T>
  Outcome<T> outcome_of(Task<T> task) {
    Spawned<T> spawned = spawn(reactor, std::move(task));
    run();
    return Loop::outcome_of(std::move(spawned));
  }
  using Loop::outcome_of;
  template <class T>
  T value_of(Task<T> task) {
    return outcome_of(std::move(task)).value();
  }
  /// The text of the std::system_error that it ends with.
  template <class T>
  std::string error_of(Task<T> task) {
    const auto outcome = outcome_of(std::move(task));
    const auto* const error = outcome.template check<std::system_error>();
    return error ? error->what() : "no error";
  }
  io::File open(const std::string& name, io::FileOptions options = io::FileOptions()) {
    return value_of(io::File::open(folder.path(name), options));
  }

  TemporaryFolder folder;
  std::shared_ptr<ManualPool> pool = std::make_shared<ManualPool>();
};

}  // namespace deferred::testing
