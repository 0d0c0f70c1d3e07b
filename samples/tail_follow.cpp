// SPDX-License-Identifier: MIT
//
// Shows: tail -f. A file is looked at again and again, in threads, for nobody tells when it grows;
// one that is cut off, or replaced by another of its name as logs are, is noticed. (One that is cut
// off and has grown as long again by the next look is not.)
// Prints: what is appended to a file: to the one that is named, until Ctrl-C; without one, to one
// of its own.
#include <sys/stat.h>
#include <unistd.h>
#include <deferred/deferred.hpp>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

using namespace deferred;
using namespace std::chrono_literals;

/// Which file is at a path; of none it is zeros.
using Identity = std::pair<dev_t, ino_t>;
Identity identity_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? Identity(found.st_dev, found.st_ino) : Identity();
}

class Follower {
 public:
  explicit Follower(std::string path) : path_(std::move(path)) {}

  /// From the end of what is there.
  Task<> begin() {
    co_await open();
    position_ = co_await file_.size();
  }
  /// Waits for more.
  Task<std::string> next() {
    while (true) {
      const Identity now = co_await in_thread(identity_of, path_);
      const bool replaced = now != Identity() && now != identity_;
      std::string text = co_await file_.read_at(position_, 64 << 10);
      position_ += text.size();
      if (!text.empty()) co_return text;
      if (replaced) {
        co_await open();
        co_return "(another file)\n";
      }
      const std::uint64_t size = co_await file_.size();
      if (size < position_) {
        position_ = 0;
        co_return "(cut off)\n";
      }
      co_await Pause{100ms};
    }
  }

 private:
  Task<> open() {
    do {  // until nobody has replaced it in between
      identity_ = co_await in_thread(identity_of, path_);
      file_ = co_await io::File::open(path_);
      again_ = co_await in_thread(identity_of, path_);
    } while (again_ != identity_);
    position_ = 0;
  }

  std::string path_;
  io::File file_;
  Identity identity_;
  Identity again_;
  std::uint64_t position_ = 0;
};

Task<> print_next(Follower& log) {
  const std::string text = co_await log.next();
  std::cout << text << std::flush;
}

Task<int> follow(std::string path) {
  Follower log(path);
  co_await log.begin();
  while (true) co_await print_next(log);
}

Task<int> follow_one_of_its_own() {
  const std::string path = "/tmp/deferred-sample-" + std::to_string(::getpid());
  co_await io::replace_file(path, "what was there before\n");
  io::File writer = co_await io::File::open(path, io::FileOptions().write());
  Follower log(path);
  co_await log.begin();
  for (const char* line : {"one\n", "two\n"}) {
    co_await writer.append(line);
    co_await print_next(log);
  }
  co_await writer.truncate(0);
  co_await print_next(log);
  co_await writer.append("three\n");
  co_await print_next(log);
  co_await writer.append("the last of this one\n");
  co_await io::replace_file(path, "four\n");
  for (int i = 0; i < 3; ++i) co_await print_next(log);
  std::filesystem::remove(path);
  co_return 0;
}

int main(int argc, char** argv) {
  Reactor reactor;
  return argc == 2 ? reactor.run(follow(argv[1])) : reactor.run(follow_one_of_its_own());
}
