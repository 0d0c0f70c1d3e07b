// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

#include "deferred/io/detail/file_calls.hpp"

namespace deferred::io::detail {
namespace {

constexpr mode_t mode_bits = 07777;
constexpr const char* access_list = "system.posix_acl_access";
constexpr int most_names_tried = 10'000;

std::atomic<unsigned> next_name{0};

/// The folder that a path leads to, and the name there.
struct Place {
  std::string folder = ".";
  std::string name;
};

Place place_of(const std::string& path) {
  Place place;
  const std::size_t slash = path.rfind('/');
  place.name = path.substr(slash + 1);
  if (slash != std::string::npos) place.folder = path.substr(0, slash + 1);
  return place;
}

/// The file that a symbolic link leads to, if it is one and leads to one; else the path. What
/// cannot be found out is an error: a link is not to be taken for one that leads to nothing.
std::string followed(const std::string& path, const std::string& what) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) throw_file_error(what);
    return path;
  }
  if (!S_ISLNK(found.st_mode)) return path;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  if (!real && errno != ENOENT) throw_file_error(what);
  return real ? real.get() : path;
}

/// The new file as long as it is not in its place: removed at its end.
class Beside {
 public:
  Beside(const Descriptor& folder, mode_t mode, const std::string& what) : folder_(folder) {
    for (int tries = 0; file_.fd() < 0; ++tries) {
      name_ = ".deferred-" + std::to_string(::getpid()) + "-" + std::to_string(next_name++);
      file_ = Descriptor(::openat(folder.fd(), name_.c_str(),
                                  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
      if (file_.fd() >= 0 || errno == EINTR) continue;
      if (errno != EEXIST || tries == most_names_tried) throw_file_error(what);
    }
  }
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;
  ~Beside() {
    if (!name_.empty()) ::unlinkat(folder_.fd(), name_.c_str(), 0);
  }

  const Descriptor& file() const noexcept { return file_; }
  void put_at(const std::string& name, const std::string& what) {
    if (::renameat(folder_.fd(), name_.c_str(), folder_.fd(), name.c_str()) != 0) {
      throw_file_error(what);
    }
    name_.clear();
  }

 private:
  const Descriptor& folder_;
  Descriptor file_;
  std::string name_;
};

std::optional<struct stat> look_at(const Descriptor& folder, const std::string& name,
                                   const std::string& what) {
  struct stat found{};
  if (::fstatat(folder.fd(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) throw_file_error(what);
    return std::nullopt;
  }
  if (S_ISREG(found.st_mode) || S_ISLNK(found.st_mode)) return found;
  errno = S_ISDIR(found.st_mode) ? EISDIR : EOPNOTSUPP;  // a device is not to become a file
  throw_file_error(what);
}

bool has_no_list(ssize_t size) noexcept {
  return size < 0 && (errno == ENODATA || errno == EOPNOTSUPP || errno == ENOSYS);
}

/// As the kernel has it; empty: the mode is all.
std::string access_list_of(const std::string& path, const std::string& what) {
  std::string list;
  ssize_t size = ::lgetxattr(path.c_str(), access_list, nullptr, 0);
  if (size > 0) {
    list.resize(static_cast<std::size_t>(size));
    size = ::lgetxattr(path.c_str(), access_list, list.data(), list.size());
  }
  if (has_no_list(size)) return std::string();
  if (size < 0) throw_file_error(what);
  list.resize(static_cast<std::size_t>(size));
  return list;
}

/// A list that it has is of the folder's default: with that, the mode would give more than it says.
void give_access_list(const Descriptor& file, const std::string& list, const std::string& what) {
  if (!list.empty()) {
    if (::fsetxattr(file.fd(), access_list, list.data(), list.size(), 0) != 0)
      throw_file_error(what);
    return;
  }
  const ssize_t size = ::fgetxattr(file.fd(), access_list, nullptr, 0);
  if (has_no_list(size)) return;
  if (size < 0 || ::fremovexattr(file.fd(), access_list) != 0) throw_file_error(what);
}

/// For a file that has been written: a write takes the bits away that let a program run as its
/// owner or group, and so does a new owner.
void take_over(const Descriptor& file, const struct stat& old, const std::string& list,
               const std::string& what) {
  struct stat made{};
  if (::fstat(file.fd(), &made) != 0) throw_file_error(what);
  if (made.st_uid != old.st_uid || made.st_gid != old.st_gid) {
    if (::fchown(file.fd(), old.st_uid, old.st_gid) != 0) throw_file_error(what);
  }
  give_access_list(file, list, what);
  const mode_t mode = old.st_mode & mode_bits;
  if (::fchmod(file.fd(), mode) != 0 || ::fstat(file.fd(), &made) != 0) throw_file_error(what);
  if ((made.st_mode & mode_bits) == mode) return;
  errno = EPERM;  // as chmod(2) leaves the group's bit out for who is not in the group
  throw_file_error(what);
}

}  // namespace

// The folder is opened first, so that what makes that fail fails before anything is changed.
void replace_file_now(const std::string& path, const std::string& contents) {
  const std::string what = "replace " + path;
  require_path(path, what);
  const Place place = place_of(followed(path, what));
  int opened = -1;
  do {
    opened = ::open(place.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (opened < 0 && errno == EINTR);
  if (opened < 0) throw_file_error(what);
  const Descriptor folder(opened);
  if (place.name.empty()) {
    errno = path.empty() ? ENOENT : EISDIR;
    throw_file_error(what);
  }
  std::optional<struct stat> old = look_at(folder, place.name, what);
  if (old && S_ISLNK(old->st_mode)) old.reset();  // it leads to nothing
  std::string list;
  if (old) list = access_list_of(place.folder + "/" + place.name, what);
  {
    // For nobody else to read before it has the rights of the old one.
    Beside beside(folder, old ? 0600 : 0666, what);
    write_to_file(beside.file(), 0, contents, what);
    if (old) take_over(beside.file(), *old, list, what);
    sync_file(beside.file(), what);
    beside.put_at(place.name, what);
  }
  // Some file systems have no such thing.
  while (::fsync(folder.fd()) != 0) {
    if (errno == EINVAL) return;
    if (errno != EINTR) throw_file_error(what);
  }
}

}  // namespace deferred::io::detail
