// SPDX-License-Identifier: MIT
//
// Composed programs with child processes: wherever they are cut, no child is left, running or not.
// At each place it is waited for, in real time, until the child has come as far as it can.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <string>

#include "tests/explore_cancel/programs.hpp"
#include "tests/support/children.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

using io::Completed;
using io::Exit;
using io::Process;

/// One that does not care for SIGTERM and, if nobody ends it, says so by how it has ended. It
/// writes its number to its descriptor 3 when it has come so far.
const char* const stubborn = "trap '' TERM; echo $$ >&3; exec sleep 10";

/// Sees that no child is left when the program has ended, and all there were have ended so.
void leaves_no_child(CutRun& run, Ended expected) {
  run.at_end([&run, expected] {
    for (int turns = 0; turns != 10 && !has_no_child(); ++turns) {
      const Ended ended = wait_for_a_child();
      must(ended == expected || ended == Ended::by_a_signal, "a child is left to itself");
      run.reactor().backend().run_once(false);
    }
    must(has_no_child(), "a child is not reaped");
  });
}

/// The number that a stubborn child writes.
class WrittenNumber {
 public:
  WrittenNumber() {
    int ends[2];
    must(::pipe2(ends, O_CLOEXEC) == 0, "there is no pipe");
    read_ = io::Descriptor(ends[0]);
    write_ = io::Descriptor(ends[1]);
  }
  int for_child() const noexcept { return write_.fd(); }
  /// If there is a child, waits until it has come as far as it can.
  void settle_child() {
    if (child_ == 0 && !has_no_child()) {
      std::array<char, 20> text{};
      must(::read(read_.fd(), text.data(), text.size() - 1) > 0, "a child says nothing");
      child_ = static_cast<pid_t>(std::stol(text.data()));
    }
    if (child_ != 0) settle(child_);
  }

 private:
  io::Descriptor read_, write_;
  pid_t child_ = 0;
};

Task<> talks_with_a_child(CutRun& run) {
  leaves_no_child(run, Ended::by_itself);
  io::ProcessOptions options;
  options.errors = io::Standard::null;
  std::optional<Process> child = Process::start({"cat"}, options);
  run.at_each_place([pid = static_cast<pid_t>(child->pid())](std::size_t) { settle(pid); });
  co_await child->input.write_all("hello");
  std::array<char, 5> room{};
  co_await child->output.read_exactly(room);
  must(std::string(room.data(), room.size()) == "hello", "another word comes back");
  child->input.close();
  const Exit exit = co_await child->wait();
  must(exit.ok() && child->ended() == exit, "it has ended in another way");
  const Exit again = co_await child->wait();
  must(again == exit, "it has ended in two ways");
  child.reset();
  co_await some_time();
}

// Whatever cuts it, but a close, it waits for the child's end.
Task<> terminates(CutRun& run) {
  struct World {
    WrittenNumber number;
    std::optional<Process> child;
    bool began = false;
  };
  auto& world = run.keep<World>();
  run.at_end([&] {
    const bool ended = world.child && world.child->ended();
    world.child.reset();
    must(!world.began || ended || run.cut(Cut::close) || run.cut(Cut::throw_),
         "a child is not waited for");
  });
  leaves_no_child(run, Ended::by_a_signal);
  io::ProcessOptions options;
  options.input = options.output = options.errors = io::Standard::null;
  options.pass.push_back(world.number.for_child());
  world.child = Process::start({"sh", "-c", stubborn}, options);
  run.at_each_place([&](std::size_t) { world.number.settle_child(); });
  co_await some_time();
  world.began = true;
  const Exit exit = co_await world.child->terminate(2ms);
  must(exit.signal() == SIGKILL, "it has ended in another way");
  co_await some_time();
}

Task<> runs(CutRun& run) {
  leaves_no_child(run, Ended::by_itself);
  run.at_each_place([](std::size_t) { static_cast<void>(wait_for_a_child()); });
  const Completed done = co_await io::run({"echo", "hello"});
  must(done.exit.ok() && done.output == "hello\n", "what it has written is lost");
  co_await some_time();
}

// A run that is cut ends its child, and waits for that.
Task<> runs_with_a_limit(CutRun& run) {
  auto& number = run.keep<WrittenNumber>();
  leaves_no_child(run, Ended::by_a_signal);
  run.at_each_place([&](std::size_t) { number.settle_child(); });
  io::RunOptions options;
  options.pass.push_back(number.for_child());
  options.grace = 2ms;
  Task<Completed> running = io::run({"sh", "-c", stubborn}, std::move(options));
  const auto done = co_await move_on_after(1ms, std::move(running));
  must(!done, "a child has ended by itself");
  must(has_no_child(), "a run ends before its child");
  co_await some_time();
}

}  // namespace

Programs process_programs() {
  return {
      {"a child that is talked with", talks_with_a_child},
      {"a child that is ended", terminates},
      {"a run", runs},
      {"a run with a limit", runs_with_a_limit},
  };
}

}  // namespace deferred::testing
