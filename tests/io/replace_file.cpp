// SPDX-License-Identifier: MIT
//
// replace_file(): all or nothing. The functions at the top stand before libc's, and fail when they
// are told.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "deferred/results/errors.hpp"
#include "deferred/yieldables/pause.hpp"
#include "tests/io/files_by_hand.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::replace_file;

namespace {

/// What is done, by its names; a call whose name is `failing` fails with `failure`.
std::string done;
std::string failing;
int failure = 0;
std::size_t written_before_failure = 0;
/// The calls that are interrupted, once each.
std::set<std::string> interrupted;
/// Called in the middle of it.
std::function<void()> before_write;

bool is_interrupted(const char* name) {
  errno = EINTR;
  return interrupted.erase(name) != 0;
}
bool fails(const char* name) {
  done += name;
  done += ' ';
  if (is_interrupted(name)) return true;
  if (failing != name) return false;
  errno = failure;
  return true;
}
bool is_folder(int fd) {
  struct stat found{};
  return ::fstat(fd, &found) == 0 && S_ISDIR(found.st_mode);
}
// Whose the old file is, if it is set; to whom a file was given.
std::optional<uid_t> owner, given_to;
mode_t mode_when_written = 0;

}  // namespace

extern "C" int open(const char* path, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  if (is_interrupted("open")) return -1;
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
}
extern "C" int openat(int folder, const char* name, int flags, ...) {
  std::va_list more;
  va_start(more, flags);
  const unsigned mode = va_arg(more, unsigned);
  va_end(more);
  if (fails("make")) return -1;
  return static_cast<int>(::syscall(SYS_openat, folder, name, flags, mode));
}
extern "C" ssize_t pwrite(int fd, const void* from, std::size_t size, off_t offset) {
  struct stat written{};
  if (::fstat(fd, &written) == 0) mode_when_written = written.st_mode & 07777;
  if (before_write) before_write();
  if (failing == "write" && written_before_failure > 0) {
    size = std::min(size, std::exchange(written_before_failure, 0));
    return ::syscall(SYS_pwrite64, fd, from, size, offset);
  }
  if (fails("write")) return -1;
  return ::syscall(SYS_pwrite64, fd, from, size, offset);
}
extern "C" int fsync(int fd) {
  if (fails(is_folder(fd) ? "sync_folder" : "sync")) return -1;
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
extern "C" int renameat(int from, const char* old, int to, const char* next) noexcept {
  if (fails("rename")) return -1;
  return static_cast<int>(::syscall(SYS_renameat2, from, old, to, next, 0));
}
extern "C" int fchmod(int fd, mode_t mode) noexcept {
  if (fails("mode")) return -1;
  return static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}
extern "C" int fstatat(int folder, const char* name, struct stat* found, int flags) noexcept {
  if (::syscall(SYS_newfstatat, folder, name, found, flags) != 0) return -1;
  if (owner) found->st_uid = *owner;
  return 0;
}
extern "C" int fchown(int, uid_t uid, gid_t) noexcept {
  given_to = uid;
  return fails("owner") ? -1 : 0;
}

namespace {

struct Replaced : FilesByHand {
  Replaced() {
    done.clear();
    failing.clear();
    written_before_failure = 0;
    interrupted.clear();
    owner.reset();
  }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;
  ~Replaced() { before_write = nullptr; }
  /// What is in the folder, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
      all.push_back(each.path().filename());
    }
    std::sort(all.begin(), all.end());
    return all;
  }
  unsigned mode_of(const std::string& name) const {
    struct stat found{};
    REQUIRE(::stat(folder.path(name).c_str(), &found) == 0);
    return found.st_mode & 07777;
  }
};
using Names = std::vector<std::string>;

TEST_CASE_FIXTURE(Replaced, "contents take the place of the old ones, and nothing else is left") {
  folder.write("file", "old");

  value_of(replace_file(folder.path("file"), "new"));

  CHECK(folder.read("file") == "new");
  CHECK(names() == Names{"file"});
}

TEST_CASE_FIXTURE(Replaced,
                  "contents are on the disk before they have their name, and then that is") {
  value_of(replace_file(folder.path("file"), "new"));

  CHECK(done == "make write sync rename sync_folder ");
}

