// SPDX-License-Identifier: MIT
#include "tests/failing_calls/calls.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace deferred::testing {
namespace {

constexpr std::array names{
    "accept4",
    "bind",
    "chmod",
    "close",
    "connect",
    "fchmod",
    "fchown",
    "fcntl",
    "fgetxattr",
    "flock",
    "fremovexattr",
    "fsetxattr",
    "fstat",
    "fstatat",
    "fsync",
    "ftruncate",
    "getpeername",
    "getsockname",
    "getsockopt",
    "ioctl",
    "kill",
    "lgetxattr",
    "listen",
    "lseek",
    "lstat",
    "open",
    "openat",
    "pidfd_open",
    "pidfd_send_signal",
    "pipe2",
    "poll",
    "posix_spawnp",
    "pread",
    "pwrite",
    "pwritev2",
    "read",
    "realpath",
    "recv",
    "recvmsg",
    "renameat",
    "send",
    "sendmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket",
    "stat",
    "tcgetattr",
    "tcsetattr",
    "unlink",
    "unlinkat",
    "waitid",
    "waitpid",
    "write",
};
static_assert(names.size() == count_of_calls);

constexpr std::size_t most_calls = 1000;

// Written while no call is counted; threads of a pool make calls too.
Fault fault;
Fault other;
std::atomic<bool> counting = false;
std::atomic<bool> failed = false;
std::atomic<std::size_t> all = 0;
std::array<std::atomic<std::size_t>, count_of_calls> made;

std::size_t index_of(Call call) noexcept { return static_cast<std::size_t>(call); }

// What this one fails with; zero: it is made.
int error_of(Call call) noexcept {
  if (!counting) return 0;
  if (++all > most_calls) {
    std::fprintf(stderr, "more than %zu calls, the last one %s, after %s failed with: %s\n",
                 most_calls, name_of(call), name_of(fault.call), std::strerror(fault.error));
    std::abort();
  }
  const std::size_t index = made[index_of(call)]++;
  if (call == other.call && index == other.index) return other.error;
  if (call != fault.call || index != fault.index) return 0;
  failed = true;
  return fault.error;
}

// close(2), EINTR and EIO: it is closed. connect(2), EINTR: the attempt goes on.
constexpr bool is_made_all_the_same(Call call, int error) noexcept {
  return call == Call::close || (call == Call::connect && error == EINTR);
}

template <Call call, class F>
F* real() noexcept {
  static F* const found = reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name_of(call)));
  return found;
}

template <Call call, class R = int, class... A>
R make(A... arguments) noexcept {
  const int error = error_of(call);
  if (error == 0) return real<call, R(A...)>()(arguments...);
  if (is_made_all_the_same(call, error)) real<call, R(A...)>()(arguments...);
  errno = error;
  return static_cast<R>(-1);
}

bool fails(Call call) noexcept {
  const int error = error_of(call);
  if (error != 0) errno = error;
  return error != 0;
}

// How reactors wake themselves: not a call of io.
bool is_of_a_wake_up(std::size_t bytes) noexcept { return bytes == sizeof(std::uint64_t); }

}  // namespace

const char* name_of(Call call) noexcept {
  return call == Call::count_of_calls ? "nothing" : names[index_of(call)];
}

WithFault::WithFault(Fault one, Fault another) noexcept {
  fault = one;
  other = another;
  failed = false;
  all = 0;
  for (auto& calls : made) calls = 0;
  counting = true;
}
WithFault::~WithFault() { counting = false; }

std::size_t WithFault::calls(Call call) noexcept { return made[index_of(call)]; }
std::size_t WithFault::calls() noexcept { return all; }
bool WithFault::has_failed() noexcept { return failed; }

WithoutFaults::WithoutFaults() noexcept : before_(counting.exchange(false)) {}
WithoutFaults::~WithoutFaults() { counting = before_; }

}  // namespace deferred::testing

using deferred::testing::Call;
using deferred::testing::fails;
using deferred::testing::is_of_a_wake_up;
using deferred::testing::make;
using deferred::testing::real;

