// SPDX-License-Identifier: MIT
//
// Composed programs over files, whose threads are a pool that runs a job a while later: wherever
// they are cut, a file is what one of its calls has made of it, and no descriptor is left.
#include <filesystem>
#include <memory>
#include <string>

#include "deferred/testing/manual_pool.hpp"
#include "tests/explore_cancel/programs.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using io::File;
using io::FileOptions;

struct DiskLater {
  explicit DiskLater(CutRun& run) : reactor(run.reactor()) {
    io::files::use(reactor, pool);
    run_later();
  }
  DiskLater(const DiskLater&) = delete;
  DiskLater& operator=(const DiskLater&) = delete;
  ~DiskLater() { io::files::use(reactor, nullptr); }
  void run_later() {
    runs = reactor.call_later(700us, [this] {
      pool->run_one();
      if (++times < 12) run_later();
    });
  }
  Reactor& reactor;
  TemporaryFolder folder;
  std::shared_ptr<ManualPool> pool = std::make_shared<ManualPool>();
  DelayedCall runs;
  int times = 0;
};

Task<> writes_and_reads(CutRun& run) {
  auto& disk = run.keep<DiskLater>(run);
  auto& written = run.keep<std::string>();
  run.at_end([&] {
    const std::string found = disk.folder.read("file");
    must(std::string("onetwo").starts_with(found), "a file is what nobody has written: " + found);
    must(found.starts_with(written), "what was written is lost: " + found);
  });
  constexpr auto options = FileOptions().write().create_new();
  File file = co_await File::open(disk.folder.path("file"), options);
  co_await file.append("one");
  written = "one";
  co_await file.append("two");
  written = "onetwo";
  const std::string found = co_await file.read_at(0, 100);
  must(found == "onetwo", "a read gives something else");
  co_await some_time();
}

Task<> replaces(CutRun& run) {
  auto& disk = run.keep<DiskLater>(run);
  disk.folder.write("file", "old");
  run.at_end([&] {
    const std::string found = disk.folder.read("file");
    must(found == "old" || found == "new", "a file is neither the old one nor the new: " + found);
    const std::filesystem::directory_iterator all(disk.folder.path());
    must(std::distance(begin(all), end(all)) == 1, "something is left beside a file");
  });
  auto limited = move_on_after(300us, io::replace_file(disk.folder.path("file"), "too late"));
  const bool in_time = co_await std::move(limited);
  must(!in_time || run.cut(), "a limit is not kept");
  co_await io::replace_file(disk.folder.path("file"), "new");
  const std::string found = co_await io::read_file(disk.folder.path("file"));
  must(found == "new", "a file that was replaced is not the new one");
  co_await some_time();
}

}  // namespace

Programs file_programs() {
  return {
      {"a file that is written and read", writes_and_reads},
      {"a file that is replaced", replaces},
  };
}

}  // namespace deferred::testing
