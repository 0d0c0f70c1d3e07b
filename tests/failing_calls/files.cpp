// SPDX-License-Identifier: MIT
//
// Files, pipes and standard streams of which each system call fails once.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <string>
#include <utility>

#include "deferred/io.hpp"
#include "tests/failing_calls/tries.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/access_list.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Descriptor;
using io::File;
using io::FileOptions;
using io::Pipe;
using io::Stream;

namespace {

/// While it lives, standard input is another file.
class StandardInput {
 public:
  explicit StandardInput(int in_place) {
    const WithoutFaults by_hand;
    saved_ = Descriptor(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10));
    ::dup2(in_place, STDIN_FILENO);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() {
    const WithoutFaults by_hand;
    ::dup2(saved_.fd(), STDIN_FILENO);
    saved_.close();
  }

 private:
  Descriptor saved_;
};

/// A pipe with something in it, and its end behind that.
Descriptor pipe_of(const std::string& text) {
  const WithoutFaults by_hand;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  Descriptor in(ends[0]);
  const Descriptor out(ends[1]);
  REQUIRE(::write(out.fd(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return in;
}

Task<std::string> read_standard_input(std::string text) {
  const Descriptor pipe = pipe_of(text);
  const StandardInput in(pipe.fd());
  Stream input = io::standard_input();
  std::string heard = co_await input.read_to_end();
  input.close();
  co_return heard;
}

class Terminal {
 public:
  Terminal() {
    const WithoutFaults by_hand;
    keyboard_ = Descriptor(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(::grantpt(keyboard_.fd()) == 0);
    REQUIRE(::unlockpt(keyboard_.fd()) == 0);
    terminal_ = Descriptor(::open(::ptsname(keyboard_.fd()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    REQUIRE(terminal_);
  }
  int fd() const noexcept { return terminal_.fd(); }
  /// It waits for whole lines.
  bool is_as_it_was() const {
    const WithoutFaults by_hand;
    termios settings{};
    REQUIRE(::tcgetattr(fd(), &settings) == 0);
    return (settings.c_lflag & ICANON) != 0;
  }

 private:
  Descriptor keyboard_;
  Descriptor terminal_;
};

void begin_anew(const TemporaryFolder& folder) {
  const WithoutFaults by_hand;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::remove(entry);
  }
}

std::size_t files_in(const TemporaryFolder& folder) {
  const WithoutFaults by_hand;
  const std::filesystem::directory_iterator all(folder.path());
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("whatever call for a file fails, it is done, or the error says which") {
  const TemporaryFolder folder;
  each_call_fails(
      [&](Reactor&) -> Task<std::string> {
        begin_anew(folder);
        File file = co_await File::open(folder.path("file"), FileOptions().write().create());
        co_await file.write_at(0, "hello, ");
        co_await file.append("world!!");
        co_await file.truncate(12);
        co_await file.sync();
        const std::uint64_t size = co_await file.size();
        const std::string part = co_await file.read_at(7, 100);
        const std::string whole = co_await io::read_file(folder.path("file"));
        co_return std::to_string(size) + " " + part + " " + whole;
      },
      // One asks how much room to make, and one what has been opened.
      {{Call::fstat, Comes::maybe_its_error}});
}

TEST_CASE(
    "whatever call for a file's new contents fails, it has them, or the old ones and no other") {
  const TemporaryFolder folder;
  each_call_fails(
      [&](Reactor&) -> Task<std::string> {
        begin_anew(folder);
        {
          const WithoutFaults by_hand;
          folder.write("file", "old");
          std::filesystem::create_symlink(folder.path("file"), folder.path("link"));
        }
        std::exception_ptr error;
        try {
          co_await io::replace_file(folder.path("link"), "new");
        } catch (const std::system_error&) {
          error = std::current_exception();
        }
        const WithoutFaults by_hand;
        const std::string contents = folder.read("file");
        CHECK(std::filesystem::is_symlink(folder.path("link")));
        CHECK(files_in(folder) == 2);
        // Of the last call, for the folder: it is replaced, and that is not sure to last.
        const bool is_whole = contents == "new" || (error && contents == "old");
        CHECK(is_whole);
        if (error) std::rethrow_exception(error);
        co_return contents;
      },
      {{Call::lstat, Comes::its_error}});
}

TEST_CASE(
    "whatever call for an access list fails, the new contents have the old one's, or are not") {
  const TemporaryFolder folder;
  const std::string list = access_list(6, 6, 0, 6, 0);
  folder.write("probe", "");
  if (!give(folder.path("probe"), list_of_file, list)) return;
  for (const bool of_the_old_file : {true, false}) {
    each_call_fails(
        [&](Reactor&) -> Task<std::string> {
          begin_anew(folder);
          {
            const WithoutFaults by_hand;
            folder.write("file", "old");
            if (of_the_old_file) give(folder.path("file"), list_of_file, list);
            if (!of_the_old_file) give(folder.path(), list_of_new_files, list);
          }
          co_await io::replace_file(folder.path("file"), "new");
          const WithoutFaults by_hand;
          CHECK(folder.read("file") == "new");
          co_return list_of(folder.path("file"));
        },
        {{Call::lstat, Comes::its_error}});
  }
}

TEST_CASE("what is left of new contents is a file beside it, if that cannot be removed either") {
  const TemporaryFolder folder;
  folder.write("file", "old");
  run([&](Reactor&) -> Task<> {
    const WithFault failing(Fault{Call::unlinkat, 0, EBUSY}, Fault{Call::renameat, 0, EIO});

    const auto end = co_await as_outcome(io::replace_file(folder.path("file"), "new"));

    CHECK(what(end) == "replace " + folder.path("file") + ": Input/output error");
    CHECK(WithFault::has_failed());
    CHECK(folder.read("file") == "old");
  });
}

TEST_CASE("whatever call for a lock fails, it is had, or the error says which") {
  const TemporaryFolder folder;
  each_call_fails(
      [&](Reactor&) -> Task<std::string> {
        {
          const io::FileLock lock = co_await io::lock_file(folder.path("lock"), 1ms);
        }
        const io::FileLock again = co_await io::lock_file(folder.path("lock"), 1ms);
        co_return "locked twice";
      },
      // What gives it back may fail: it is closed as well. Where it is not there, another is made.
      {{Call::flock, Comes::maybe_its_error}});
}

TEST_CASE("whatever call for a pipe fails, all goes through it, or the error says which") {
  each_call_fails([](Reactor&) -> Task<std::string> {
    Pipe pipe = io::make_pipe();
    co_await pipe.out.write_all("all of it");
    co_await pipe.out.shutdown_write();
    co_return co_await pipe.in.read_to_end();
  });
}

TEST_CASE("whatever call for a standard stream fails, it is read, or the error says which") {
  each_call_fails([](Reactor&) { return read_standard_input("all of it"); },
                  {{Call::open, Comes::nothing}});
}

TEST_CASE(
    "whatever call for a standard stream that is shared fails, it is read, or the error says it") {
  each_call_fails([](Reactor&) { return read_standard_input("all of it"); }, {},
                  Fault{Call::open, 0, EACCES});
}

TEST_CASE("whatever call for raw mode fails, a terminal is as it was") {
  each_call_fails(
      [](Reactor&) -> Task<std::string> {
        const Terminal terminal;
        {
          const io::RawMode raw(terminal.fd());
        }
        co_return "done";
      },
      // An error when it is brought back has nobody who is told.
      {{Call::tcsetattr, Comes::maybe_its_error}});
}

TEST_CASE("a signal neither keeps a terminal from raw mode, nor in it") {
  for (const std::size_t index : {0U, 1U}) {
    const Terminal terminal;
    const WithFault interrupted(Fault{Call::tcsetattr, index, EINTR});
    {
      const io::RawMode raw(terminal.fd());
      CHECK_FALSE(terminal.is_as_it_was());
    }

    CHECK(terminal.is_as_it_was());
    CHECK(WithFault::has_failed());
  }
}
