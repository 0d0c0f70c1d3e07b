// SPDX-License-Identifier: MIT
//
// The system calls of io, each of which can be made to fail. calls.cpp stands before libc's; it is
// covered.py that finds a call of io that is not here. Next: tries.hpp.
#pragma once

#include <cstddef>

namespace deferred::testing {

/// By libc's names, but for those that are made by syscall().
enum class Call : unsigned char {
  accept4,
  bind,
  chmod,
  close,
  connect,
  fchmod,
  fchown,
  fcntl,
  fgetxattr,
  flock,
  fremovexattr,
  fsetxattr,
  fstat,
  fstatat,
  fsync,
  ftruncate,
  getpeername,
  getsockname,
  getsockopt,
  ioctl,
  kill,
  lgetxattr,
  listen,
  lseek,
  lstat,
  open,
  openat,
  pidfd_open,
  pidfd_send_signal,
  pipe2,
  poll,
  posix_spawnp,
  pread,
  pwrite,
  pwritev2,
  read,
  realpath,
  recv,
  recvmsg,
  renameat,
  send,
  sendmsg,
  sendto,
  setsockopt,
  shutdown,
  socket,
  stat,
  tcgetattr,
  tcsetattr,
  unlink,
  unlinkat,
  waitid,
  waitpid,
  write,
  count_of_calls
};
inline constexpr auto count_of_calls = static_cast<std::size_t>(Call::count_of_calls);

const char* name_of(Call call) noexcept;

/// One call fails: the one that has so many of its kind before it, since WithFault began.
struct Fault {
  Call call = Call::count_of_calls;
  std::size_t index = 0;
  int error = 0;
};

/// Counts calls as long as it lives, and lets one or two of them fail. More than a thousand end the
/// process, with what has failed: it spins.
class WithFault {
 public:
  explicit WithFault(Fault fault, Fault another = {}) noexcept;
  WithFault(const WithFault&) = delete;
  WithFault& operator=(const WithFault&) = delete;
  ~WithFault();

  /// How many there were.
  static std::size_t calls(Call call) noexcept;
  static std::size_t calls() noexcept;
  /// That `fault` has come.
  static bool has_failed() noexcept;
};

/// Calls are made as they are, and not counted: what a test does itself.
class WithoutFaults {
 public:
  WithoutFaults() noexcept;
  WithoutFaults(const WithoutFaults&) = delete;
  WithoutFaults& operator=(const WithoutFaults&) = delete;
  ~WithoutFaults();

 private:
  bool before_;
};

}  // namespace deferred::testing
