// SPDX-License-Identifier: MIT
#include "deferred/io/lines.hpp"

#include <optional>
#include <string>
#include <vector>

#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Errc;
using io::ProtocolError;
using Line = std::optional<std::string>;

namespace {

constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

/// The line that bytes begin with, in brackets and with its size, or what else they are.
std::string line_of(std::string_view bytes, std::size_t limit = no_limit) {
  try {
    const auto found = io::parse_line(bytes, limit);
    if (!found) return "a beginning";
    return "[" + std::string(found->text) + "] of " + std::to_string(found->size);
  } catch (const ProtocolError& error) {
    return error.what();
  }
}

/// What comes, until there is no more.
Task<std::vector<std::string>> read_lines(io::Stream& stream) {
  std::vector<std::string> lines;
  for (Line line = co_await io::read_line(stream); line; line = co_await io::read_line(stream)) {
    lines.push_back(*std::move(line));
  }
  co_return lines;
}

}  // namespace

TEST_CASE("a line ends with a line feed, before which may be one carriage return") {
  struct Row {
    std::string bytes;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {"", "a beginning"},
      {"a", "a beginning"},
      {"a\r", "a beginning"},
      {"\n", "[] of 1"},
      {"\r\n", "[] of 2"},
      {"a\n", "[a] of 2"},
      {"a\r\n", "[a] of 3"},
      {"a\r\nb\n", "[a] of 3"},
      {"\n\n", "[] of 1"},
      {"a\r\r\n", "[a\r] of 4"},
      {"a\rb\n", "[a\rb] of 4"},
      {"\na\r\n", "[] of 1"},
      {std::string("\0\xff\n", 3), std::string("[\0\xff] of 3", 9)},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    CHECK(line_of(row.bytes) == row.expected);
  }
}

TEST_CASE("the limit of a line is exact, and its end does not count") {
  const std::string too_long = "a line is longer than 3 bytes";

  CHECK(line_of("abc", 3) == "a beginning");
  CHECK(line_of("abc\n", 3) == "[abc] of 4");
  CHECK(line_of("abc\r", 3) == "a beginning");
  CHECK(line_of("abc\r\n", 3) == "[abc] of 5");
  CHECK(line_of("abcd", 3) == too_long);
  CHECK(line_of("abcd\n", 3) == too_long);
  CHECK(line_of("abc\r\r", 3) == too_long);
  CHECK(line_of("abc\r\r\n", 3) == too_long);
  CHECK(line_of("abc\rd", 3) == too_long);
  CHECK(line_of("\r\n", 0) == "[] of 2");
  CHECK(line_of("\r", 0) == "a beginning");
  CHECK(line_of("a", 0) == "a line is longer than 0 bytes");
}

TEST_CASE("read_line reads one and leaves what follows to the next reader") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("one\n\r\nthree\r\nrest");
    ends.near.close();

    const Line first = co_await io::read_line(ends.far);
    const Line second = co_await io::read_line(ends.far);
    const Line third = co_await io::read_line(ends.far);
    const std::string rest = co_await ends.far.read_to_end();

    CHECK(first == "one");
    CHECK(second == "");
    CHECK(third == "three");
    CHECK(rest == "rest");
  });
}

TEST_CASE("read_line gives what the peer has sent last, as it is, and then nothing") {
  struct Row {
    std::string sent;
    std::vector<std::string> lines;
  };
  const std::vector<Row> rows = {
      {"", {}},
      {"\n", {""}},
      {"one\n", {"one"}},
      {"one\ntwo", {"one", "two"}},
      {"one\ntwo\r", {"one", "two\r"}},
  };
  run([&rows](Reactor& reactor) -> Task<> {
    for (const Row& row : rows) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all(row.sent);
      ends.near.close();

      const std::vector<std::string> lines = co_await read_lines(ends.far);
      const Line again = co_await io::read_line(ends.far);

      CAPTURE(row.sent);
      CHECK(lines == row.lines);
      CHECK_FALSE(again);
    }
  });
}

