// SPDX-License-Identifier: MIT
#include "deferred/io/netstring.hpp"

#include <optional>
#include <vector>

#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::NetstringDecoder;
using io::NetstringError;

namespace {

const std::vector<std::string> texts = {
    "", "hello", ",", "3:abc,", std::string("\0\n:", 3), "12 letters x", "ends"};

std::string all_encoded() {
  std::string bytes;
  for (const std::string& text : texts) bytes += io::encode_netstring(text);
  return bytes;
}

void take_all(NetstringDecoder& decoder, std::vector<std::string>& into) {
  while (auto text = decoder.next()) into.push_back(*std::move(text));
}

std::string error_of(std::string_view bytes, std::size_t limit) {
  try {
    return io::parse_netstring(bytes, limit) ? "whole" : "a beginning";
  } catch (const NetstringError& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("a netstring is a length, a colon, the bytes and a comma") {
  CHECK(io::encode_netstring("hello") == "5:hello,");
  CHECK(io::encode_netstring("") == "0:,");
  CHECK(io::encode_netstring(std::string(12, 'x')) == "12:xxxxxxxxxxxx,");
}

TEST_CASE("netstrings that come in pieces of any size are decoded") {
  const std::string bytes = all_encoded();
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    NetstringDecoder decoder;
    std::vector<std::string> got;

    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      decoder.feed(std::string_view(bytes).substr(at, piece));
      take_all(decoder, got);
    }

    CAPTURE(piece);
    CHECK(got == texts);
    CHECK(decoder.pending() == 0);
  }
}

TEST_CASE("netstrings that are cut at any two places are decoded") {
  const std::string bytes = all_encoded();
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      NetstringDecoder decoder;
      std::vector<std::string> got;

      decoder.feed(bytes.substr(0, first));
      take_all(decoder, got);
      decoder.feed(bytes.substr(first, second - first));
      take_all(decoder, got);
      decoder.feed(bytes.substr(second));
      take_all(decoder, got);

      CHECK(got == texts);
    }
  }
}

TEST_CASE("netstrings that are fed all at once are taken one by one") {
  NetstringDecoder decoder;
  decoder.feed(all_encoded() + "3:ab");
  std::vector<std::string> got;

  take_all(decoder, got);

  CHECK(got == texts);
  CHECK(decoder.pending() == 4);
}

TEST_CASE("bytes that cannot become a netstring are refused, with what is wrong") {
  struct Row {
    std::string bytes;
    std::string expected;
  };
  const std::vector<Row> rows = {
      {"", "a beginning"},
      {"1", "a beginning"},
      {"10", "a beginning"},
      {"10:", "a beginning"},
      {"3:abc", "a beginning"},
      {"0", "a beginning"},
      {"0:", "a beginning"},
      {"0:,", "whole"},
      {"10:0123456789,", "whole"},
      {":", "netstring: begins with ':' where a digit should be"},
      {"x", "netstring: begins with 'x' where a digit should be"},
      {"-1:", "netstring: begins with '-' where a digit should be"},
      {" 1:", "netstring: begins with byte 32 where a digit should be"},
      {"\xff", "netstring: begins with byte 255 where a digit should be"},
      {"00:,", "netstring: its length begins with a zero"},
      {"03:abc,", "netstring: its length begins with a zero"},
      {"1;", "netstring: ';' after the length, not a colon"},
      {"1 :", "netstring: byte 32 after the length, not a colon"},
      {"3:abcd", "netstring: 'd' after its 3 bytes, not a comma"},
      {"0:0:,", "netstring: '0' after its 0 bytes, not a comma"},
      {"3:abc\n", "netstring: byte 10 after its 3 bytes, not a comma"},
      {"11", "netstring: longer than the limit of 10 bytes"},
      {"11:", "netstring: longer than the limit of 10 bytes"},
      {"100", "netstring: longer than the limit of 10 bytes"},
      {"99999999999999999999999", "netstring: longer than the limit of 10 bytes"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.bytes);
    CHECK(error_of(row.bytes, 10) == row.expected);
  }
}

