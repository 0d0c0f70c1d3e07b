// SPDX-License-Identifier: MIT
#include "deferred/io/file.hpp"

#include <fcntl.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/file_calls.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/threads/in_thread.hpp"
#include "deferred/threads/thread_pool.hpp"

namespace deferred::io {
namespace {

constexpr std::size_t own_threads_of_files = 4;

/// Where a reactor's files are read and written.
class FilePools {
 public:
  explicit FilePools(Reactor&) noexcept {}
  Pool& used() {
    if (used_) return *used_;
    if (!own_) own_.emplace(own_threads_of_files);
    return *own_;
  }
  void use(std::shared_ptr<Pool>&& pool) {
    Pool* const next = pool.get();
    if (next && std::find(given_.begin(), given_.end(), pool) == given_.end()) {
      given_.push_back(std::move(pool));
    }
    used_ = next;
  }

 private:
  std::optional<ThreadPool> own_;
  // All that ever were: the end of a pool waits for what runs there, and so has to be the
  // reactor's.
  std::vector<std::shared_ptr<Pool>> given_;
  Pool* used_ = nullptr;  // one of those; null: our own
};

/// What a call is given that may find its file closed.
const Descriptor& opened(const std::shared_ptr<const Descriptor>& file, const std::string& what) {
  if (!file) throw std::system_error(Errc::closed, what);
  return *file;
}

}  // namespace

namespace detail {

// Their frames hold no local type: several sources may be compiled as one (-Wsubobject-linkage).

/// What asks of a file: is left to itself when its wait is cancelled.
template <class R>
Task<R> ask_of_files(std::function<R()> call) {
  Pool& pool = Reactor::current().service<FilePools>().used();
  co_return co_await unlisted(in_thread(pool, std::move(call)).abandon_on_cancel());
}

/// What changes a file: is waited for, also when that is cancelled, if it has begun.
template <class R>
Task<R> change_files(std::function<R()> call) {
  Pool& pool = Reactor::current().service<FilePools>().used();
  co_return co_await unlisted(in_thread(pool, std::move(call)));
}

}  // namespace detail

using detail::ask_of_files;
using detail::change_files;

int FileOptions::flags() const noexcept {
  int flags = access_ == Access::read ? O_RDONLY : access_ == Access::write ? O_WRONLY : O_RDWR;
  if (found_ != Found::there) flags |= O_CREAT;
  if (found_ == Found::made) flags |= O_EXCL;
  if (truncated_) flags |= O_TRUNC;
  return flags;
}

File::File(std::string&& path, Descriptor&& descriptor)
    : path_(std::move(path)),
      descriptor_(std::make_shared<const Descriptor>(std::move(descriptor))) {}

Task<File> File::open(std::string path, FileOptions options) {
  auto call = [path = std::move(path), options]() mutable {
    Descriptor file = detail::open_file(path, options.flags(), options.mode_, "open " + path);
    return File(std::move(path), std::move(file));
  };
  if (options.only_reads()) return ask_of_files(std::function(std::move(call)));
  return change_files(std::function(std::move(call)));
}

Task<std::string> File::read_at(std::uint64_t offset, std::size_t size) const {
  auto call = [file = descriptor_, what = "read " + path_, offset, size] {
    return detail::read_from_file(opened(file, what), offset, size, what);
  };
  return ask_of_files(std::function(std::move(call)));
}

Task<void> File::write_at(std::uint64_t offset, std::string bytes) {
  auto call = [file = descriptor_, what = "write " + path_, offset, bytes = std::move(bytes)] {
    detail::write_to_file(opened(file, what), offset, bytes, what);
  };
  return change_files(std::function(std::move(call)));
}

Task<void> File::append(std::string bytes) {
  auto call = [file = descriptor_, what = "append to " + path_, bytes = std::move(bytes)] {
    detail::append_to_file(opened(file, what), bytes, what);
  };
  return change_files(std::function(std::move(call)));
}

Task<std::uint64_t> File::size() const {
  auto call = [file = descriptor_, what = "look at " + path_] {
    return detail::size_of_file(opened(file, what), what);
  };
  return ask_of_files(std::function(std::move(call)));
}

Task<void> File::truncate(std::uint64_t size) {
  auto call = [file = descriptor_, what = "truncate " + path_, size] {
    detail::truncate_file(opened(file, what), size, what);
  };
  return change_files(std::function(std::move(call)));
}

Task<void> File::sync() {
  auto call = [file = descriptor_, what = "sync " + path_] {
    detail::sync_file(opened(file, what), what);
  };
  return ask_of_files(std::function(std::move(call)));
}

Task<std::string> read_file(std::string path, std::size_t limit) {
  auto call = [path = std::move(path), limit] {
    const std::string what = "read " + path;
    const Descriptor file = detail::open_file(path, O_RDONLY, 0, what);
    std::string bytes = detail::read_from_file(file, 0, limit, what);
    if (bytes.size() == limit && !detail::read_from_file(file, limit, 1, what).empty()) {
      throw std::system_error(Errc::too_long,
                              what + ", at most " + std::to_string(limit) + " bytes");
    }
    return bytes;
  };
  return ask_of_files(std::function(std::move(call)));
}

Task<void> replace_file(std::string path, std::string contents) {
  auto call = [path = std::move(path), contents = std::move(contents)] {
    detail::replace_file_now(path, contents);
  };
  return change_files(std::function(std::move(call)));
}

void files::use(Reactor& reactor, std::shared_ptr<Pool> pool) {
  reactor.service<FilePools>().use(std::move(pool));
}

}  // namespace deferred::io