TEST_CASE_FIXTURE(Replaced, "who has the old file open keeps what it was") {
  folder.write("file", "old");
  const io::File file = open("file");

  value_of(replace_file(folder.path("file"), "new"));

  CHECK(value_of(file.read_at(0, 10)) == "old");
}

TEST_CASE_FIXTURE(
    Replaced, "the mode of the old file is kept, and set when all is written, for nobody else") {
  folder.write("file", "old");
  REQUIRE(::chmod(folder.path("file").c_str(), 04750) == 0);
  done.clear();

  value_of(replace_file(folder.path("file"), "new"));

  CHECK(mode_of("file") == 04750);
  CHECK(mode_when_written == 0600);
  CHECK(done == "make write mode sync rename sync_folder ");
}

TEST_CASE_FIXTURE(Replaced, "a new file has the usual mode, less the umask") {
  const mode_t before = ::umask(027);

  value_of(replace_file(folder.path("file"), "new"));
  ::umask(before);

  CHECK(mode_of("file") == 0640);
}

TEST_CASE_FIXTURE(Replaced, "the owner of the old file is kept, or it is not replaced") {
  folder.write("file", "old");
  owner = 7;

  value_of(replace_file(folder.path("file"), "new"));
  CHECK(given_to == 7);
  CHECK(done == "make write owner mode sync rename sync_folder ");
  failing = "owner";
  failure = EPERM;

  CHECK(error_of(replace_file(folder.path("file"), "newer")) ==
        "replace " + folder.path("file") + ": Operation not permitted");
  CHECK(folder.read("file") == "new");
  CHECK(names() == Names{"file"});
}

TEST_CASE_FIXTURE(Replaced,
                  "whatever fails, the old contents stay, and nothing is left beside them") {
  struct {
    const char* call;
    int error;
    const char* text;
  } const failures[] = {{"mode", EPERM, "Operation not permitted"},
                        {"write", ENOSPC, "No space left on device"},
                        {"sync", EIO, "Input/output error"},
                        {"rename", EACCES, "Permission denied"}};
  for (const auto& each : failures) {
    CAPTURE(each.call);
    folder.write("file", "old");
    failing = each.call;
    failure = each.error;
    written_before_failure = 2;

    CHECK(error_of(replace_file(folder.path("file"), "new")) ==
          "replace " + folder.path("file") + ": " + each.text);

    CHECK(folder.read("file") == "old");
    CHECK(names() == Names{"file"});
  }
}

TEST_CASE_FIXTURE(Replaced, "what is interrupted while a file is replaced is done again") {
  folder.write("file", "old");
  interrupted = {"open", "make", "write", "sync", "sync_folder"};

  value_of(replace_file(folder.path("file"), "new"));

  CHECK(interrupted.empty());
  CHECK(folder.read("file") == "new");
  CHECK(done == "make make write write mode sync sync rename sync_folder sync_folder ");
}

TEST_CASE_FIXTURE(Replaced, "a folder in which nothing can be made is asked once") {
  folder.write("file", "old");
  failing = "make";
  failure = EACCES;

  CHECK(error_of(replace_file(folder.path("file"), "new")) ==
        "replace " + folder.path("file") + ": Permission denied");

  CHECK(done == "make ");
  CHECK(folder.read("file") == "old");
}

TEST_CASE_FIXTURE(Replaced,
                  "a folder that cannot be brought to the disk is an error, if it can at all") {
  failing = "sync_folder";
  failure = EIO;
  CHECK(error_of(replace_file(folder.path("file"), "new")) ==
        "replace " + folder.path("file") + ": Input/output error");
  CHECK(folder.read("file") == "new");

  failure = EINVAL;
  CHECK(error_of(replace_file(folder.path("file"), "newer")) == "no error");
  CHECK(names() == Names{"file"});
}

TEST_CASE_FIXTURE(Replaced, "behind a symbolic link what it leads to is replaced") {
  folder.write("file", "old");
  std::filesystem::create_symlink("file", folder.path("link"));
  std::filesystem::create_symlink("link", folder.path("long"));

  value_of(replace_file(folder.path("long"), "new"));

  CHECK(folder.read("file") == "new");
  CHECK(std::filesystem::read_symlink(folder.path("link")) == "file");
}

