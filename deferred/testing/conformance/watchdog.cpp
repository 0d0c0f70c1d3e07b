// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/watchdog.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

namespace deferred::testing::conformance {

Watchdog::Watchdog(Duration limit, std::function<void()> first, std::function<void()> last)
    : thread_([this, limit, first = std::move(first), last = std::move(last)] {
        if (over_within(limit)) return;
        first();
        if (over_within(limit / 2)) return;
        last();
      }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool Watchdog::over_within(Duration limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return over_; });
}

namespace {

/// Reads until the end, or until `limit` has passed.
bool read_to_end(int fd, Duration limit, std::string& text) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd one{fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return false;
    char bytes[4096];
    const ssize_t got = ::read(fd, bytes, sizeof bytes);
    if (got == 0) return true;
    if (got > 0) text.append(bytes, static_cast<std::size_t>(got));
  }
}

std::string ending(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("its process was ended by a signal: ") + ::strsignal(WTERMSIG(status));
  }
  return "its process ended by itself, with status " + std::to_string(WEXITSTATUS(status));
}

CaseResult result_of(const std::function<CaseResult()>& run) noexcept {
  try {
    return run();
  } catch (const std::exception& error) {
    return {Verdict::failed, std::string("an exception: ") + error.what()};
  } catch (...) {
    return {Verdict::failed, "an exception"};
  }
}

[[noreturn]] void report_and_end(int fd, const CaseResult& result) noexcept {
  const std::string text = std::to_string(static_cast<int>(result.verdict)) + result.reason;
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t sent = ::write(fd, text.data() + done, text.size() - done);
    if (sent < 0 && errno != EINTR) break;
    if (sent > 0) done += static_cast<std::size_t>(sent);
  }
  ::_exit(0);
}

}  // namespace

CaseResult isolated(const std::function<CaseResult()>& run, Duration limit) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "conformance: a pipe for a case");
  }
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) {
    throw std::system_error(errno, std::generic_category(), "conformance: a process for a case");
  }
  if (child == 0) {
    ::close(ends[0]);
    report_and_end(ends[1], result_of(run));
  }
  ::close(ends[1]);
  std::string text;
  const bool ended = read_to_end(ends[0], limit, text);
  ::close(ends[0]);
  if (!ended) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!ended) return {Verdict::failed, "it hung: nothing came of it, and its process was killed"};
  if (text.empty()) return {Verdict::failed, ending(status)};
  return {static_cast<Verdict>(text[0] - '0'), text.substr(1)};
}

}  // namespace deferred::testing::conformance
