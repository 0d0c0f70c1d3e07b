// SPDX-License-Identifier: MIT
#include "deferred/io/detail/file_calls.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace deferred::io::detail {
namespace {

constexpr std::size_t first_room = 64 << 10;  // of a read, before it is known how much comes

int open_once(const std::string& path, int flags, unsigned mode) noexcept {
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY, mode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

bool is_regular(const std::string& path) noexcept {
  const int error = errno;
  struct stat found{};
  const bool is_so = ::stat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode);
  errno = error;
  return is_so;
}

/// Room for what is to be expected, and a byte to see the end by.
std::size_t room_for(const Descriptor& file, std::uint64_t offset, std::size_t size) noexcept {
  struct stat known{};
  std::size_t room = first_room;
  if (size > room && ::fstat(file.fd(), &known) == 0 && S_ISREG(known.st_mode)) {
    const auto there = static_cast<std::uint64_t>(known.st_size);
    if (there > offset) room = std::max<std::size_t>(room, there - offset + 1);
  }
  return std::min(room, size);
}

/// Calls `write(bytes)` until all are written.
template <class F>
void write_all_by(std::string_view bytes, const std::string& what, F write) {
  while (!bytes.empty()) {
    const ssize_t written = write(bytes);
    if (written < 0) {
      if (errno == EINTR) continue;
      throw_file_error(what);
    }
    if (written == 0) {
      errno = ENOSPC;  // the end of a device
      throw_file_error(what);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void throw_file_error(const std::string& what) {
  const std::error_code error(errno, std::generic_category());
  throw std::system_error(error, what);
}

void require_path(const std::string& path, const std::string& what) {
  if (path.find('\0') == std::string::npos) return;
  errno = EINVAL;
  throw_file_error(what);
}

// A pipe that is opened without O_NONBLOCK would take the thread until somebody opens its other
// end.
Descriptor open_file(const std::string& path, int flags, unsigned mode, const std::string& what) {
  require_path(path, what);
  int fd = open_once(path, flags | O_NONBLOCK, mode);
  // Somebody has a lease on it, fcntl(2), and will give it back: that can be waited for.
  if (fd < 0 && errno == EWOULDBLOCK && is_regular(path)) fd = open_once(path, flags, mode);
  if (fd < 0) throw_file_error(what);
  Descriptor file(fd);
  struct stat opened{};
  if (::fstat(fd, &opened) != 0) throw_file_error(what);
  if (S_ISDIR(opened.st_mode)) errno = EISDIR;
  if (S_ISDIR(opened.st_mode) || ::lseek(fd, 0, SEEK_CUR) < 0) throw_file_error(what);
  const int now = ::fcntl(fd, F_GETFL);
  if (now < 0 || ::fcntl(fd, F_SETFL, now & ~O_NONBLOCK) < 0) throw_file_error(what);
  return file;
}

std::string read_from_file(const Descriptor& file, std::uint64_t offset, std::size_t size,
                           const std::string& what) {
  std::string bytes;
  std::size_t got = 0;
  while (got < size) {
    if (got == bytes.size()) {
      bytes.resize(got == 0 ? room_for(file, offset, size) : std::min(size - got, got) + got);
    }
    const ssize_t read = ::pread(file.fd(), bytes.data() + got, bytes.size() - got,
                                 static_cast<off_t>(offset + got));
    if (read == 0) break;
    if (read > 0) {
      got += static_cast<std::size_t>(read);
    } else if (errno != EINTR) {
      throw_file_error(what);
    }
  }
  bytes.resize(got);
  if (bytes.capacity() / 2 > got) bytes.shrink_to_fit();
  return bytes;
}

void write_to_file(const Descriptor& file, std::uint64_t offset, std::string_view bytes,
                   const std::string& what) {
  write_all_by(bytes, what, [&](std::string_view rest) {
    const std::uint64_t done = bytes.size() - rest.size();
    return ::pwrite(file.fd(), rest.data(), rest.size(), static_cast<off_t>(offset + done));
  });
}

void append_to_file(const Descriptor& file, std::string_view bytes, const std::string& what) {
  write_all_by(bytes, what, [&](std::string_view rest) {
    iovec one{const_cast<char*>(rest.data()), rest.size()};
    return ::pwritev2(file.fd(), &one, 1, 0, RWF_APPEND);
  });
}

std::uint64_t size_of_file(const Descriptor& file, const std::string& what) {
  struct stat known{};
  if (::fstat(file.fd(), &known) != 0) throw_file_error(what);
  return static_cast<std::uint64_t>(known.st_size);
}

void truncate_file(const Descriptor& file, std::uint64_t size, const std::string& what) {
  while (::ftruncate(file.fd(), static_cast<off_t>(size)) != 0) {
    if (errno != EINTR) throw_file_error(what);
  }
}

void sync_file(const Descriptor& file, const std::string& what) {
  while (::fsync(file.fd()) != 0) {
    if (errno != EINTR) throw_file_error(what);
  }
}

}  // namespace deferred::io::detail
