// SPDX-License-Identifier: MIT
//
// Locks on files. ("row" is the number of the behaviour in Twisted's checklist.) The function at
// the top stands before libc's.
#include "deferred/io/lock_file.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/yieldables/as_outcome.hpp"
#include "deferred/yieldables/pause.hpp"
#include "deferred/yieldables/with_timeout.hpp"
#include "tests/support/loop.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::FileLock;
using io::lock_file;
using io::try_lock_file;

namespace {

// Called once, before the next flock().
std::function<void()> before_flock;

}  // namespace

extern "C" int flock(int fd, int operation) noexcept {
  if (const auto call = std::exchange(before_flock, nullptr)) call();
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

namespace {

std::ptrdiff_t descriptors_open() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return std::distance(begin(all), end(all));
}

/// A folder of its own, in virtual time.
struct Locked : Loop {
  Locked() {
    std::string name = std::filesystem::temp_directory_path() / "lock_file.XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
    path = folder / "lock";
  }
  ~Locked() { std::filesystem::remove_all(folder); }
  /// Begins to wait for the lock in a microthread of its own.
  Spawned<FileLock> begin(AnyDuration poll = 1s) {
    auto waits = spawn(reactor, lock_file(path, poll));
    settle();
    return waits;
  }
  std::filesystem::path folder;
  std::string path;
};

/// A process that has the lock, until it is told to end, which it does without a word.
class OtherProcess {
 public:
  explicit OtherProcess(const std::string& path) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) == 0);
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      const std::optional<FileLock> lock = try_lock_file(path);
      char byte = lock ? 'y' : 'n';
      ::close(ends_[0]);
      static_cast<void>(::write(ends_[1], &byte, 1) + ::read(ends_[1], &byte, 1));
      ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ends_[0], &byte, 1) == 1);
    CHECK(byte == 'y');
  }
  OtherProcess(const OtherProcess&) = delete;
  OtherProcess& operator=(const OtherProcess&) = delete;
  ~OtherProcess() { end(); }
  void end() {
    if (child_ == 0) return;
    ::close(ends_[0]);
    ::close(ends_[1]);
    ::waitpid(std::exchange(child_, 0), nullptr, 0);
  }

 private:
  int ends_[2];
  pid_t child_;
};

TEST_CASE_FIXTURE(Locked, "row 143: a lock that nobody has is had at once") {
  const auto outcome = outcome_of([&]() -> Task<bool> {
    const FileLock lock = co_await lock_file(path);
    co_return lock.held();
  });

  CHECK(outcome.value());
  CHECK(now() == 0s);
}

TEST_CASE_FIXTURE(Locked, "row 143: a lock that somebody has is tried again each second") {
  std::optional<FileLock> other = try_lock_file(path);
  Spawned<FileLock> waits = begin();

  time.advance(2500ms);
  other.reset();
  settle();
  CHECK_FALSE(waits.done());
  time.advance(500ms);

  CHECK(waits.done());
  CHECK(outcome_of(std::move(waits)).value().held());
}

TEST_CASE_FIXTURE(Locked, "row 143: how often it is tried is the caller's choice") {
  std::optional<FileLock> other = try_lock_file(path);
  Spawned<FileLock> waits = begin(10ms);

  time.advance(25ms);
  other.reset();
  time.advance(5ms);

  CHECK(waits.done());
}

TEST_CASE_FIXTURE(Locked, "row 143: a limit on a lock that somebody keeps is a TimeoutError") {
  const std::optional<FileLock> other = try_lock_file(path);
  const auto before = descriptors_open();

  const auto outcome = outcome_of(
      [&]() -> Task<> { static_cast<void>(co_await with_timeout(5500ms, lock_file(path))); });

  CHECK(outcome.check<TimeoutError>());
  CHECK(now() == 5500ms);
  CHECK(reactor.timer_count() == 0);
  CHECK(descriptors_open() == before);
}

TEST_CASE_FIXTURE(Locked, "row 143: a lock that is given back within the limit is had") {
  std::optional<FileLock> other = try_lock_file(path);
  const DelayedCall gives_back = reactor.call_later(1500ms, [&] { other.reset(); });

  const auto outcome = outcome_of([&]() -> Task<bool> {
    const FileLock lock = co_await with_timeout(5s, lock_file(path));
    co_return lock.held();
  });

  CHECK(outcome.value());
  CHECK(now() == 2s);
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Locked, "row 143: several may wait at once, and have it one after the other") {
  std::vector<Duration> had;
  const auto body = [&]() -> Task<> {
    const FileLock lock = co_await lock_file(path);
    had.push_back(now());
    co_await Pause{1500ms};
  };
  for (int i = 0; i < 3; ++i) spawn(reactor, body);

  time.run_until_idle();

  CHECK(had == std::vector<Duration>{0s, 2s, 4s});
}

