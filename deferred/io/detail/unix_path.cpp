// SPDX-License-Identifier: MIT
#include "deferred/io/detail/unix_path.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/detail/native_address.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/lock_file.hpp"

namespace deferred::io::detail {
namespace {

/// An address's path, for system calls. Needs no memory: what is bound is not left for want of it.
class Path {
 public:
  explicit Path(const Address& at) noexcept {
    if (at.family() != Address::Family::unix_domain) return;
    const auto bytes = at.native().subspan(offsetof(sockaddr_un, sun_path));
    std::memcpy(text_, bytes.data(), std::min(bytes.size(), sizeof text_ - 1));
  }
  /// False of an abstract name, and of what is no Unix address.
  explicit operator bool() const noexcept { return text_[0] != '\0'; }
  const char* text() const noexcept { return text_; }

 private:
  char text_[sizeof(sockaddr_un::sun_path) + 1] = {};
};

// A path that a process has left behind: a socket that is nobody's. Asked with a socket of
// datagrams, whatever type the path's may have had: of one of streams that is bound, and does not
// listen yet, a socket of streams is told what it is told of one that is gone.
bool is_stale(const Address& at) noexcept {
  struct stat found{};
  if (::lstat(Path(at).text(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const Descriptor caller(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return caller && ::connect(caller.fd(), native(at), size_of(at)) != 0 && errno == ECONNREFUSED;
}

std::error_code bind_to(int socket, const Address& at) noexcept {
  return ::bind(socket, native(at), size_of(at)) == 0 ? std::error_code() : last_error();
}

// One at a time, by a lock on a file beside it: of two that have found the path stale, the later
// would remove what the first has bound. Who does not get the lock finds the path in use, as he
// would a moment later. The file is removed while it is locked, and so by its owner alone.
std::error_code replace_stale(int socket, const Address& at, const Path& path) {
  const std::string beside = std::string(path.text()) + ".deferred-lock";
  const std::optional<FileLock> lock = try_lock_file(beside);
  std::error_code error = std::make_error_code(std::errc::address_in_use);
  if (!lock) return error;
  if (is_stale(at)) {
    ::unlink(path.text());
    error = bind_to(socket, at);
  }
  ::unlink(beside.c_str());
  return error;
}

}  // namespace

// Narrowed before there is a path, for it can be connected to at once: bind() takes the socket's
// own mode (unix_bind_bsd() of net/unix/af_unix.c), less the umask. So it may have to be widened
// behind.
void bind_to_path(int socket, const Address& at, unsigned mode, const std::string& what) {
  const Path path(at);
  if (path) ::fchmod(socket, static_cast<mode_t>(mode));
  std::error_code error = bind_to(socket, at);
  if (error == std::errc::address_in_use && path && is_stale(at)) {
    error = replace_stale(socket, at, path);
  }
  if (error) throw std::system_error(error, what);
  if (!path) return;
  struct stat found{};
  if (::lstat(path.text(), &found) != 0 || !S_ISSOCK(found.st_mode))
    return;  // somebody's else by now
  if ((found.st_mode & 0777) == mode) return;
  if (::chmod(path.text(), static_cast<mode_t>(mode)) != 0) {
    error = last_error();
    ::unlink(path.text());
    throw std::system_error(error, what);
  }
}

BoundPath::BoundPath(const Address& at) noexcept : process_(::getpid()) {
  const Path path(at);
  struct stat found{};
  if (!path || ::lstat(path.text(), &found) != 0) return;
  at_ = at;
  device_ = found.st_dev;
  file_ = found.st_ino;
}

BoundPath::BoundPath(BoundPath&& other) noexcept
    : at_(std::exchange(other.at_, Address())),
      device_(other.device_),
      file_(other.file_),
      process_(other.process_) {}

BoundPath& BoundPath::operator=(BoundPath&& other) noexcept {
  BoundPath old(std::move(other));
  std::swap(at_, old.at_);
  std::swap(device_, old.device_);
  std::swap(file_, old.file_);
  std::swap(process_, old.process_);
  return *this;
}

void BoundPath::remove() noexcept {
  const Path path(std::exchange(at_, Address()));
  struct stat found{};
  if (!path || process_ != ::getpid()) return;
  if (::lstat(path.text(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == file_) ::unlink(path.text());
}

}  // namespace deferred::io::detail
