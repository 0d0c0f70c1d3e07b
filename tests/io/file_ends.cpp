// SPDX-License-Identifier: MIT
//
// Calls of files that are cut, by a cancel, a close, or the end of the reactor; and who closes the
// descriptor. With threads: runs under ThreadSanitizer too.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "deferred/io/file.hpp"
#include "deferred/results/errors.hpp"
#include "deferred/threads/defer_to_thread.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/io/files_by_hand.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::File;
using io::FileOptions;

namespace {

// Called in the thread, before each read and each write.
std::function<void()> before_call;

}  // namespace

extern "C" ssize_t pread(int fd, void* to, std::size_t size, off_t offset) {
  if (before_call) before_call();
  return ::syscall(SYS_pread64, fd, to, size, offset);
}
extern "C" ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
  if (before_call) before_call();
  return ::syscall(SYS_pwrite64, fd, from, size, offset);
}
extern "C" ssize_t pwritev2(int fd, const iovec* from, int count, off_t offset, int flags) {
  if (before_call) before_call();
  return ::syscall(SYS_pwritev2, fd, from, count, offset, 0, flags);
}

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// The number that the next descriptor of the process gets.
int next_descriptor() {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(fd);
  return fd;
}

/// Calls something in the middle of each call that reads or writes.
struct InMiddle : FilesByHand {
  InMiddle() { folder.write("file", "hello"); }
  InMiddle(const InMiddle&) = delete;
  InMiddle& operator=(const InMiddle&) = delete;
  ~InMiddle() { before_call = nullptr; }
  File open_file() { return open("file", FileOptions().write()); }
};

TEST_CASE_FIXTURE(InMiddle, "a call that has not begun is taken back by a cancel") {
  File file = open_file();
  auto writes = spawn(reactor, file.write_at(0, "j"));
  auto opens = spawn(reactor, File::open(folder.path("new"), FileOptions().write().create()));
  settle();
  REQUIRE(pool->queued() == 2);

  writes.task().cancel();
  opens.task().cancel();
  run();

  CHECK(Loop::outcome_of(std::move(writes)).check<Cancelled>());
  CHECK(Loop::outcome_of(std::move(opens)).check<Cancelled>());
  CHECK(folder.read("file") == "hello");
  CHECK_FALSE(std::filesystem::exists(folder.path("new")));
}

TEST_CASE_FIXTURE(InMiddle, "a read that has begun is left by a cancel, at once") {
  const File file = open_file();
  auto reads = spawn(reactor, file.read_at(0, 5));
  settle();
  bool was_done = false;
  before_call = [&] {
    reads.task().cancel();
    settle();
    was_done = reads.done();
  };

  run();

  CHECK(was_done);
  CHECK(Loop::outcome_of(std::move(reads)).check<Cancelled>());
}

TEST_CASE_FIXTURE(InMiddle,
                  "a write that has begun is waited for by a cancel, which hits the next await") {
  File file = open_file();
  bool written = false;
  auto writes = spawn(reactor, [&]() -> Task<> {
    co_await file.write_at(0, "j");
    written = true;
    co_await Pause{};
  });
  settle();
  before_call = [&] {
    writes.task().cancel();
    settle();
    CHECK_FALSE(writes.done());
  };

  run();

  CHECK(written);
  CHECK(Loop::outcome_of(std::move(writes)).check<Cancelled>());
  CHECK(folder.read("file") == "jello");
}

// Its bytes were the frame's once: the thread read what was gone.
TEST_CASE_FIXTURE(InMiddle, "a write whose task is closed goes on, with bytes of its own") {
  File file = open_file();
  auto writes =
      spawn(reactor, [&]() -> Task<> { co_await file.write_at(0, std::string("jelly")); });
  settle();
  before_call = [&] { writes.task().close(); };

  run();

  CHECK(writes.done());
  CHECK(folder.read("file") == "jelly");
}

TEST_CASE_FIXTURE(InMiddle, "a file that is closed is so when its calls have ended") {
  const int number = next_descriptor();
  File file = open_file();
  REQUIRE(is_open(number));
  auto reads = spawn(reactor, file.read_at(0, 5));
  settle();
  bool was_open = false;
  int calls = 0;
  before_call = [&] {
    if (calls++ == 0) file.close();
    was_open = is_open(number);
  };

  run();

  CHECK(Loop::outcome_of(std::move(reads)).value() == "hello");
  CHECK(was_open);
  CHECK_FALSE(is_open(number));
}

TEST_CASE_FIXTURE(InMiddle, "a file that was opened for nobody is closed") {
  const int number = next_descriptor();
  auto opens = spawn(reactor, File::open(folder.path("file")));
  settle();
  opens.task().close();
  run();
  auto left = spawn(reactor, File::open(folder.path("file")));
  run();
  REQUIRE(is_open(number));

  std::move(left).detach();

  CHECK_FALSE(is_open(number));
}

TEST_CASE_FIXTURE(InMiddle,
                  "a call goes on in the pool that it was given to when another is used") {
  const File file = open_file();
  auto reads = spawn(reactor, file.read_at(0, 5));
  settle();
  const std::weak_ptr<ManualPool> before = pool;

  pool = std::make_shared<ManualPool>();
  io::files::use(reactor, pool);
  settle();
  REQUIRE_FALSE(before.expired());
  before.lock()->run_all();
  settle();

  CHECK(Loop::outcome_of(std::move(reads)).value() == "hello");
}