TEST_CASE_FIXTURE(Locked, "row 143: a lock can be had again when it was given back") {
  const auto before = descriptors_open();
  for (int i = 0; i < 3; ++i) {
    FileLock lock = outcome_of(lock_file(path)).value();
    CHECK_FALSE(try_lock_file(path));
    lock.unlock();
    lock.unlock();
    CHECK_FALSE(lock.held());
  }
  CHECK(descriptors_open() == before);
  CHECK(try_lock_file(path));
}

TEST_CASE_FIXTURE(Locked,
                  "row 143: a wait that is cancelled leaves neither a timer nor a descriptor") {
  const std::optional<FileLock> other = try_lock_file(path);
  const auto before = descriptors_open();
  Spawned<FileLock> level = begin();
  Spawned<FileLock> closed = begin();
  Deferred<FileLock> once = begin().deferred();
  CHECK(descriptors_open() == before);

  level.task().cancel();
  closed.task().close();
  once.cancel();
  settle();

  CHECK(outcome_of(std::move(level)).check<Cancelled>());
  CHECK(outcome_of(std::move(closed)).check<AbandonedError>());
  CHECK(std::move(once).result().check<Cancelled>());
  CHECK(reactor.timer_count() == 0);
}

TEST_CASE_FIXTURE(Locked, "a task that is cancelled before does not have the lock, nor a file") {
  Spawned<FileLock> waits = spawn(reactor, lock_file(path));
  waits.task().cancel();

  settle();

  CHECK(outcome_of(std::move(waits)).check<Cancelled>());
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Locked, "the end of a FileLock gives the lock back, and a move takes it along") {
  std::optional<FileLock> first = try_lock_file(path);
  FileLock second = std::move(*first);
  CHECK_FALSE(first->held());
  first.reset();
  CHECK_FALSE(try_lock_file(path));

  FileLock empty;
  CHECK_FALSE(empty.held());
  second = std::move(empty);

  CHECK(try_lock_file(path));
}

TEST_CASE_FIXTURE(Locked, "a process that dies gives its lock back") {
  OtherProcess other(path);
  Spawned<FileLock> waits = begin();
  time.advance(3s);
  CHECK_FALSE(waits.done());

  other.end();
  time.advance(1s);

  CHECK(waits.done());
}

TEST_CASE_FIXTURE(Locked, "a child of fork() that ends a copy of the lock does not give it back") {
  std::optional<FileLock> lock = try_lock_file(path);
  const pid_t child = ::fork();
  if (child == 0) {
    lock.reset();
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);

  CHECK_FALSE(try_lock_file(path));
}

TEST_CASE_FIXTURE(Locked, "a lock is given back although a child of fork() lives") {
  std::optional<FileLock> lock = try_lock_file(path);
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte;
    ::close(ends[1]);
    ::_exit(static_cast<int>(::read(ends[0], &byte, 1)));
  }

  lock.reset();

  CHECK(try_lock_file(path));
  ::close(ends[0]);
  ::close(ends[1]);
  ::waitpid(child, nullptr, 0);
}

TEST_CASE_FIXTURE(Locked, "the file is its owner's alone, is closed by exec(), and stays") {
  const mode_t before = ::umask(0);
  std::optional<FileLock> lock = try_lock_file(path);
  ::umask(before);

  struct stat file{};
  REQUIRE(::stat(path.c_str(), &file) == 0);
  CHECK((file.st_mode & 07777) == 0600);
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) != path) continue;
    ++found;
    CHECK((::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) != 0);
  }
  CHECK(found == 1);
  lock.reset();
  CHECK(std::filesystem::exists(path));
}

TEST_CASE_FIXTURE(Locked, "where the file was replaced, the one that is there now is locked") {
  const std::optional<FileLock> of_the_old = try_lock_file(path);
  std::filesystem::remove(path);

  const std::optional<FileLock> of_the_new = try_lock_file(path);

  CHECK(of_the_new);
  CHECK_FALSE(try_lock_file(path));
}

TEST_CASE_FIXTURE(Locked, "a file that is removed before it is locked is made anew") {
  const auto before = descriptors_open();
  before_flock = [&] { std::filesystem::remove(path); };

  const std::optional<FileLock> lock = try_lock_file(path);

  CHECK(lock);
  CHECK(std::filesystem::exists(path));
  CHECK_FALSE(try_lock_file(path));
  CHECK(descriptors_open() == before + 1);
}

TEST_CASE_FIXTURE(Locked, "what cannot be locked is an error that names the path") {
  const std::string nowhere = folder / "no" / "lock";
  const auto outcome = outcome_of(lock_file(nowhere));

  REQUIRE(outcome.check<std::system_error>());
  CHECK(outcome.check<std::system_error>()->code() == std::errc::no_such_file_or_directory);
  CHECK(outcome.failure().what().find(nowhere) != std::string::npos);
  CHECK_THROWS_AS(static_cast<void>(try_lock_file(folder)), std::system_error);
}

}  // namespace
