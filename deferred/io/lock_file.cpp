// SPDX-License-Identifier: MIT
#include "deferred/io/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "deferred/io/descriptor.hpp"
#include "deferred/yieldables/cancel_point.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::io {
namespace {

[[noreturn]] void throw_for(const std::string& path) {
  const std::error_code error(errno, std::generic_category());
  throw std::system_error(error, "lock the file " + path);
}

int open_to_lock(const std::string& path) {
  constexpr int owner_only = 0600;
  for (;;) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, owner_only);
    if (fd >= 0) return fd;
    if (errno != EINTR) throw_for(path);
  }
}

/// False if somebody else has it.
bool lock_now(int fd, const std::string& path) {
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw_for(path);
  }
  return true;
}

/// Nobody has removed or replaced it between the opening and the locking.
bool is_at(const std::string& path, int fd) {
  struct stat opened{};
  struct stat found{};
  if (::fstat(fd, &opened) != 0) throw_for(path);
  if (::stat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return false;
    throw_for(path);
  }
  return opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

}  // namespace

FileLock::FileLock(int fd) noexcept : fd_(fd), owner_(::getpid()) {}

// Said to the kernel, for a child of fork() may have the descriptor as well; but not by that child.
void FileLock::give_back(int fd, long owner) noexcept {
  if (::getpid() == owner) ::flock(fd, LOCK_UN);
  ::close(fd);
}

std::optional<FileLock> try_lock_file(const std::string& path) {
  for (;;) {
    const int fd = open_to_lock(path);
    Descriptor owned(fd);
    if (!lock_now(fd, path)) return std::nullopt;
    if (is_at(path, fd)) return FileLock(owned.release());
  }
}

Task<FileLock> lock_file(std::string path, AnyDuration poll) {
  const Duration between = poll;
  co_await cancel_point;
  for (;;) {
    std::optional<FileLock> lock = try_lock_file(path);
    if (lock) co_return *std::move(lock);
    co_await Pause{between};
  }
}

}  // namespace deferred::io