TEST_CASE("the limit is exact, from nothing to the largest length") {
  const std::size_t largest = static_cast<std::size_t>(-1);
  CHECK(error_of("0:,", 0) == "whole");
  CHECK(error_of("1", 0) == "netstring: longer than the limit of 0 bytes");
  CHECK(error_of("9:", 9) == "a beginning");
  CHECK(error_of("10:", 9) == "netstring: longer than the limit of 9 bytes");
  CHECK(error_of(std::to_string(largest) + ":", largest) == "a beginning");
  CHECK(error_of(std::to_string(largest) + "0", largest) ==
        "netstring: longer than the limit of " + std::to_string(largest) + " bytes");
}

TEST_CASE("a decoder gives what came before a fault, and then the fault each time") {
  NetstringDecoder decoder;
  decoder.feed("2:ok,2:no;");

  CHECK(decoder.next() == "ok");
  CHECK_THROWS_AS(decoder.next(), NetstringError);
  CHECK_THROWS_AS(decoder.next(), NetstringError);
}

TEST_CASE("read_netstring reads one and leaves what follows to the next reader") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("5:hello,0:,5:worldno");

    // What follows them in the stream is no netstring, and nobody minds yet.
    ends.near.close();
    const auto first = co_await as_outcome(io::read_netstring(ends.far));
    const auto second = co_await as_outcome(io::read_netstring(ends.far));
    const auto third = co_await as_outcome(io::read_netstring(ends.far));
    const std::string rest = co_await ends.far.read_to_end();

    REQUIRE(first.has_value());
    CHECK(*first == "hello");
    REQUIRE(second.has_value());
    CHECK(*second == "");
    CHECK(what(third) ==
          "read from " + ends.far.peer() + ": netstring: 'n' after its 5 bytes, not a comma");
    CHECK(rest == "5:worldno");
  });
}

TEST_CASE("read_netstring waits for the rest, byte by byte") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    auto drip = [&ends]() -> Task<void> {
      const std::string bytes = io::encode_netstring("slowly, slowly");
      for (const char& byte : bytes) {
        co_await ends.near.write_all(std::string_view(&byte, 1));
        co_await Pause{};
      }
    };
    spawn(reactor, drip);

    const auto got = co_await io::read_netstring(ends.far);

    CHECK(got == "slowly, slowly");
  });
}

TEST_CASE("read_netstring gives nothing where the peer has ended between two") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("5:hello,");
    ends.near.close();

    const auto last = co_await io::read_netstring(ends.far);
    const auto end = co_await io::read_netstring(ends.far);
    const auto again = co_await io::read_netstring(ends.far);

    CHECK(last == "hello");
    CHECK_FALSE(end);
    CHECK_FALSE(again);
  });
}

TEST_CASE("read_netstring says who ended inside of one") {
  run([](Reactor& reactor) -> Task<void> {
    for (const std::string sent : {"5", "5:hel", "5:hello"}) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all(sent);
      ends.near.close();

      const auto got = co_await as_outcome(io::read_netstring(ends.far));

      CHECK(failed_with(got, io::Errc::ended));
      CHECK(what(got) ==
            "read a netstring from " + ends.far.peer() + ": the peer closed before all had come");
    }
  });
}

TEST_CASE("read_netstring refuses too long a one before its bytes come") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("101:");

    const auto got = co_await as_outcome(io::read_netstring(ends.far, 100));

    CHECK(what(got) ==
          "read from " + ends.far.peer() + ": netstring: longer than the limit of 100 bytes");
  });
}

TEST_CASE("a cancelled read_netstring has consumed nothing") {
  run([](Reactor& reactor) -> Task<void> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all("5:he");
    Spawned<std::optional<std::string>> reader = spawn(reactor, io::read_netstring(ends.far));
    co_await turns(3);

    reader.task().cancel();
    const auto cancelled = co_await as_outcome(std::move(reader));
    co_await ends.near.write_all("llo,");
    const auto got = co_await io::read_netstring(ends.far);

    CHECK(cancelled.check<Cancelled>());
    CHECK(got == "hello");
  });
}
