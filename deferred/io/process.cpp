// SPDX-License-Identifier: MIT
#include "deferred/io/process.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/detail/child.hpp"
#include "deferred/io/detail/fd_transport.hpp"
#include "deferred/io/detail/socket.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

using detail::Child;
using detail::FdSide;
using detail::last_error;

void check(int error, const std::string& what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

// It would cut what is behind it off.
void refuse_nul(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    if (text.find('\0') == std::string::npos) continue;
    throw std::invalid_argument("start: an argument, or of the environment, has a NUL");
  }
}

void wait_for_killed(pid_t pid) noexcept {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

class Actions {
 public:
  explicit Actions(const std::string& what) { check(::posix_spawn_file_actions_init(&all), what); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  ~Actions() { ::posix_spawn_file_actions_destroy(&all); }
  posix_spawn_file_actions_t all;
};

class Attributes {
 public:
  explicit Attributes(const std::string& what) { check(::posix_spawnattr_init(&all), what); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { ::posix_spawnattr_destroy(&all); }
  posix_spawnattr_t all;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

// Above all numbers that the child is to have, so that none is overwritten before it is copied;
// also where this process has closed its own standard streams.
Descriptor out_of_the_way(int fd, int lowest, const std::string& what) {
  Descriptor moved(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
  if (!moved) throw std::system_error(last_error(), what);
  return moved;
}

Descriptor open_null(const std::string& what) {
  while (true) {
    Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null) return null;
    if (errno != EINTR) throw std::system_error(last_error(), what);
  }
}

// One standard stream: the child's descriptor, and this side's.
class Plumbing {
 public:
  Plumbing(Standard kind, int number, int lowest, const std::string& what) {
    if (kind == Standard::inherit) return;
    if (kind == Standard::null) {
      const Descriptor null = open_null(what);
      childs = out_of_the_way(null.fd(), lowest, what);
      return;
    }
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(last_error(), what);
    const bool child_reads = number == 0;
    const Descriptor given(ends[child_reads ? 0 : 1]);
    const Descriptor kept(ends[child_reads ? 1 : 0]);
    childs = out_of_the_way(given.fd(), lowest, what);
    ours = out_of_the_way(kept.fd(), 3, what);
    if (::fcntl(ours.fd(), F_SETFL, O_NONBLOCK) != 0) {
      throw std::system_error(last_error(), what);
    }
  }

  Descriptor childs;
  Descriptor ours;
};

class Spawned {
 public:
  pid_t pid;
  Descriptor pidfd;
};

Spawned spawn_child(std::vector<std::string>& arguments, const ProcessOptions& options,
                    const std::array<Plumbing, 3>& standard, const std::vector<Descriptor>& passed,
                    const std::string& what) {
  Actions actions(what);
  for (int number = 0; number < 3; ++number) {
    const int source = standard[static_cast<std::size_t>(number)].childs.fd();
    if (source < 0) continue;
    check(::posix_spawn_file_actions_adddup2(&actions.all, source, number), what);
  }
  int next = 3;
  for (const Descriptor& one : passed) {
    check(::posix_spawn_file_actions_adddup2(&actions.all, one.fd(), next++), what);
  }
  check(::posix_spawn_file_actions_addclosefrom_np(&actions.all, next), what);
  if (!options.directory.empty()) {
    check(::posix_spawn_file_actions_addchdir_np(&actions.all, options.directory.c_str()), what);
  }
  Attributes attributes(what);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes.all, &none);
  ::posix_spawnattr_setsigdefault(&attributes.all, &all);
  ::posix_spawnattr_setpgroup(&attributes.all, 0);
  ::posix_spawnattr_setflags(
      &attributes.all, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  std::vector<std::string> environment = options.environment.value_or(std::vector<std::string>());
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  Spawned child{};
  check(::posix_spawnp(&child.pid, argv[0], &actions.all, &attributes.all, argv.data(),
                       options.environment ? envp.data() : ::environ),
        what);
  child.pidfd = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (child.pidfd || errno == ESRCH) return child;
  const std::error_code error = last_error();
  ::kill(-child.pid, SIGKILL);
  wait_for_killed(child.pid);
  throw std::system_error(error, what);
}

Stream stream_of(Reactor& reactor, Descriptor fd, bool reads, std::string name) {
  if (!fd) return {};
  FdSide side(std::move(fd), FdSide::Kind::pipe, false);
  FdSide in = reads ? std::move(side) : FdSide();
  return make_stream<detail::FdTransport>(reactor, std::move(in), std::move(side), std::move(name));
}

Task<Exit> end_of(std::shared_ptr<Child> child) {
  co_await cancel_point;
  co_await child->ended;
  child->reap();
  co_return *child->exit;
}

Task<Exit> terminated(std::shared_ptr<Child> child, Duration grace) {
  child->signal_group(SIGTERM);
  child->signal_group(SIGCONT);  // one that is stopped hears of it only then
  co_await move_on_after(grace, child->ended);
  const int error = child->signal_group(SIGKILL);
  // Of another user, as sudo is: it would be waited for as long as it likes.
  if (error == EPERM) throw std::system_error(error, std::generic_category(), "terminate");
  co_await child->ended;
  child->reap();
  co_return *child->exit;
}

Task<Exit> terminate_shielded(std::shared_ptr<Child> child, Duration grace) {
  Task<Exit> ending = terminated(std::move(child), grace);
  co_return co_await shield(std::move(ending));
}

}  // namespace

Process Process::start(Reactor& reactor, Command command, const ProcessOptions& options) {
  std::vector<std::string>& arguments = command.arguments;
  if (arguments.empty()) throw std::invalid_argument("start: there is no program");
  refuse_nul(arguments);
  if (options.environment) refuse_nul(*options.environment);
  const std::string name = arguments.front();
  const std::string what = "start " + name;
  detail::reap_orphans();
  const int lowest = 3 + static_cast<int>(options.pass.size());
  std::vector<Descriptor> passed;
  for (const int fd : options.pass) passed.push_back(out_of_the_way(fd, lowest, what));
  std::array<Plumbing, 3> standard{Plumbing(options.input, 0, lowest, what),
                                   Plumbing(options.output, 1, lowest, what),
                                   Plumbing(options.errors, 2, lowest, what)};
  Stream input = stream_of(reactor, std::move(standard[0].ours), false, name + "'s input");
  Stream output = stream_of(reactor, std::move(standard[1].ours), true, name + "'s output");
  Stream errors = stream_of(reactor, std::move(standard[2].ours), true, name + "'s errors");
  detail::Reaper& reaper = reactor.service<detail::Reaper>();
  reaper.make_room();
  Spawned spawned = spawn_child(arguments, options, standard, passed, what);
  std::shared_ptr<Child> child;
  try {
    child = std::make_shared<Child>(reactor, reaper, spawned.pid, std::move(spawned.pidfd));
  } catch (...) {
    ::kill(-spawned.pid, SIGKILL);
    wait_for_killed(spawned.pid);
    throw;
  }
  if (!child->exit) reaper.add(child);
  Process process(std::move(child));
  process.input = std::move(input);
  process.output = std::move(output);
  process.errors = std::move(errors);
  return process;
}

Process Process::start(Command command, const ProcessOptions& options) {
  return start(Reactor::current(), std::move(command), options);
}

Process::Process(std::shared_ptr<Child> child) noexcept : child_(std::move(child)) {}

Process& Process::operator=(Process&& other) noexcept {
  Process old(std::move(*this));
  input = std::move(other.input);
  output = std::move(other.output);
  errors = std::move(other.errors);
  child_ = std::move(other.child_);
  return *this;
}

Process::~Process() {
  if (child_ && child_->runs()) child_->signal_group(SIGKILL);
}

Task<Exit> Process::wait() { return end_of(child_); }
std::optional<Exit> Process::ended() const noexcept { return child_->exit; }
void Process::signal(int number) noexcept { child_->signal(number); }
void Process::signal_group(int number) noexcept { child_->signal_group(number); }
long Process::pid() const noexcept { return child_->pid; }

Task<Exit> Process::terminate(AnyDuration grace) { return terminate_shielded(child_, grace); }

}  // namespace deferred::io
