// SPDX-License-Identifier: MIT
//
// Files: a call that fails for want of memory has done nothing, or some first part, and leaves no
// descriptor, and a file that is replaced is the old one or the new. The threads are a pool that
// runs a job when it is told: each allocation of both sides may fail.
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "deferred/testing/manual_pool.hpp"
#include "tests/allocation_failure/programs.hpp"
#include "tests/support/temporary_folder.hpp"

namespace deferred::testing {
namespace {

using io::File;
using io::FileOptions;

/// A folder and a pool of a program's own.
class Disk {
 public:
  explicit Disk(Reactor& reactor) : reactor_(reactor) {
    const AllocationsSucceed memory;
    folder_.emplace();
    pool_ = std::make_shared<ManualPool>();
    io::files::use(reactor, pool_);
  }
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk() {
    const AllocationsSucceed memory;
    io::files::use(reactor_, nullptr);
    folder_.reset();
  }

  std::string path(const char* name) const {
    const AllocationsSucceed memory;
    return folder_->path(name);
  }
  std::string contents(const char* name) const {
    const AllocationsSucceed memory;
    return folder_->read(name);
  }
  void write(const char* name, const char* text) const {
    const AllocationsSucceed memory;
    folder_->write(name, text);
  }
  std::size_t files() const {
    const AllocationsSucceed memory;
    const std::filesystem::directory_iterator all(folder_->path());
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
  /// Runs what `make()` gives to its end; what that throws is its end, too.
  template <class F>
  auto end_of(F make) {
    using T = typename std::invoke_result_t<F&>::value_type;
    try {
      auto spawned = spawn(reactor_, make());
      const ClosedAtEnd closed(spawned.task());
      auto result = std::move(spawned).deferred();
      for (int i = 0; i != 20 && !result.has_result(); ++i) {
        turns(reactor_, 1);
        pool_->run_all();
      }
      right(result.has_result(), "a call does not come to its end");
      return std::move(result).result();
    } catch (const std::bad_alloc&) {
      return Outcome<T>(Failure::current());
    }
  }

 private:
  Reactor& reactor_;
  std::optional<TemporaryFolder> folder_;
  std::shared_ptr<ManualPool> pool_;
};

void opened(Reactor& reactor) {
  Disk disk(reactor);
  constexpr auto options = FileOptions().write().write_only().write().create();
  auto file = disk.end_of([&] { return File::open(disk.path("file"), options); });
  right(file.has_value() || out_of_memory(file), "another error");
  if (!file.has_value()) {
    const AllocationsSucceed memory;
    file = disk.end_of([&] { return File::open(disk.path("file"), options); });
    right(file.has_value(), "an open after one that failed does not open");
  }
  right(file->is_open() && !file->path().empty(), "it is open");
  file->close();
  right(!file->is_open(), "it is closed");
  constexpr auto anew = FileOptions().create_new().truncate();
  const auto there = disk.end_of([&] { return File::open(disk.path("file"), anew); });
  right(out_of_memory(there) || there.check<std::system_error>(), "another error");
}

void read_and_written(Reactor& reactor) {
  Disk disk(reactor);
  std::optional<File> file;
  {
    const AllocationsSucceed memory;
    constexpr auto options = FileOptions().write().create();
    file = disk.end_of([&] { return File::open(disk.path("file"), options); }).value();
  }
  const auto text = [] {
    const AllocationsSucceed memory;
    return std::string("a text that is not short any more");
  };
  const auto written = disk.end_of([&] { return file->write_at(0, text()); });
  has_value_or_no_memory(written);
  right(!written.has_value() || disk.contents("file") == text(), "it is not written");
  has_value_or_no_memory(disk.end_of([&] { return file->append(text()); }));
  has_value_or_no_memory(disk.end_of([&] { return file->sync(); }));
  has_value_or_no_memory(disk.end_of([&] { return file->truncate(33); }));
  {
    const AllocationsSucceed memory;
    disk.write("file", "a text that is not short any more");
  }
  has_value_or_no_memory(disk.end_of([&] { return file->size(); }), 33U);
  has_value_or_no_memory(disk.end_of([&] { return file->read_at(0, 100); }), text());
  has_value_or_no_memory(disk.end_of([&] { return io::read_file(disk.path("file")); }), text());
  file->close();
  const auto late = disk.end_of([&] { return file->read_at(0, 1); });
  right(out_of_memory(late) || late.check<std::system_error>(), "another error");
}

void replaced(Reactor& reactor) {
  Disk disk(reactor);
  disk.write("file", "old");
  const auto outcome = disk.end_of(
      [&] { return io::replace_file(disk.path("file"), "a text that is not short any more"); });
  has_value_or_no_memory(outcome);
  right(
      disk.contents("file") == (outcome.has_value() ? "a text that is not short any more" : "old"),
      "it is neither the old file nor the new one");
  right(disk.files() == 1, "something is left beside it");
}

void pools(Reactor& reactor) {
  const auto pool = [] {
    const AllocationsSucceed memory;
    return std::make_shared<ManualPool>();
  }();
  io::files::use(reactor, nullptr);
  try {
    io::files::use(reactor, pool);
    right(pool.use_count() == 2, "a pool that is used is kept");
  } catch (const std::bad_alloc&) {
    right(pool.use_count() == 1, "a pool that is not used is kept");
  }
  io::files::use(reactor, nullptr);
}

}  // namespace

Programs file_programs() {
  return {
      {"files: opened",
       {"deferred::io::File::open()", "deferred::io::File::close()",
        "deferred::io::File::is_open()", "deferred::io::File::path()",
        "deferred::io::FileOptions::create()", "deferred::io::FileOptions::create_new()",
        "deferred::io::FileOptions::truncate()", "deferred::io::FileOptions::write()",
        "deferred::io::FileOptions::write_only()"},
       &opened},
      {"files: read and written",
       {"deferred::io::File::read_at()", "deferred::io::File::write_at()",
        "deferred::io::File::append()", "deferred::io::File::size()", "deferred::io::File::sync()",
        "deferred::io::File::truncate()", "deferred::io::read_file()"},
       &read_and_written},
      {"files: replaced", {"deferred::io::replace_file()"}, &replaced},
      {"files: their pool", {"deferred::io::files::use()"}, &pools},
  };
}

}  // namespace deferred::testing
