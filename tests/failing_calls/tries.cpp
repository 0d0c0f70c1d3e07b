// SPDX-License-Identifier: MIT
#include "tests/failing_calls/tries.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/children.hpp"

namespace deferred::testing {
namespace {

using namespace std::chrono_literals;

struct Row {
  Call call;
  Comes comes;
  std::vector<int> errors;
};

// By the manual pages of section 2 and 3, without what would be a fault of the caller's: EBADF,
// EFAULT, EINVAL, ENOTSOCK and the like.
const std::vector<Row> table = {
    {Call::accept4,
     Comes::nothing,
     {EINTR, EAGAIN, ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH,
      EOPNOTSUPP, ENETUNREACH}},
    {Call::accept4, Comes::its_error, {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM}},
    {Call::bind, Comes::its_error, {EACCES, EADDRINUSE, ENOMEM, ENOENT, EROFS, ENOBUFS}},
    {Call::chmod, Comes::its_error, {EIO, ENOMEM, EPERM, EROFS}},
    {Call::close, Comes::nothing, {EINTR, EIO, ENOSPC, EDQUOT}},
    {Call::connect, Comes::nothing, {EINTR}},
    {Call::connect,
     Comes::its_error,
     {EACCES, EPERM, EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, ETIMEDOUT, ENOBUFS}},
    {Call::fchmod, Comes::its_error, {EIO, ENOMEM, EPERM, EROFS}},
    {Call::fchown, Comes::its_error, {EIO, ENOMEM, EPERM, EROFS}},
    {Call::fcntl, Comes::its_error, {EMFILE, ENOLCK}},
    {Call::fgetxattr, Comes::its_error, {EIO, ENOMEM}},
    {Call::flock, Comes::nothing, {EINTR, EWOULDBLOCK}},
    {Call::flock, Comes::its_error, {ENOLCK}},
    {Call::fremovexattr, Comes::its_error, {EIO, ENOMEM, EPERM}},
    {Call::fsetxattr, Comes::its_error, {EDQUOT, EIO, ENOSPC, EOPNOTSUPP, EPERM}},
    {Call::fstat, Comes::its_error, {ENOMEM, EOVERFLOW}},
    {Call::fstatat, Comes::its_error, {EACCES, ELOOP, ENOMEM}},
    {Call::fsync, Comes::nothing, {EINTR}},
    {Call::fsync, Comes::its_error, {EIO, ENOSPC, EDQUOT}},
    {Call::ftruncate, Comes::nothing, {EINTR}},
    {Call::ftruncate, Comes::its_error, {EFBIG, EIO, EPERM}},
    {Call::getpeername, Comes::its_error, {ENOBUFS}},
    {Call::getsockname, Comes::its_error, {ENOBUFS}},
    {Call::getsockopt, Comes::its_error, {ENOBUFS, ENOMEM}},
    {Call::ioctl, Comes::nothing, {ENOTTY}},
    {Call::kill, Comes::nothing, {EPERM, ESRCH}},
    {Call::lgetxattr, Comes::its_error, {EIO, ENOMEM}},
    {Call::listen, Comes::its_error, {EADDRINUSE, EOPNOTSUPP}},
    {Call::lseek, Comes::its_error, {ESPIPE, EOVERFLOW}},
    {Call::lstat, Comes::nothing, {EACCES, ENOMEM, ELOOP}},
    {Call::open, Comes::nothing, {EINTR}},
    {Call::open,
     Comes::its_error,
     {EACCES, EDQUOT, ELOOP, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, EPERM, EROFS}},
    {Call::openat, Comes::nothing, {EINTR, EEXIST}},
    {Call::openat, Comes::its_error, {EACCES, EDQUOT, EMFILE, ENFILE, ENOMEM, ENOSPC, EROFS}},
    {Call::pidfd_open, Comes::its_error, {EMFILE, ENFILE, ENODEV, ENOMEM, ENOSYS}},
    {Call::pidfd_send_signal, Comes::nothing, {EPERM}},
    {Call::pipe2, Comes::its_error, {EMFILE, ENFILE}},
    {Call::poll, Comes::nothing, {EINTR, ENOMEM}},
    {Call::posix_spawnp, Comes::its_error, {EACCES, EAGAIN, ENOENT, ENOMEM, ENOEXEC}},
    {Call::pread, Comes::nothing, {EINTR}},
    {Call::pread, Comes::its_error, {EIO, EOVERFLOW}},
    {Call::pwrite, Comes::nothing, {EINTR}},
    {Call::pwrite, Comes::its_error, {EDQUOT, EFBIG, EIO, ENOSPC, EPERM}},
    {Call::pwritev2, Comes::nothing, {EINTR}},
    {Call::pwritev2, Comes::its_error, {EDQUOT, EFBIG, EIO, ENOSPC, EOPNOTSUPP}},
    {Call::read, Comes::nothing, {EAGAIN, EINTR}},
    {Call::read, Comes::its_error, {EIO}},
    {Call::realpath, Comes::its_error, {EACCES, EIO, ELOOP, ENOMEM}},
    {Call::recv, Comes::nothing, {EAGAIN, EINTR}},
    {Call::recv,
     Comes::its_error,
     {ECONNREFUSED, ECONNRESET, EHOSTUNREACH, ENOBUFS, ENOMEM, ENOTCONN, ETIMEDOUT}},
    {Call::recvmsg, Comes::nothing, {EAGAIN, EINTR}},
    {Call::recvmsg, Comes::its_error, {ECONNREFUSED, ECONNRESET, ENOBUFS, ENOMEM}},
    {Call::renameat, Comes::its_error, {EACCES, EDQUOT, EISDIR, ENOMEM, ENOSPC, EROFS}},
    {Call::send, Comes::nothing, {EAGAIN, EINTR}},
    {Call::send,
     Comes::its_error,
     {EACCES, ECONNRESET, EHOSTUNREACH, ENETDOWN, ENOBUFS, ENOMEM, ENOTCONN, EPIPE, ETIMEDOUT}},
    {Call::sendmsg, Comes::nothing, {EAGAIN, EINTR}},
    {Call::sendmsg, Comes::its_error, {ECONNRESET, ENOBUFS, ENOMEM, EPIPE, ETOOMANYREFS}},
    {Call::sendto, Comes::nothing, {EAGAIN, EINTR}},
    {Call::sendto, Comes::its_error, {EACCES, ECONNREFUSED, ENETUNREACH, ENOBUFS, ENOMEM, EPERM}},
    {Call::setsockopt, Comes::nothing, {ENOBUFS, ENOMEM, ENOPROTOOPT}},
    {Call::shutdown, Comes::its_error, {ENOBUFS, ENOTCONN}},
    {Call::socket, Comes::its_error, {EACCES, EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM}},
    {Call::stat, Comes::its_error, {EACCES, ELOOP, ENOMEM}},
    {Call::tcgetattr, Comes::its_error, {EIO, ENOTTY}},
    {Call::tcsetattr, Comes::nothing, {EINTR}},
    {Call::tcsetattr, Comes::its_error, {EIO, ENOTTY}},
    {Call::unlink, Comes::nothing, {EACCES, EBUSY, EIO, ENOMEM, EPERM, EROFS}},
    {Call::unlinkat, Comes::nothing, {EACCES, EBUSY, EIO, ENOMEM, EPERM, EROFS}},
    {Call::waitid, Comes::nothing, {EINTR}},
    {Call::waitpid, Comes::nothing, {ECHILD, EINTR}},
    {Call::write, Comes::nothing, {EAGAIN, EINTR}},
    {Call::write, Comes::its_error, {EDQUOT, EFBIG, EIO, ENOSPC, EPIPE}},
};

Task<> run_limited(const Tried& tried, Reactor& reactor, std::optional<Outcome<std::string>>& end) {
  Task<std::string> task = tried(reactor);
  end = co_await as_outcome(with_timeout(20s, std::move(task)));
}

// A reactor of its own, so that all of it ends; nothing that an await was about is left to
// somebody.
Outcome<std::string> end_of(const Tried& tried) {
  const Unhandled unhandled;
  std::optional<Outcome<std::string>> end;
  Reactor reactor;
  reactor.run_until(spawn(reactor, run_limited(tried, reactor, end)).deferred());
  return *std::move(end);
}

std::string what_came(const Outcome<std::string>& end) {
  return end.has_value() ? "'" + *end + "'" : end.failure().what();
}

// "OPERATION OF WHAT: text of the code"
bool tells(const Outcome<std::string>& end, int error) {
  const auto* const told = end.check<std::system_error>();
  if (!told || told->code() != std::error_code(error, std::generic_category())) return false;
  const std::string text = told->what();
  const std::string last = ": " + told->code().message();
  const std::size_t at = text.find(' ');
  return text.ends_with(last) && at != std::string::npos && at + 1 < text.size() - last.size();
}

bool is_right(Comes comes, const Outcome<std::string>& end, const std::string& without, int error) {
  const bool as_without = end.has_value() && *end == without;
  switch (comes) {
    case Comes::nothing:
      return as_without;
    case Comes::its_error:
      return tells(end, error);
    case Comes::maybe_its_error:
      return as_without || tells(end, error);
    case Comes::maybe_an_error:
      return as_without || end.check<std::system_error>() != nullptr;
  }
  return false;
}

}  // namespace

void each_call_fails(const Tried& tried, const std::map<Call, Comes>& otherwise, Fault always) {
  static_cast<void>(end_of(tried));  // what is made once in a process is there
  const auto descriptors = open_descriptors();
  std::map<Call, std::size_t> calls;
  std::string without;
  {
    const WithFault none(Fault{}, always);
    const auto end = end_of(tried);
    REQUIRE_MESSAGE(end.has_value(), what_came(end));
    without = *end;
    for (std::size_t i = 0; i < count_of_calls; ++i) {
      const Call call{static_cast<unsigned char>(i)};
      if (WithFault::calls(call) != 0) calls[call] = WithFault::calls(call);
    }
  }
  for (const Row& row : table) {
    const auto exception = otherwise.find(row.call);
    const Comes comes = exception == otherwise.end() ? row.comes : exception->second;
    for (std::size_t index = 0; index < calls[row.call]; ++index) {
      if (row.call == always.call && index == always.index) continue;
      for (const int error : row.errors) {
        const auto end = [&] {
          const WithFault fault(Fault{row.call, index, error}, always);
          return end_of(tried);
        }();
        const std::string failing = std::string(name_of(row.call)) + " " + std::to_string(index) +
                                    " of " + std::to_string(calls[row.call]) + " fails with " +
                                    std::strerror(error);
        // In how many pieces a child is heard is the kernel's to say: the last may not come.
        const Comes due = WithFault::has_failed() ? comes : Comes::nothing;
        CHECK_MESSAGE((WithFault::has_failed() || index != 0), failing);
        CHECK_MESSAGE(is_right(due, end, without, error), failing, ": ", what_came(end));
        CHECK_MESSAGE(open_descriptors() == descriptors, failing);
        CHECK_MESSAGE(has_no_child(), failing);
      }
    }
  }
}

}  // namespace deferred::testing
