// SPDX-License-Identifier: MIT
//
// Composed programs over streams: no byte is lost or comes twice, wherever they are cut. And over
// a lock on a file, which always comes back.
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>

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
    must(all == pair.written() || run.cut(Cut::close),
         "netstrings are lost, or come twice: " + all);
  });
  for (int i = 0; i < 2; ++i) {
    const std::optional<std::string> text = co_await io::read_netstring(pair.stream());
    must(text.has_value(), "a netstring is not seen");
    got += io::encode_netstring(*text);
  }
  co_await some_time();
}

Task<> lines(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  pair.write_later("one\r\ntwo\nthree\n");
  run.at_end([&] {
    std::string rest;
    pair.read_rest(rest);
    const std::string all = got + rest;
    must(pair.written().empty() || all == "one\r\ntwo\nthree\n" || run.cut(Cut::close),
         "lines are lost, or come twice: " + all);
  });
  for (const char* const end : {"\r\n", "\n"}) {
    const std::optional<std::string> line = co_await io::read_line(pair.stream());
    must(line.has_value(), "a line is not seen");
    got += *line + end;
  }
  co_await some_time();
}

// Read as they come, and written on.
Task<> prefixed_messages(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  auto& back = run.keep<std::string>();
  const std::string sent("\0\3abc\0\2de", 9);
  pair.write_later(sent);
  run.at_end([&run, &pair, &got, &back, sent] {
    pair.read_far_into(back);
    must(sent.starts_with(back), "what is written is not what was read: " + back);
    must(run.cut() || back == sent, "a message is not written");
    std::string rest;
    pair.read_rest(rest);
    const std::string all = got + rest;
    must(pair.written().empty() || all == sent || run.cut(Cut::close), "messages are lost: " + all);
  });
  for (int i = 0; i < 2; ++i) {
    const std::optional<std::string> text =
        co_await io::read_prefixed<std::uint16_t>(pair.stream());
    must(text.has_value(), "a message is not seen");
    got += io::encode_prefixed<std::uint16_t>(*text);
    co_await io::write_prefixed<std::uint16_t>(pair.stream(), *text);
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
    must(got == pair.written() || run.cut(Cut::close), "bytes are lost: " + got);
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

// What had come before the cut is what the next read gives.
Task<> reads_exactly(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  pair.write_later("hel");
  pair.write_later("lo", 2ms);
  run.at_end([&] {
    pair.read_rest(got);
    must(got == pair.written(), "bytes are lost: " + got);
  });
  std::array<char, 5> room{};
  co_await pair.stream().read_exactly(room);
  got.assign(room.data(), room.size());
  co_await some_time();
}

// What is written behind a write that was cut in its middle is refused.
Task<> writes_after_a_cut_write(CutRun& run) {
  struct Written {
    std::string all = std::string(1 << 20, 'a');
    std::string got;
    std::optional<std::size_t> first, second;  // how many bytes, when they were over
  };
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& written = run.keep<Written>();
  run.at_end([&] {
    pair.read_far_into(written.got);
    const std::size_t all = pair.stream().bytes_written();
    const std::size_t first = written.first.value_or(all);
    must(written.got.size() == all, "another number of bytes is counted");
    must(written.got.find_first_not_of('a') >= first, "what arrives is not what was written");
    must(first == 0 || all == first, "something is written behind a write that was cut");
    must(run.cut() || first != 0, "nothing was cut");
  });
  auto cut = co_await as_outcome(with_timeout(500us, pair.stream().write_all(written.all)));
  written.first = static_cast<std::size_t>(pair.stream().bytes_written());
  const auto next = co_await as_outcome(pair.stream().write_all("b"));
  const auto* const error = next.check<std::system_error>();
  must(run.cut() || (error && error->code() == io::Errc::cut_write), "it is not refused");
  co_await some_time();
}

// Wherever it is cut, it is closed; if it is not, the peer gets the last that was written.
Task<> lingers(CutRun& run) {
  auto& pair = run.keep<StreamPair>(run.reactor());
  auto& got = run.keep<std::string>();
  auto& began = run.keep<bool>(false);
  pair.write_later("nobody reads this");
  pair.later(3ms, [&] { pair.read_far_into(got); });
  pair.end_later(4ms);
  run.at_end([&] {
    must(!began || !pair.stream().is_open(), "it is left open");
    must(run.cut() || got == "the last", "what was written last is lost");
  });
  co_await pair.stream().write_all("the last");
  co_await Pause{2ms};
  began = true;
  co_await io::linger_close(pair.stream());
  co_await some_time();
}

/// Both ends are streams.
struct UnixEnds {
  explicit UnixEnds(Reactor& reactor) {
    std::array<int, 2> both{};
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()) == 0,
         "no pair");
    near = io::adopt(reactor, io::Descriptor(both[0]), "one");
    far = io::adopt(reactor, io::Descriptor(both[1]), "other");
  }
  io::Stream near, far;
};
// A descriptor comes once or not at all, and nobody is left with it; bytes as always.
Task<> passes_descriptors(CutRun& run) {
  struct Passed {
    std::string all = std::string(400'000, 'a');
    std::string got;
    std::size_t descriptors = 0;
  };
  auto& ends = run.keep<UnixEnds>(run.reactor());
  auto& passed = run.keep<Passed>();
  run.at_end([&] {
    passed.got += Sockets::read_all_of(ends.far.transport().descriptor());
    must(passed.got.size() == ends.near.bytes_written(), "bytes are lost, or come twice");
    must(passed.descriptors <= 1, "a descriptor comes twice");
    must(run.cut() || (passed.descriptors == 1 && passed.got == passed.all), "not all comes");
  });
  const auto sends = [](CutRun& of, UnixEnds& over, const std::string& text) -> Task<> {
    const DestroyedOnce counted(of);
    const int passes = 0;
    co_await io::send_with_descriptors(over.near, text, std::span(&passes, 1));
  };
  const auto family = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(sends, std::ref(run), std::ref(ends), std::cref(passed.all));
    std::array<char, 70'000> room{};
    while (passed.got.size() < passed.all.size()) {
      const auto got = co_await io::receive_with_descriptors(ends.far, room);
      passed.got.append(room.data(), got.size);
      passed.descriptors += got.descriptors.size();
    }
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
      {"lines", lines},
      {"prefixed messages", prefixed_messages},
      {"reads with limits", reads_with_limits},
      {"an echo", echo},
      {"a stream that is closed under a reader", closed_under_a_reader},
      {"read_exactly", reads_exactly},
      {"writing after a write that was cut", writes_after_a_cut_write},
      {"linger_close", lingers},
      {"descriptors that are passed", passes_descriptors},
      {"a lock on a file", locks_file},
      {"two tasks on one descriptor", waits_for_both_ways},
  };
}

}  // namespace deferred::testing
