// SPDX-License-Identifier: MIT
#include "deferred/io/detail/unix_path.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/detail/native_address.hpp"
#include "deferred/io/detail/socket.hpp"

namespace deferred::io::detail {
namespace {

bool is_path(const Address& at) {
  return at.family() == Address::Family::unix_domain && !at.host().starts_with('@');
}

// A path that a process has left behind: a socket that is nobody's. Asked with a socket of
// datagrams, whatever type the path's may have had: of one of streams that is bound, and does not
// listen yet, a socket of streams is told what it is told of one that is gone.
bool is_stale(const Address& path) {
  struct stat found{};
  if (::lstat(path.host().c_str(), &found) != 0 || !S_ISSOCK(found.st_mode)) return false;
  const Descriptor caller(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return caller && ::connect(caller.fd(), native(path), size_of(path)) != 0 &&
         errno == ECONNREFUSED;
}

std::error_code bind_to(int socket, const Address& at) noexcept {
  return ::bind(socket, native(at), size_of(at)) == 0 ? std::error_code() : last_error();
}

}  // namespace

// Narrowed before there is a path, for it can be connected to at once; widened behind, for bind()
// takes what the umask says from it.
void bind_to_path(int socket, const Address& at, unsigned mode, const std::string& what) {
  const bool path = is_path(at);
  if (path) ::fchmod(socket, static_cast<mode_t>(mode));
  std::error_code error = bind_to(socket, at);
  if (error == std::errc::address_in_use && path && is_stale(at)) {
    ::unlink(at.host().c_str());
    error = bind_to(socket, at);
  }
  if (error) throw std::system_error(error, what);
  if (!path) return;
  struct stat found{};
  const std::string name = at.host();
  if (::lstat(name.c_str(), &found) != 0 || !S_ISSOCK(found.st_mode))
    return;  // somebody's else by now
  if ((found.st_mode & 0777) == mode) return;
  if (::chmod(name.c_str(), static_cast<mode_t>(mode)) != 0) {
    error = last_error();
    ::unlink(name.c_str());
    throw std::system_error(error, what);
  }
}

BoundPath::BoundPath(const Address& at) : process_(::getpid()) {
  if (!is_path(at)) return;
  struct stat found{};
  std::string path = at.host();
  if (::lstat(path.c_str(), &found) != 0) return;
  path_ = std::move(path);
  device_ = found.st_dev;
  file_ = found.st_ino;
}

BoundPath::BoundPath(BoundPath&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      device_(other.device_),
      file_(other.file_),
      process_(other.process_) {}

BoundPath& BoundPath::operator=(BoundPath&& other) noexcept {
  BoundPath old(std::move(other));
  std::swap(path_, old.path_);
  std::swap(device_, old.device_);
  std::swap(file_, old.file_);
  std::swap(process_, old.process_);
  return *this;
}

void BoundPath::remove() noexcept {
  const std::string path = std::exchange(path_, {});
  struct stat found{};
  if (path.empty() || process_ != ::getpid()) return;
  if (::lstat(path.c_str(), &found) != 0) return;
  if (found.st_dev == device_ && found.st_ino == file_) ::unlink(path.c_str());
}

}  // namespace deferred::io::detail