extern "C" {

int accept4(int fd, sockaddr* peer, socklen_t* size, int flags) {
  return make<Call::accept4>(fd, peer, size, flags);
}
int bind(int fd, const sockaddr* at, socklen_t size) noexcept {
  return make<Call::bind>(fd, at, size);
}
int chmod(const char* path, mode_t mode) noexcept { return make<Call::chmod>(path, mode); }
int close(int fd) { return make<Call::close>(fd); }
int connect(int fd, const sockaddr* to, socklen_t size) {
  return make<Call::connect>(fd, to, size);
}
int fchmod(int fd, mode_t mode) noexcept { return make<Call::fchmod>(fd, mode); }
int fchown(int fd, uid_t user, gid_t group) noexcept { return make<Call::fchown>(fd, user, group); }
int fcntl(int fd, int command, ...) {
  va_list rest;
  va_start(rest, command);
  const long argument = va_arg(rest, long);
  va_end(rest);
  return fails(Call::fcntl) ? -1 : real<Call::fcntl, int(int, int, ...)>()(fd, command, argument);
}
ssize_t fgetxattr(int fd, const char* name, void* value, std::size_t size) noexcept {
  return make<Call::fgetxattr, ssize_t>(fd, name, value, size);
}
int flock(int fd, int operation) noexcept { return make<Call::flock>(fd, operation); }
int fremovexattr(int fd, const char* name) noexcept { return make<Call::fremovexattr>(fd, name); }
int fsetxattr(int fd, const char* name, const void* value, std::size_t size, int flags) noexcept {
  return make<Call::fsetxattr>(fd, name, value, size, flags);
}
int fstat(int fd, struct stat* found) noexcept { return make<Call::fstat>(fd, found); }
int fstatat(int folder, const char* path, struct stat* found, int flags) noexcept {
  return make<Call::fstatat>(folder, path, found, flags);
}
int fsync(int fd) { return make<Call::fsync>(fd); }
int ftruncate(int fd, off_t size) noexcept { return make<Call::ftruncate>(fd, size); }
int getpeername(int fd, sockaddr* peer, socklen_t* size) noexcept {
  return make<Call::getpeername>(fd, peer, size);
}
int getsockname(int fd, sockaddr* own, socklen_t* size) noexcept {
  return make<Call::getsockname>(fd, own, size);
}
int getsockopt(int fd, int level, int option, void* value, socklen_t* size) noexcept {
  return make<Call::getsockopt>(fd, level, option, value, size);
}
int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list rest;
  va_start(rest, request);
  void* const argument = va_arg(rest, void*);
  va_end(rest);
  return fails(Call::ioctl)
             ? -1
             : real<Call::ioctl, int(int, unsigned long, ...)>()(fd, request, argument);
}
int kill(pid_t process, int signal) noexcept { return make<Call::kill>(process, signal); }
ssize_t lgetxattr(const char* path, const char* name, void* value, std::size_t size) noexcept {
  return make<Call::lgetxattr, ssize_t>(path, name, value, size);
}
int listen(int fd, int backlog) noexcept { return make<Call::listen>(fd, backlog); }
off_t lseek(int fd, off_t offset, int from) noexcept {
  return make<Call::lseek, off_t>(fd, offset, from);
}
int lstat(const char* path, struct stat* found) noexcept { return make<Call::lstat>(path, found); }
int open(const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return fails(Call::open) ? -1 : real<Call::open, int(const char*, int, ...)>()(path, flags, mode);
}
int openat(int folder, const char* path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = va_arg(rest, mode_t);
  va_end(rest);
  return fails(Call::openat)
             ? -1
             : real<Call::openat, int(int, const char*, int, ...)>()(folder, path, flags, mode);
}
int pipe2(int ends[2], int flags) noexcept { return make<Call::pipe2>(ends, flags); }
int poll(pollfd* all, nfds_t count, int limit) { return make<Call::poll>(all, count, limit); }
int posix_spawnp(pid_t* child, const char* file, const posix_spawn_file_actions_t* actions,
                 const posix_spawnattr_t* attributes, char* const arguments[],
                 char* const environment[]) {
  const bool fails_now = fails(Call::posix_spawnp);
  const auto call =
      real<Call::posix_spawnp, int(pid_t*, const char*, const posix_spawn_file_actions_t*,
                                   const posix_spawnattr_t*, char* const*, char* const*)>();
  return fails_now ? errno : call(child, file, actions, attributes, arguments, environment);
}
ssize_t pread(int fd, void* bytes, std::size_t size, off_t offset) {
  return make<Call::pread, ssize_t>(fd, bytes, size, offset);
}
ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t offset) {
  return make<Call::pwrite, ssize_t>(fd, bytes, size, offset);
}
ssize_t pwritev2(int fd, const iovec* bytes, int count, off_t offset, int flags) {
  return make<Call::pwritev2, ssize_t>(fd, bytes, count, offset, flags);
}
ssize_t read(int fd, void* bytes, std::size_t size) {
  return is_of_a_wake_up(size) ? ::syscall(SYS_read, fd, bytes, size)
                               : make<Call::read, ssize_t>(fd, bytes, size);
}
char* realpath(const char* path, char* resolved) noexcept {
  return fails(Call::realpath) ? nullptr
                               : real<Call::realpath, char*(const char*, char*)>()(path, resolved);
}
ssize_t recv(int fd, void* bytes, std::size_t size, int flags) {
  return make<Call::recv, ssize_t>(fd, bytes, size, flags);
}
ssize_t recvmsg(int fd, msghdr* message, int flags) {
  return make<Call::recvmsg, ssize_t>(fd, message, flags);
}
int renameat(int from, const char* old, int to, const char* name) noexcept {
  return make<Call::renameat>(from, old, to, name);
}
ssize_t send(int fd, const void* bytes, std::size_t size, int flags) {
  return make<Call::send, ssize_t>(fd, bytes, size, flags);
}
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  return make<Call::sendmsg, ssize_t>(fd, message, flags);
}
ssize_t sendto(int fd, const void* bytes, std::size_t size, int flags, const sockaddr* to,
               socklen_t to_size) {
  return make<Call::sendto, ssize_t>(fd, bytes, size, flags, to, to_size);
}
int setsockopt(int fd, int level, int option, const void* value, socklen_t size) noexcept {
  return make<Call::setsockopt>(fd, level, option, value, size);
}
int shutdown(int fd, int how) noexcept { return make<Call::shutdown>(fd, how); }
int socket(int family, int type, int protocol) noexcept {
  return make<Call::socket>(family, type, protocol);
}
int stat(const char* path, struct stat* found) noexcept { return make<Call::stat>(path, found); }
int tcgetattr(int fd, termios* settings) noexcept { return make<Call::tcgetattr>(fd, settings); }
int tcsetattr(int fd, int when, const termios* settings) noexcept {
  return make<Call::tcsetattr>(fd, when, settings);
}
int unlink(const char* path) noexcept { return make<Call::unlink>(path); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return make<Call::unlinkat>(folder, path, flags);
}
int waitid(idtype_t type, id_t id, siginfo_t* found, int flags) {
  return make<Call::waitid>(type, id, found, flags);
}
pid_t waitpid(pid_t process, int* status, int flags) {
  return make<Call::waitpid>(process, status, flags);
}
ssize_t write(int fd, const void* bytes, std::size_t size) {
  return is_of_a_wake_up(size) ? ::syscall(SYS_write, fd, bytes, size)
                               : make<Call::write, ssize_t>(fd, bytes, size);
}
// Of all that are made by it, those of io.
long syscall(long number, ...) noexcept {
  long arguments[6];
  va_list rest;
  va_start(rest, number);
  for (long& argument : arguments) argument = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_pidfd_open && fails(Call::pidfd_open)) return -1;
  if (number == SYS_pidfd_send_signal && fails(Call::pidfd_send_signal)) return -1;
  static const auto call = reinterpret_cast<long (*)(long, ...)>(::dlsym(RTLD_NEXT, "syscall"));
  return call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
              arguments[5]);
}
}
