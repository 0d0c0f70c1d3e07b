// SPDX-License-Identifier: MIT
//
// replace_file(): who may do what with the new file, and what is let be. Some of it is done by a
// process that is not root's, for root may keep and look at everything.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string>

#include "tests/io/files_by_hand.hpp"
#include "tests/support/access_list.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::replace_file;

namespace {

// Whether a change of the mode leaves the set-group bit out, and says nothing: as for a file of a
// group that one is not in.
bool leaves_set_group_out = false;

}  // namespace

extern "C" int fchmod(int fd, mode_t mode) noexcept {
  if (leaves_set_group_out) mode &= ~static_cast<mode_t>(S_ISGID);
  return static_cast<int>(::syscall(SYS_fchmod, fd, mode));
}

namespace {

unsigned rights_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
}

bool becomes_nobody() {
  constexpr unsigned nobody = 65534;
  return ::setgroups(0, nullptr) == 0 && ::setgid(nobody) == 0 && ::setuid(nobody) == 0;
}

/// What `act` says of files of its own, in a process that is not root's.
std::string said_by_nobody(std::string (*act)(FilesByHand&)) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string said = "it stays root's";
    try {
      if (::geteuid() != 0 || becomes_nobody()) {
        FilesByHand files;
        said = act(files);
      }
    } catch (const std::exception& error) {
      said = error.what();
    } catch (...) {
      said = "it failed";
    }
    static_cast<void>(::write(ends[1], said.data(), said.size()) + 1);
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string said(1000, '\0');
  const ssize_t got = ::read(ends[0], said.data(), said.size());
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  said.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return said;
}

// The kernel takes them from a file that is written by somebody else than root.
TEST_CASE("a file keeps its set-user and set-group bits when somebody else than root replaces it") {
  const std::string said = said_by_nobody([](FilesByHand& files) {
    const std::string path = files.folder.path("file");
    files.folder.write("file", "old");
    if (::chmod(path.c_str(), 06750) != 0) return std::string("no such mode");
    files.value_of(replace_file(path, "new"));
    return files.folder.read("file") + " " + std::to_string(rights_of(path) == 06750);
  });

  CHECK(said == "new 1");
}

TEST_CASE_FIXTURE(FilesByHand, "a file whose set-group bit cannot be kept is not replaced") {
  folder.write("file", "old");
  REQUIRE(::chmod(folder.path("file").c_str(), 02755) == 0);
  leaves_set_group_out = true;

  const std::string text = error_of(replace_file(folder.path("file"), "new"));
  leaves_set_group_out = false;

  CHECK(text == "replace " + folder.path("file") + ": Operation not permitted");
  CHECK(folder.read("file") == "old");
}

// Links that cannot be followed were replaced as if they led to nothing.
TEST_CASE_FIXTURE(FilesByHand, "a symbolic link that cannot be followed stays as it is") {
  folder.write("file", "old");
  std::filesystem::create_symlink("loop", folder.path("loop"));
  std::filesystem::create_symlink("file/below", folder.path("below"));

  CHECK(error_of(replace_file(folder.path("loop"), "new")) ==
        "replace " + folder.path("loop") + ": Too many levels of symbolic links");
  CHECK(error_of(replace_file(folder.path("below"), "new")) ==
        "replace " + folder.path("below") + ": Not a directory");

  CHECK(std::filesystem::read_symlink(folder.path("loop")) == "loop");
  CHECK(std::filesystem::read_symlink(folder.path("below")) == "file/below");
}

TEST_CASE("a symbolic link into a folder that may not be searched stays as it is") {
  const std::string said = said_by_nobody([](FilesByHand& files) {
    const std::string folder = files.folder.path("closed");
    const std::string link = files.folder.path("link");
    std::filesystem::create_directory(folder);
    files.folder.write("closed/file", "old");
    std::filesystem::create_symlink("closed/file", link);
    ::chmod(folder.c_str(), 0);
    const std::string text = files.error_of(replace_file(link, "new"));
    ::chmod(folder.c_str(), 0700);
    return text.substr(text.rfind(':')) + " " + files.folder.read("closed/file") + " " +
           std::filesystem::read_symlink(link).string();
  });

  CHECK(said == ": Permission denied old closed/file");
}

TEST_CASE_FIXTURE(
    FilesByHand, "whom the folder names for new files has no more rights to the file than before") {
  folder.write("file", "old");
  REQUIRE(::chmod(folder.path("file").c_str(), 0640) == 0);
  if (!give(folder.path(), list_of_new_files, access_list(7, 7, 7, 7, 0))) return;

  value_of(replace_file(folder.path("file"), "new"));
  value_of(replace_file(folder.path("another"), "new"));

  CHECK(rights_of(folder.path("file")) == 0640);
  CHECK(list_of(folder.path("file")).empty());
  CHECK_FALSE(list_of(folder.path("another")).empty());
}

// Its group bits are the most that a list gives anybody: without the list they were the group's.
TEST_CASE_FIXTURE(FilesByHand, "the access list of the old file is kept") {
  folder.write("file", "old");
  const std::string list = access_list(6, 6, 0, 6, 0);
  if (!give(folder.path("file"), list_of_file, list)) return;

  value_of(replace_file(folder.path("file"), "new"));

  CHECK(folder.read("file") == "new");
  CHECK(rights_of(folder.path("file")) == 0660);
  CHECK(list_of(folder.path("file")) == list);
}

}  // namespace