TEST_CASE_FIXTURE(Replaced, "a symbolic link that leads to nothing is replaced itself") {
  std::filesystem::create_symlink("nothing", folder.path("link"));

  value_of(replace_file(folder.path("link"), "new"));

  CHECK(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder.path("link"))));
  CHECK(names() == Names{"link"});
  CHECK((mode_of("link") & 0111) == 0);  // the usual one, not a link's
}

TEST_CASE_FIXTURE(Replaced, "what is no file is not replaced") {
  std::filesystem::create_directory(folder.path("folder"));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);

  CHECK(error_of(replace_file(folder.path("folder"), "new")) ==
        "replace " + folder.path("folder") + ": Is a directory");
  CHECK(error_of(replace_file(folder.path("folder/"), "new")) ==
        "replace " + folder.path("folder/") + ": Is a directory");
  CHECK(error_of(replace_file("/", "new")) == "replace /: Is a directory");
  CHECK(error_of(replace_file(folder.path("pipe"), "new")) ==
        "replace " + folder.path("pipe") + ": Operation not supported");
  CHECK(error_of(replace_file("", "new")) == "replace : No such file or directory");
  CHECK(error_of(replace_file(folder.path("missing/file"), "new")) ==
        "replace " + folder.path("missing/file") + ": No such file or directory");
  CHECK(error_of(replace_file(folder.path("missing/"), "new")) ==
        "replace " + folder.path("missing/") + ": No such file or directory");
  CHECK(done.empty());
  CHECK(names() == Names{"folder", "pipe"});
}

TEST_CASE_FIXTURE(Replaced, "a name may be as long as the file system takes it") {
  const std::string name(255, 'x');

  value_of(replace_file(folder.path(name), "new"));

  CHECK(folder.read(name) == "new");
}

TEST_CASE_FIXTURE(Replaced, "a name beside it that is taken is left alone") {
  value_of(replace_file(folder.path("file"), "new"));
  // The names that come next, as somebody has left them whose process had our number.
  const std::string ours = ".deferred-" + std::to_string(::getpid()) + "-";
  for (int i = 0; i < 100; ++i) folder.write(ours + std::to_string(i), "theirs");

  value_of(replace_file(folder.path("file"), "newer"));

  CHECK(folder.read("file") == "newer");
  CHECK(names().size() == 101);
}

TEST_CASE_FIXTURE(Replaced, "a file in the present folder needs no path") {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());

  const auto outcome = outcome_of(replace_file("file", "new"));
  std::filesystem::current_path(before);

  CHECK(outcome.has_value());
  CHECK(folder.read("file") == "new");
}

TEST_CASE_FIXTURE(Replaced, "a replacement that is cancelled before it begins changes nothing") {
  auto replaces = spawn(reactor, replace_file(folder.path("file"), "new"));
  settle();

  replaces.task().cancel();
  run();

  CHECK(Loop::outcome_of(std::move(replaces)).check<Cancelled>());
  CHECK(names().empty());
}

TEST_CASE_FIXTURE(Replaced,
                  "a replacement that has begun is waited for by a cancel, which hits the next "
                  "await") {
  bool replaced = false;
  auto replaces = spawn(reactor, [&]() -> Task<> {
    co_await replace_file(folder.path("file"), "new");
    replaced = true;
    co_await Pause{};
  });
  settle();
  before_write = [&] {
    replaces.task().cancel();
    settle();
    CHECK_FALSE(replaces.done());
  };

  run();

  CHECK(replaced);
  CHECK(Loop::outcome_of(std::move(replaces)).check<Cancelled>());
  CHECK(folder.read("file") == "new");
  CHECK(names() == Names{"file"});
}

TEST_CASE_FIXTURE(Replaced, "a replacement that has begun goes on when its task is closed") {
  auto replaces = spawn(reactor, replace_file(folder.path("file"), "new"));
  settle();
  before_write = [&] { replaces.task().close(); };

  run();

  CHECK(replaces.done());
  CHECK(folder.read("file") == "new");
  CHECK(names() == Names{"file"});
}

}  // namespace
