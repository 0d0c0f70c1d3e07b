// SPDX-License-Identifier: MIT
//
// File: opened, read, written. The functions at the top stand before libc's, to be interrupted and
// to do less than they are asked for.
#include "deferred/io/file.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <filesystem>
#include <limits>
#include <string>
#include <utility>

#include "deferred/io/errors.hpp"
#include "tests/io/files_by_hand.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::File;
using io::FileOptions;

namespace {

// While it is set, each second read or write is interrupted, and the others do 3 bytes at most.
bool sluggish = false;
int calls = 0;

struct Sluggish {
  Sluggish() { sluggish = true; }
  Sluggish(const Sluggish&) = delete;
  Sluggish& operator=(const Sluggish&) = delete;
  ~Sluggish() { sluggish = false; }
};
bool is_interrupted() {
  if (!sluggish || ++calls % 2 == 0) return false;
  errno = EINTR;
  return true;
}
std::size_t at_once(std::size_t size) { return sluggish && size > 3 ? 3 : size; }

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  if (is_interrupted()) return -1;
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
extern "C" ssize_t pread(int fd, void* to, std::size_t size, off_t offset) {
  if (is_interrupted()) return -1;
  return ::syscall(SYS_pread64, fd, to, at_once(size), offset);
}
extern "C" ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
  if (is_interrupted()) return -1;
  return ::syscall(SYS_pwrite64, fd, from, at_once(size), offset);
}
extern "C" ssize_t pwritev2(int fd, const iovec* from, int count, off_t offset, int flags) {
  if (is_interrupted()) return -1;
  iovec first{from->iov_base, at_once(from->iov_len)};
  return ::syscall(SYS_pwritev2, fd, &first, count, offset, 0, flags);
}
extern "C" int fsync(int fd) {
  return is_interrupted() ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int ftruncate(int fd, off_t size) noexcept {
  return is_interrupted() ? -1 : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}

namespace {

constexpr FileOptions made = FileOptions().write().create();

TEST_CASE_FIXTURE(FilesByHand, "a file that was made is written and read at any place") {
  File file = open("new", made);

  value_of(file.write_at(0, "hello world"));
  value_of(file.write_at(6, "there"));

  CHECK(value_of(file.read_at(0, 100)) == "hello there");
  CHECK(value_of(file.read_at(6, 2)) == "th");
  CHECK(value_of(file.read_at(11, 1)).empty());
  CHECK(value_of(file.read_at(100, 1)).empty());
  CHECK(value_of(file.read_at(0, 0)).empty());
  CHECK(value_of(file.size()) == 11);
  CHECK(file.path() == folder.path("new"));
  CHECK(folder.read("new") == "hello there");
}

TEST_CASE_FIXTURE(FilesByHand, "what was never written in a file is zeros") {
  File file = open("new", made);

  value_of(file.write_at(3, "x"));

  CHECK(value_of(file.read_at(0, 10)) == std::string("\0\0\0x", 4));
}

TEST_CASE_FIXTURE(FilesByHand, "a read gives all that there is, however much that is asked for") {
  const std::string large(300'000, 'x');
  folder.write("large", large);
  const File file = open("large");

  const std::string whole = value_of(file.read_at(0, std::numeric_limits<std::size_t>::max()));
  const std::string end = value_of(file.read_at(299'000, 200'000));

  CHECK(whole == large);
  CHECK(whole.capacity() < 700'000);
  CHECK(end.size() == 1000);
  CHECK(end.capacity() < 3000);
}

TEST_CASE_FIXTURE(FilesByHand, "bytes are appended at the end as it is, also behind another's") {
  File one = open("log", made);
  File other = open("log", made);

  value_of(one.append("one "));
  value_of(other.append("two "));
  value_of(one.append("three"));
  value_of(one.write_at(0, "O"));

  CHECK(folder.read("log") == "One two three");
}

TEST_CASE_FIXTURE(FilesByHand, "a file is cut off, or made longer by zeros") {
  folder.write("file", "hello");
  File file = open("file", FileOptions().write());

  value_of(file.truncate(2));
  CHECK(folder.read("file") == "he");
  value_of(file.truncate(4));

  CHECK(folder.read("file") == std::string("he\0\0", 4));
}

TEST_CASE_FIXTURE(FilesByHand,
                  "what is interrupted is done again, and what does less is gone on with") {
  File file = open("new", made);
  const Sluggish slow;

  value_of(file.write_at(2, "hello world"));
  value_of(file.append(", and more"));
  value_of(file.sync());
  value_of(file.truncate(20));

  CHECK(value_of(io::read_file(folder.path("new"))).size() == 20);
  CHECK(value_of(file.read_at(2, 100)) == "hello world, and m");
  CHECK(value_of(file.read_at(4, 8)) == "llo worl");
}

TEST_CASE_FIXTURE(FilesByHand, "options say whether a file is made, kept or emptied") {
  folder.write("old", "old");
  const std::string missing = folder.path("missing");

  CHECK(error_of(File::open(missing)) == "open " + missing + ": No such file or directory");
  CHECK(error_of(File::open(missing, FileOptions().truncate())) ==
        "open " + missing + ": No such file or directory");
  static_cast<void>(open("old", made));
  CHECK(folder.read("old") == "old");
  CHECK(error_of(File::open(folder.path("old"), FileOptions().write().create_new())) ==
        "open " + folder.path("old") + ": File exists");
  static_cast<void>(open("new", FileOptions().write().create_new()));
  CHECK(folder.read("new").empty());
  static_cast<void>(open("old", FileOptions().truncate()));
  CHECK(folder.read("old").empty());
}

TEST_CASE_FIXTURE(FilesByHand, "a file is made with the mode that is asked for, less the umask") {
  const mode_t before = ::umask(027);

  static_cast<void>(open("usual", made));
  static_cast<void>(open("secret", FileOptions().write_only().create_new(0600)));
  ::umask(before);

  struct stat usual{}, secret{};
  REQUIRE(::stat(folder.path("usual").c_str(), &usual) == 0);
  REQUIRE(::stat(folder.path("secret").c_str(), &secret) == 0);
  CHECK((usual.st_mode & 0777) == 0640);
  CHECK((secret.st_mode & 0777) == 0600);
}

TEST_CASE_FIXTURE(FilesByHand, "a file does what it was opened for, and nothing else") {
  folder.write("file", "hello");
  File reads = open("file");
  File writes = open("file", FileOptions().write_only());

  CHECK(error_of(reads.write_at(0, "x")) ==
        "write " + folder.path("file") + ": Bad file descriptor");
  CHECK(error_of(writes.read_at(0, 1)) == "read " + folder.path("file") + ": Bad file descriptor");
  value_of(writes.write_at(0, "j"));
  CHECK(value_of(reads.read_at(0, 5)) == "jello");
}

TEST_CASE_FIXTURE(FilesByHand, "a folder cannot be opened as a file") {
  const std::string text = "open " + folder.path() + ": Is a directory";

  CHECK(error_of(File::open(folder.path())) == text);
  CHECK(error_of(File::open(folder.path(), made)) == text);
}

// Opened as files are, it would take a thread until somebody opens its other end.
TEST_CASE_FIXTURE(FilesByHand,
                  "a pipe cannot be opened as a file, and nobody waits for its other end") {
  const std::string path = folder.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);

  CHECK(error_of(File::open(path)) == "open " + path + ": Illegal seek");
  CHECK(error_of(File::open(path, FileOptions().write())) == "open " + path + ": Illegal seek");
  CHECK(error_of(File::open(path, FileOptions().write_only())) ==
        "open " + path + ": No such device or address");
  CHECK(error_of(io::read_file(path)) == "read " + path + ": Illegal seek");
}

TEST_CASE_FIXTURE(FilesByHand,
                  "a path with a NUL is refused, for the kernel would take its beginning") {
  folder.write("file", "hello");
  const std::string path = folder.path("file") + std::string("\0.txt", 5);

  const auto outcome = outcome_of(File::open(path));

  REQUIRE(outcome.check<std::system_error>());
  CHECK(outcome.check<std::system_error>()->code() == std::errc::invalid_argument);
}

TEST_CASE_FIXTURE(
    FilesByHand,
    "an error of a disk, or of what has no end to append to, names the operation and the file") {
  File file = value_of(File::open("/dev/full", FileOptions().write()));

  CHECK(error_of(file.write_at(0, "x")) == "write /dev/full: No space left on device");
  CHECK(error_of(file.append("x")) == "append to /dev/full: Operation not supported");
}

TEST_CASE_FIXTURE(FilesByHand, "a place behind all that a file can have is an error") {
  File file = open("new", made);
  const std::uint64_t end = std::numeric_limits<std::uint64_t>::max();

  CHECK(error_of(file.read_at(end, 1)) == "read " + file.path() + ": Invalid argument");
  CHECK(error_of(file.write_at(end, "x")) == "write " + file.path() + ": Invalid argument");
  CHECK(error_of(file.truncate(end)) == "truncate " + file.path() + ": Invalid argument");
}

TEST_CASE_FIXTURE(FilesByHand, "a file that is closed says so, and closing it again does nothing") {
  File file = open("new", made);
  file.close();
  file.close();

  CHECK_FALSE(file.is_open());
  CHECK(error_of(file.sync()) == "sync " + folder.path("new") + ": it was closed on this side");
  const auto outcome = outcome_of(file.read_at(0, 1));
  CHECK(outcome.check<std::system_error>()->code() == io::Errc::closed);
}

TEST_CASE_FIXTURE(FilesByHand, "a file that was moved from is closed") {
  File file = open("new", made);

  const File moved = std::move(file);

  CHECK(moved.is_open());
  CHECK_FALSE(file.is_open());
  CHECK_FALSE(File().is_open());
}

TEST_CASE_FIXTURE(FilesByHand, "a whole file is read, also one that does not know its size") {
  folder.write("file", "hello");

  CHECK(value_of(io::read_file(folder.path("file"))) == "hello");
  CHECK(value_of(io::read_file("/dev/null")).empty());
  CHECK(value_of(io::read_file("/proc/self/status")).find("Name:") == 0);
  CHECK(error_of(io::read_file(folder.path())) == "read " + folder.path() + ": Is a directory");
}

TEST_CASE_FIXTURE(FilesByHand, "a file that holds more than the limit is not read") {
  folder.write("file", "hello");

  CHECK(value_of(io::read_file(folder.path("file"), 5)) == "hello");
  CHECK(error_of(io::read_file(folder.path("file"), 4)) ==
        "read " + folder.path("file") + ", at most 4 bytes: more came than the limit allows");
  CHECK(error_of(io::read_file(folder.path("file"), 0)) ==
        "read " + folder.path("file") + ", at most 0 bytes: more came than the limit allows");
  CHECK(error_of(io::read_file("/dev/zero", 100'000)) ==
        "read /dev/zero, at most 100000 bytes: more came than the limit allows");
}

}  // namespace
