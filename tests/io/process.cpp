// SPDX-License-Identifier: MIT
#include "deferred/io/process.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "deferred/io/run.hpp"
#include "tests/io/loopback.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Completed;
using io::Errc;
using io::Exit;
using io::Process;
using io::ProcessOptions;
using io::RunOptions;
using io::Standard;

namespace {

std::vector<std::string> shell(std::string script) { return {"/bin/sh", "-c", std::move(script)}; }

/// No child of this process is left, running or not.
bool has_no_child() { return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD; }

}  // namespace

TEST_CASE("run gives what a child has written, what it has complained of, and how it has ended") {
  run([](Reactor&) -> Task<> {
    const Completed done = co_await io::run(shell("echo out; echo err >&2; exit 3"));

    CHECK(done.output == "out\n");
    CHECK(done.errors == "err\n");
    CHECK(done.exit == Exit(Exit::How::exited, 3));
    CHECK(done.exit.text() == "exited with status 3");
    CHECK_FALSE(done.exit.ok());
    CHECK(has_no_child());
  });
}

TEST_CASE("a child that a signal has killed says so") {
  run([](Reactor&) -> Task<> {
    const Completed done = co_await io::run(shell("kill -KILL $$"));

    CHECK(done.exit.signal() == SIGKILL);
    CHECK(done.exit.status() == -1);
    CHECK(done.exit.text() == "killed by signal 9 (Killed)");
  });
}

TEST_CASE(
    "a program that is not there, or is none, is an error that names it, and leaves nothing") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    folder.write("data", "no program");
    const auto before = open_descriptors();

    const auto missing = co_await as_outcome(io::run({"no-such-program"}));
    const auto data = co_await as_outcome(io::run({folder.path("data")}));

    CHECK(what(missing) == "start no-such-program: No such file or directory");
    CHECK(failed_with(data, std::errc::permission_denied));
    CHECK(open_descriptors() == before);
    CHECK(has_no_child());
  });
}

TEST_CASE("what has a NUL in it is refused, not cut short, and so is input for no pipe") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.given = "to nobody";
    options.input = Standard::null;
    const std::string nul("a\0b", 3);

    const auto cut = co_await as_outcome(io::run({"echo", nul}));
    const auto given = co_await as_outcome(io::run({"cat"}, options));

    CHECK(cut.check<std::invalid_argument>());
    CHECK(given.check<std::invalid_argument>());
  });
}

TEST_CASE("run gives a child its input while it reads its output: 1 MiB there and back") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.given = pattern(1 << 20);

    const Completed done = co_await io::run({"cat"}, options);

    CHECK(done.exit.ok());
    CHECK(done.output == options.given);
  });
}

TEST_CASE("a child that does not read its input is no error") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.given = pattern(1 << 20);

    const Completed done = co_await io::run({"true"}, options);

    CHECK(done.exit.ok());
  });
}

TEST_CASE("a child that writes more than the limit is ended, and that is an error") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.limit = 1000;

    const auto outcome = co_await as_outcome(io::run({"yes"}, options));

    CHECK(failed_with(outcome, Errc::too_long));
    CHECK(has_no_child());
  });
}

TEST_CASE("a child is talked with by its streams") {
  run([](Reactor&) -> Task<> {
    Process child = Process::start({"cat"});
    std::string got(5, ' ');

    co_await child.input.write_all("hello");
    co_await child.output.read_exactly(got);
    child.input.close();
    const Exit exit = co_await child.wait();

    CHECK(got == "hello");
    CHECK(exit.ok());
    CHECK(child.ended() == exit);
  });
}

TEST_CASE("/dev/stdin of a child can be opened, for it is a pipe") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.given = "through the name";

    const Completed done = co_await io::run({"cat", "/dev/stdin"}, options);

    CHECK(done.output == "through the name");
  });
}

TEST_CASE("what a child has written is read after its end") {
  run([](Reactor&) -> Task<> {
    Process child = Process::start(shell("echo late"));
    const Exit exit = co_await child.wait();

    const std::string text = co_await child.output.read_to_end();

    CHECK(exit.ok());
    CHECK(text == "late\n");
  });
}

TEST_CASE("any number of tasks wait for a child, before its end and after") {
  run([](Reactor& reactor) -> Task<> {
    Process child = Process::start({"cat"});
    Spawned<Exit> one = spawn(reactor, child.wait());
    Spawned<Exit> cut = spawn(reactor, child.wait());
    co_await turns(2);

    cut.task().cancel();
    const auto of_cut = co_await as_outcome(std::move(cut));
    CHECK_FALSE(child.ended());
    child.input.close();
    const Exit first = co_await std::move(one);
    const Exit second = co_await child.wait();

    CHECK(of_cut.check<Cancelled>());
    CHECK(first.ok());
    CHECK(second.ok());
  });
}

TEST_CASE("a grandchild that keeps the output open does not keep wait from its end") {
  run([](Reactor&) -> Task<> {
    Process child = Process::start(shell("exec 3<&0; (read line <&3; echo done) & exit 7"));

    const Exit exit = co_await child.wait();
    co_await child.input.write_all("go\n");
    const std::string text = co_await child.output.read_to_end();

    CHECK(exit.status() == 7);
    CHECK(text == "done\n");
  });
}

