// SPDX-License-Identifier: MIT
//
// File: files on disks, read and written in threads, for a disk cannot be watched as a socket can.
// Next: threads/in_thread.hpp (what a cancel does to a call), lock_file.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "deferred/io/descriptor.hpp"
#include "deferred/memory/api.hpp"
#include "deferred/tasks/task.hpp"
#include "deferred/threads/pool.hpp"

namespace deferred {

class Reactor;

namespace io {

/// How a file is opened: FileOptions() reads one that is there, FileOptions().write().create()
/// reads and writes one, and makes it where there is none.
class FileOptions {
 public:
  constexpr FileOptions() noexcept = default;

  /// Writes too.
  constexpr FileOptions write() const noexcept { return with(Access::both, found_, mode_); }
  /// Writes, and does not read.
  constexpr FileOptions write_only() const noexcept { return with(Access::write, found_, mode_); }
  /// Makes it where there is none, with this mode less the process's umask.
  constexpr FileOptions create(unsigned mode = 0666) const noexcept {
    return with(access_, Found::or_made, mode);
  }
  /// Makes it; where there is something already, be it a link to nothing, that is an error.
  constexpr FileOptions create_new(unsigned mode = 0666) const noexcept {
    return with(access_, Found::made, mode);
  }
  /// Writes, and drops what is in it.
  constexpr FileOptions truncate() const noexcept {
    FileOptions other = access_ == Access::read ? write() : *this;
    other.truncated_ = true;
    return other;
  }

 private:
  friend class File;
  enum class Access : std::uint8_t { read, write, both };
  enum class Found : std::uint8_t { there, or_made, made };

  constexpr FileOptions with(Access access, Found found, unsigned mode) const noexcept {
    FileOptions other = *this;
    other.access_ = access;
    other.found_ = found;
    other.mode_ = mode;
    return other;
  }
  int flags() const noexcept;
  bool only_reads() const noexcept { return access_ == Access::read && found_ == Found::there; }

  Access access_ = Access::read;
  Found found_ = Found::there;
  bool truncated_ = false;
  unsigned mode_ = 0666;
};

/// An open file. Move-only; for any thread, one at a time. Its calls are awaited on whatever
/// reactor the task is on, and run in threads: of one file several may be under way at once, and
/// they are done in any order. Its end, and close(), close it when the last of them has ended: no
/// call ever meets another file under its number.
///
/// The bytes belong to the call, so that a task may be closed while a thread reads or writes.
///
/// What a cancel does: a call that has not begun is taken back. One that has begun goes on. Where
/// it only looks - reads, size(), sync(), the opening of a file to read it - nobody waits for it
/// then. Where it changes something it is waited for, its value is given, and the cancel comes at
/// the next await: behind the await of a write nothing is written any more. A task that is closed
/// does not wait: what has begun ends by itself. The reactor's end waits for all that has begun, in
/// threads of its own; of other threads see files::use().
///
/// Errors are std::system_error, "OPERATION PATH: text", such as "open /etc/shadow: Permission
/// denied"; of a file that is closed Errc::closed.
class [[nodiscard]] DEFERRED_API File {
 public:
  /// One that is closed.
  File() noexcept = default;
  File(File&& other) noexcept = default;
  File& operator=(File&& other) noexcept = default;
  ~File() = default;

  /// Opens a file, or a device with positions. Directories are an error; pipes and terminals, which
  /// have no positions, too (ESPIPE), and do not keep it waiting. A relative path is looked for
  /// when the call begins.
  static Task<File> open(std::string path, FileOptions options = FileOptions());

  /// At most `size` bytes from there on; fewer only if the file ends, none behind its end.
  Task<std::string> read_at(std::uint64_t offset, std::size_t size) const;
  /// All of `bytes`. What was not written before is zeros. After an error, as of a disk that gets
  /// full, some first part of them may be written.
  Task<void> write_at(std::uint64_t offset, std::string bytes);
  /// All of `bytes` at its end; in one piece, also beside other processes that append, if it is
  /// less than 2 GiB, of which Linux takes a page less in one call, and is not cut by an error, as
  /// above. Needs Linux 4.16 and a file system that can.
  Task<void> append(std::string bytes);
  Task<std::uint64_t> size() const;
  /// Cuts it off there, or makes it as long, by zeros.
  Task<void> truncate(std::uint64_t size);
  /// Waits until the disk has it. What a file system has to say only when a file is closed, which
  /// is not heard, it says here.
  Task<void> sync();

  /// Closes it when the calls that are under way have ended; if there are none, as it returns, on
  /// this thread. That takes long where a file system writes only then, as those of networks may,
  /// or has the room of a large file to free that has no name any more. Then in another thread:
  /// `auto end = [file = std::move(file)]() mutable { file.close(); };`, and
  /// `co_await in_thread(std::move(end));`. Nothing the second time.
  void close() noexcept { descriptor_.reset(); }
  bool is_open() const noexcept { return descriptor_ != nullptr; }
  /// As it was given.
  const std::string& path() const noexcept { return path_; }

 private:
  [[gnu::visibility("hidden")]] File(std::string&& path, Descriptor&& descriptor);

  std::string path_;
  std::shared_ptr<const Descriptor> descriptor_;  // with the calls
};

/// All that a file holds; Errc::too_long if that is more than `limit` bytes. One that grows
/// meanwhile is read to the end that is found. Cancelled as a read.
DEFERRED_API Task<std::string> read_file(std::string path, std::size_t limit = 64 << 20);

/// Gives a file other contents, as a whole: whoever opens it finds the old ones or these, even if
/// the machine fails. They are written to a file beside it, ".deferred-PID-N", are brought to the
/// disk, and that takes the place of the old one; it is gone whatever fails, unless the process is
/// killed. The old one's mode, owner, group and access list (POSIX) are kept, or it fails; no other
/// attributes. Until all is written it is its maker's alone. Where there was none, it has the mode
/// 0666 less the umask, or what the folder gives new files. Of a symbolic link what it leads to is
/// replaced; the link itself, if there is no such thing; it fails if that cannot be told. Hard
/// links keep the old contents.
///
/// Fails for what is no regular file. If only the folder cannot be brought to the disk, that is
/// thrown too, and the file is replaced, but may be the old one if the machine fails now. Cancelled
/// as a write: it is replaced, or was not begun.
DEFERRED_API Task<void> replace_file(std::string path, std::string contents);

namespace files {

/// What is read and written on this reactor runs in this pool from now on; null: in four threads of
/// its own, as without this. Calls under way stay where they are: the reactor keeps all pools that
/// it was given, and nothing but its end waits for them. That does not wait for what has begun in
/// one that somebody else has too. For tests: a ManualPool.
DEFERRED_API void use(Reactor& reactor, std::shared_ptr<Pool> pool);

}  // namespace files
}  // namespace io
}  // namespace deferred
