// SPDX-License-Identifier: MIT
//
// lock_file: one process, or one task, at once, by a lock on a file. Within one reactor there is
// yieldables/lock.hpp.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "deferred/memory/api.hpp"
#include "deferred/results/any_duration.hpp"
#include "deferred/tasks/task.hpp"

namespace deferred::io {

class FileLock;
DEFERRED_API std::optional<FileLock> try_lock_file(const std::string& path);

/// The lock on a file, of who holds this object. Its end gives it back; so does the kernel when the
/// process ends, however it does. Move-only; for any thread, one at a time.
///
/// Each one has a descriptor of its own, so that two in one process exclude each other as two
/// processes do. It is closed by exec(). A child of fork() that does not exec keeps the lock with
/// its parent: the child's copy of this object takes nothing from a parent that lives, whose
/// unlock() is the lock's end; when the parent has ended, the copy's end is.
class [[nodiscard]] FileLock {
 public:
  /// Holds nothing, as after a move.
  FileLock() noexcept = default;
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), owner_(other.owner_) {}
  FileLock& operator=(FileLock&& other) noexcept {
    FileLock old(std::move(other));
    std::swap(fd_, old.fd_);
    std::swap(owner_, old.owner_);
    return *this;
  }
  ~FileLock() { unlock(); }

  /// Gives it back before its end. Nothing the second time.
  void unlock() noexcept {
    if (fd_ >= 0) give_back(std::exchange(fd_, -1), owner_);
  }
  bool held() const noexcept { return fd_ >= 0; }

 private:
  friend std::optional<FileLock> try_lock_file(const std::string& path);
  explicit FileLock(int fd) noexcept;
  DEFERRED_API static void give_back(int fd, long owner) noexcept;

  int fd_ = -1;
  long owner_ = 0;  // the process that has locked it
};

/// Waits for the lock on the file at `path`: tries at once, and then again after each `poll`, for
/// the kernel tells nobody. Who gets it next is chance: there is no line. A limit is
/// `co_await with_timeout(10s, io::lock_file(path))`; a cancel leaves nothing behind, and between
/// two tries nothing is held or open. (Twisted: DeferredFilesystemLock)
///
/// The file is made where there is none, for its owner alone (0600), and nothing is written to it.
/// It is never removed: who has opened it before would wait for a file that nobody can find any
/// more, and two would hold the lock. Where somebody else has removed or replaced it, the one that
/// is at `path` now is locked.
///
/// It is flock(2): a lock for those who ask for it, and on network file systems what these make of
/// it. std::system_error, which names the path: the file can be neither made nor opened for
/// writing, or cannot be locked.
DEFERRED_API Task<FileLock> lock_file(std::string path, AnyDuration poll = std::chrono::seconds(1));
/// Tries once, without a wait; nothing if somebody else has it.
std::optional<FileLock> try_lock_file(const std::string& path);

}  // namespace deferred::io
