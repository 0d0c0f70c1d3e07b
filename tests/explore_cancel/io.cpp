// SPDX-License-Identifier: MIT
//
// Composed programs over sockets: no byte is lost or comes twice, wherever they are cut. And over
// a lock on a file, which always comes back.
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/explore_cancel/programs.hpp"
#include "tests/explore_cancel/sockets.hpp"

using namespace std::chrono_literals;

namespace deferred::testing {
namespace {

Task<> netstrings(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  pair.write_later("3:abc,2:de,");
  run.at_end([&] {
    std::string rest;
    pair.read_rest(rest);
    const std::string all = got + rest;
    must(!pair.written() || all == "3:abc,2:de," || run.cut(Cut::close),
         "netstrings are lost, or come twice: " + all);
  });
  for (int i = 0; i < 2; ++i) {
    const std::optional<std::string> text = co_await io::read_netstring(pair.stream());
    must(text.has_value(), "a netstring is not seen");
    got += io::encode_netstring(*text);
  }
  co_await some_time();
}

// A limit that ends a read takes nothing away from the next.
Task<> reads_with_limits(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  run.may_fail_with<TimeoutError>();
  pair.write_later("hello");
  run.at_end([&] {
    pair.read_rest(got);
    must(!pair.written() || got == "hello" || run.cut(Cut::close), "bytes are lost: " + got);
  });
  std::array<char, 2> room{};
  while (got.size() < 5) {
    const auto read = co_await as_outcome(with_timeout(500us, pair.stream().read_some(room)));
    if (read.has_value()) got.append(room.data(), *read);
    if (run.cut(Cut::cancel) || run.cut(Cut::timeout)) break;  // each later read is cut, too
  }
  co_await some_time();
}

Task<> echo(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& back = run.keep<std::string>();
  pair.write_later("hello");
  run.at_end([&] {
    pair.read_far_into(back);
    must(run.cut() || back == "hello", "an echo is not what was said: " + back);
    must(std::string("hello").starts_with(back), "an echo is what was not said: " + back);
  });
  std::array<char, 16> room{};
  const std::size_t bytes = co_await pair.stream().read_some(room);
  co_await pair.stream().write_all({room.data(), bytes});
  co_await some_time();
}

// A reader and a writer of one stream, and the stream is closed under them.
Task<> closed_under_a_reader(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  const auto reads = [](CutRun& of, StreamPair& from) -> Task<bool> {
    const DestroyedOnce counted(of);
    std::array<char, 16> room{};
    const auto read = co_await as_outcome(from.stream().read_some(room));
    co_return !read.has_value();
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    Spawned<bool> reader = nursery.spawn(reads, std::ref(run), std::ref(pair));
    const DelayedCall closes = run.reactor().call_later(2ms, [&pair] { pair.stream().close(); });
    co_await some_time();
    const bool failed = co_await std::move(reader);
    must(failed, "a read of a closed stream gives bytes");
  };
  co_await with_nursery(family);
}

Task<> accepts(CutRun& run) {
  auto& listener = run.keep<io::Listener>(io::listen(run.reactor(), "127.0.0.1", 0));
  const DestroyedOnce counted(run);
  const auto connects = [](CutRun& of, std::uint16_t port) -> Task<io::Stream> {
    const DestroyedOnce also(of);
    co_return co_await io::connect("127.0.0.1", port);
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    Spawned<io::Stream> client = nursery.spawn(connects, std::ref(run), listener.port());
    io::Stream server = co_await listener.accept();
    io::Stream near = co_await std::move(client);
    co_await near.write_all("x");
    std::array<char, 4> room{};
    must(co_await server.read_some(room) == 1, "a byte is lost");
  };
  co_await with_nursery(family);
}

Task<> waits_for_both_ways(CutRun& run) {
  auto& pair = run.keep<Sockets>();
  pair.write_later(run.reactor(), "x");
  const auto waits = [](CutRun& of, int fd) -> Task<> {
    const DestroyedOnce counted(of);
    co_await Writable{fd};
    co_await Pause{};
    co_await Writable{fd};
  };
  Spawned<void> writer = spawn(waits, std::ref(run), pair.near());
  co_await Readable{pair.near()};
  co_await std::move(writer);
  must(pair.read_now() == "x", "what was to be read is gone");
}

Task<> locks_file(CutRun& run) {
  struct Folder {
    Folder() : name(std::filesystem::temp_directory_path() / "deferred.XXXXXX") {
      must(::mkdtemp(name.data()) != nullptr, "there is no folder to try in");
    }
    ~Folder() { std::filesystem::remove_all(name); }
    std::string name;
    DelayedCall gives_back;
    std::optional<io::FileLock> other;
  };
  auto& folder = run.keep<Folder>();
  const std::string path = folder.name + "/lock";
  run.at_end([&folder, path] {
    folder.other.reset();
    must(io::try_lock_file(path).has_value(), "a lock does not come back");
  });
  folder.other = io::try_lock_file(path);
  folder.gives_back = run.reactor().call_later(2500us, [&folder] { folder.other.reset(); });
  {
    const io::FileLock lock = co_await io::lock_file(path, 1ms);
    must(!io::try_lock_file(path), "two have a lock");
    co_await some_time();
  }
  const io::FileLock again = co_await with_timeout(1h, io::lock_file(path));
  co_await some_time();
}

}  // namespace

Programs io_programs() {
  return {
      {"netstrings", netstrings},
      {"reads with limits", reads_with_limits},
      {"an echo", echo},
      {"a stream that is closed under a reader", closed_under_a_reader},
      {"a listener and who connects", accepts},
      {"a lock on a file", locks_file},
      {"two tasks on one descriptor", waits_for_both_ways},
  };
}

}  // namespace deferred::testing