TEST_CASE("read_line waits for the rest, byte by byte") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const auto drip = [&ends]() -> Task<> {
      const std::string bytes = "slowly,\r\nslowly\n";
      for (const char& byte : bytes) {
        co_await ends.near.write_all(std::string_view(&byte, 1));
        co_await Pause{};
      }
      ends.near.close();
    };
    spawn(reactor, drip);

    const std::vector<std::string> lines = co_await read_lines(ends.far);

    CHECK(lines == std::vector<std::string>{"slowly,", "slowly"});
  });
}

TEST_CASE("read_line refuses too long a one before its end comes, and says whose it is") {
  run([](Reactor& reactor) -> Task<> {
    for (const std::string sent : {"abcd", "abcd\n", "abc\r\r"}) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all(sent);

      const auto refused = co_await as_outcome(io::read_line(ends.far, 3));

      CAPTURE(sent);
      CHECK(refused.check<ProtocolError>());
      CHECK(failed_with(refused, Errc::protocol));
      CHECK(what(refused) == "read from " + ends.far.peer() + ": a line is longer than 3 bytes");
    }
  });
}

TEST_CASE("read_line refuses too long a one that is the peer's last") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("abc\r");
    ends.near.close();

    const auto refused = co_await as_outcome(io::read_line(ends.far, 3));

    CHECK(what(refused) == "read from " + ends.far.peer() + ": a line is longer than 3 bytes");
    CHECK(ends.far.buffered() == "abc\r");
  });
}

TEST_CASE("a line that is refused is not lost: another limit takes it, and so does read_some") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("too long\ntoo long\n");

    const auto refused = co_await as_outcome(io::read_line(ends.far, 3));
    const auto again = co_await as_outcome(io::read_line(ends.far, 3));
    const Line taken = co_await io::read_line(ends.far, 8);
    const auto third = co_await as_outcome(io::read_line(ends.far, 3));
    std::string room(100, ' ');
    const std::size_t got = co_await ends.far.read_some(room);

    CHECK(refused.check<ProtocolError>());
    CHECK(again.check<ProtocolError>());
    CHECK(taken == "too long");
    CHECK(third.check<ProtocolError>());
    CHECK(room.substr(0, got) == "too long\n");
  });
}

TEST_CASE("a line may be as long as is said, and 16 KiB if nothing is") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const std::string longest(16 << 10, 'x');
    const std::string longer(1 << 20, 'y');
    const std::string bytes = longest + "\r\n" + longest + "x\n" + longer + "\n";
    Spawned<void> writer = spawn(reactor, ends.near.write_all(bytes));

    const Line first = co_await io::read_line(ends.far);
    const auto second = co_await as_outcome(io::read_line(ends.far));
    const Line taken = co_await io::read_line(ends.far, longest.size() + 1);
    const Line third = co_await io::read_line(ends.far, no_limit);
    co_await std::move(writer);

    CHECK(first == longest);
    CHECK(what(second) == "read from " + ends.far.peer() + ": a line is longer than 16384 bytes");
    CHECK(taken == longest + "x");
    CHECK(third == longer);
  });
}

TEST_CASE("a cancelled read_line has consumed nothing") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("hel");
    Spawned<Line> reader = spawn(reactor, io::read_line(ends.far));
    co_await turns(3);

    reader.task().cancel();
    const auto cancelled = co_await as_outcome(std::move(reader));
    co_await ends.near.write_all("lo\n");
    const Line got = co_await io::read_line(ends.far);

    CHECK(cancelled.check<Cancelled>());
    CHECK(got == "hello");
  });
}

// A line feed that is put where it has looked before is not seen.
TEST_CASE("read_line does not look again at what it has looked at, also when it was cut") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("hello");
    for (int i = 0; i < 2; ++i) {
      Spawned<Line> reader = spawn(reactor, io::read_line(ends.far));
      co_await turns(3);
      REQUIRE(ends.far.buffered() == "hello");
      reader.task().cancel();
      static_cast<void>(co_await as_outcome(std::move(reader)));
    }

    const_cast<char&>(ends.far.buffered()[1]) = '\n';
    co_await ends.near.write_all("!\n");
    const Line got = co_await io::read_line(ends.far);

    CHECK(got == "h\nllo!");
  });
}