// It went with the last wait for it, and its end joined the thread that still read.
TEST_CASE_FIXTURE(InMiddle, "a cancel does not end the pool that another has taken the place of") {
  const File file = open_file();
  auto reads = spawn(reactor, file.read_at(0, 5));
  settle();
  const std::weak_ptr<ManualPool> before = pool;
  pool.reset();
  bool was_there = false;
  before_call = [&] {
    io::files::use(reactor, nullptr);
    reads.task().cancel();
    settle();
    was_there = before.use_count() > 1;  // this test's use, and the reactor's
  };

  before.lock()->run_all();

  CHECK(Loop::outcome_of(std::move(reads)).check<Cancelled>());
  CHECK(was_there);
}

/// With the threads that a reactor has for files.
struct InThreads {
  InThreads() { folder.write("file", "hello"); }
  InThreads(const InThreads&) = delete;
  InThreads& operator=(const InThreads&) = delete;
  ~InThreads() {
    go = true;
    reactor.reset();
    before_call = nullptr;
  }
  void wait_inside(int count) {
    while (inside < count) std::this_thread::yield();
  }

  TemporaryFolder folder;
  std::atomic<int> inside{0};
  std::atomic<bool> go{false};
  std::optional<Reactor> reactor{std::in_place};
};

TEST_CASE_FIXTURE(InThreads, "four calls are under way at once, and the others wait") {
  const File file = reactor->run_until(File::open(folder.path("file")));
  before_call = [&] {
    if (inside++ < 4) {
      while (!go) std::this_thread::yield();
    }
  };
  std::vector<Spawned<std::string>> all;
  for (int i = 0; i < 6; ++i) all.push_back(spawn(*reactor, file.read_at(0, 5)));
  for (int i = 0; i < 3; ++i) reactor->backend().run_once(false);
  wait_inside(4);
  CHECK(inside == 4);

  go = true;
  for (auto& each : all) CHECK(reactor->run_until(std::move(each)) == "hello");

  CHECK(inside >= 6);
}

TEST_CASE_FIXTURE(InThreads, "the end of a reactor waits for a write that has begun") {
  File file = reactor->run_until(File::open(folder.path("file"), FileOptions().write()));
  before_call = [&] {
    ++inside;
    while (!go) std::this_thread::yield();
  };
  std::atomic<bool> closed{false};
  spawn(*reactor, [&]() -> Task<> {
    struct AtEnd {
      explicit AtEnd(std::atomic<bool>& flag) : ended(flag) {}
      AtEnd(const AtEnd&) = delete;
      AtEnd& operator=(const AtEnd&) = delete;
      ~AtEnd() { ended = true; }
      std::atomic<bool>& ended;
    } const at_end(closed);
    co_await file.write_at(0, "j");
  });
  for (int i = 0; i < 3; ++i) reactor->backend().run_once(false);
  wait_inside(1);
  std::thread later([&] {
    while (!closed) std::this_thread::yield();
    go = true;
  });

  reactor.reset();
  later.join();

  CHECK(folder.read("file") == "jello");
}

TEST_CASE_FIXTURE(InThreads,
                  "the end of a reactor ends all pools that it was given, and not before") {
  auto pool = std::make_shared<ManualPool>();
  auto next = std::make_shared<ManualPool>();
  const std::weak_ptr<ManualPool> first = pool;
  const std::weak_ptr<ManualPool> second = next;
  io::files::use(*reactor, std::move(pool));
  io::files::use(*reactor, std::move(next));
  io::files::use(*reactor, first.lock());
  io::files::use(*reactor, nullptr);
  CHECK(first.use_count() == 1);
  CHECK(second.use_count() == 1);

  reactor.reset();

  CHECK(first.expired());
  CHECK(second.expired());
}

TEST_CASE_FIXTURE(InThreads, "pieces that two append at once stand behind one another, whole") {
  constexpr auto options = FileOptions().write().create();
  File one = reactor->run_until(File::open(folder.path("log"), options));
  File other = reactor->run_until(File::open(folder.path("log"), options));
  const std::string first(300'000, '1');
  const std::string second(300'000, '2');
  before_call = [&] {
    ++inside;
    wait_inside(2);
  };

  auto appends = spawn(*reactor, one.append(first));
  reactor->run_until(other.append(second));
  reactor->run_until(std::move(appends));

  const std::string found = folder.read("log");
  CHECK((found == first + second || found == second + first));
}

TEST_CASE_FIXTURE(InThreads, "a file can be closed in a thread") {
  const int number = next_descriptor();
  File file = reactor->run_until(File::open(folder.path("file")));
  REQUIRE(is_open(number));
  auto end = [file = std::move(file)]() mutable { file.close(); };

  reactor->run_until(defer_to_thread(*reactor, std::move(end)));

  CHECK_FALSE(is_open(number));
}

TEST_CASE_FIXTURE(InThreads,
                  "a file that somebody has a lease on is opened when that is given back") {
  const int holder = ::open(folder.path("file").c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(holder >= 0);
  const auto before = std::signal(SIGIO, SIG_IGN);
  if (::fcntl(holder, F_SETLEASE, F_WRLCK) == 0) {  // else this file system has none
    auto opens = spawn(*reactor, File::open(folder.path("file")));
    for (int i = 0; i < 3; ++i) reactor->backend().run_once(false);
    while (::fcntl(holder, F_GETLEASE) == F_WRLCK) std::this_thread::yield();
    REQUIRE(::fcntl(holder, F_SETLEASE, F_UNLCK) == 0);

    const File file = reactor->run_until(std::move(opens));
    CHECK(reactor->run_until(file.read_at(0, 5)) == "hello");
  }
  ::close(holder);
  std::signal(SIGIO, before);
}

}  // namespace