TEST_CASE("a child has its standard streams and what is passed, and no other descriptor") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    folder.write("passed", "of the file");
    const int leaks = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
    const int passed = ::open(folder.path("passed").c_str(), O_RDONLY);
    RunOptions options;

    const Completed none = co_await io::run({"ls", "/proc/self/fd"}, options);
    options.pass = {passed, passed};
    const Completed two =
        co_await io::run(shell("cat <&3; ls /proc/$$/fd | tr '\\n' ' '"), options);

    CHECK(none.output == "0\n1\n2\n3\n");  // 3 is the folder, which ls reads
    CHECK(two.output.starts_with("of the file0 1 2 3 4 "));
    ::close(leaks);
    ::close(passed);
  });
}

TEST_CASE("passed descriptors come out right, whatever numbers they have here") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    RunOptions options;
    std::vector<io::Descriptor> files;
    std::string script;
    for (int i = 0; i < 6; ++i) {
      const std::string name = "file" + std::to_string(i);
      folder.write(name, std::to_string(i));
      files.emplace_back(::open(folder.path(name).c_str(), O_RDONLY | O_CLOEXEC));
    }
    for (int i = 5; i >= 0; --i) options.pass.push_back(files[static_cast<std::size_t>(i)].fd());
    for (int i = 3; i < 9; ++i) script += "cat <&" + std::to_string(i) + ";";

    const Completed done = co_await io::run(shell(script), options);

    CHECK(done.output == "543210");
  });
}

TEST_CASE("a child has signals as by default, none blocked, and a group of its own") {
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old = std::signal(SIGPIPE, SIG_IGN);
  run([](Reactor&) -> Task<> {
    const Completed done = co_await io::run(
        shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; cut -d' ' -f1,5 /proc/$$/stat"));

    const std::size_t end = done.output.rfind('\n', done.output.size() - 2);
    const std::string ids = done.output.substr(end + 1);
    const std::string masks = done.output.substr(0, end);
    CHECK(masks.starts_with("SigBlk:\t0000000000000000\n"));
    // Signals 32 and 33 are glibc's own, which posix_spawn() leaves ignored.
    const bool none_ignored = masks.ends_with("SigIgn:\t0000000000000000") ||
                              masks.ends_with("SigIgn:\t0000000180000000");
    CHECK(none_ignored);
    CHECK(ids.substr(0, ids.find(' ')) + "\n" == ids.substr(ids.find(' ') + 1));
  });
  std::signal(SIGPIPE, old);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("a child runs where it is told to, with the environment that it is given") {
  run([](Reactor&) -> Task<> {
    const TemporaryFolder folder;
    RunOptions options;
    options.directory = folder.path();
    options.environment = {"COLOUR=green"};

    const Completed done = co_await io::run(shell("pwd; echo $COLOUR $HOME"), options);

    CHECK(done.output == folder.path() + "\ngreen\n");
  });
}

TEST_CASE("a child's standard streams may be nothing, and then there is none here") {
  run([](Reactor&) -> Task<> {
    RunOptions options;
    options.input = options.output = Standard::null;

    const Completed done = co_await io::run(shell("cat; echo lost; echo seen >&2"), options);

    CHECK(done.output.empty());
    CHECK(done.errors == "seen\n");
  });
}

TEST_CASE("children are started though this process has closed its standard streams") {
  const io::Descriptor in(::fcntl(0, F_DUPFD_CLOEXEC, 10));
  const io::Descriptor out(::fcntl(1, F_DUPFD_CLOEXEC, 10));
  const io::Descriptor err(::fcntl(2, F_DUPFD_CLOEXEC, 10));
  for (int fd = 0; fd < 3; ++fd) ::close(fd);
  std::string output;
  std::string errors;
  run([&](Reactor&) -> Task<> {
    RunOptions options;
    options.given = "in";
    Completed done = co_await io::run(shell("cat; echo err >&2"), options);
    output = done.output;
    errors = done.errors;
  });
  ::dup2(in.fd(), 0);
  ::dup2(out.fd(), 1);
  ::dup2(err.fd(), 2);

  CHECK(output == "in");
  CHECK(errors == "err\n");
}

TEST_CASE("a thousand children that end at once are all told of, and none is left") {
  run([](Reactor& reactor) -> Task<> {
    const auto before = open_descriptors();
    int ended = 0;
    const auto one = [&ended]() -> Task<> {
      const Completed done = co_await io::run({"true"});
      if (done.exit.ok()) ++ended;
    };
    const auto fifty = [&]() -> Task<> {
      for (int i = 0; i < 50; ++i) co_await one();
    };
    std::vector<Spawned<void>> all;
    for (int i = 0; i < 20; ++i) all.push_back(spawn(reactor, fifty));
    for (auto& task : all) co_await std::move(task);

    CHECK(ended == 1000);
    CHECK(open_descriptors() == before);
    CHECK(has_no_child());
  });
}

TEST_CASE("two reactors in two threads have each their own children") {
  const auto fifty = [](int status) {
    Reactor reactor;
    int right = 0;
    reactor.run_until(spawn(reactor, [&]() -> Task<> {
                        for (int i = 0; i < 50; ++i) {
                          const Completed done =
                              co_await io::run(shell("exit " + std::to_string(status)));
                          if (done.exit.status() == status) ++right;
                        }
                      }).deferred());
    return right;
  };
  int here = 0;
  int there = 0;
  std::thread other([&] { there = fifty(4); });
  here = fifty(5);
  other.join();

  CHECK(here == 50);
  CHECK(there == 50);
}
