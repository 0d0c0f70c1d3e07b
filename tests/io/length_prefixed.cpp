// SPDX-License-Identifier: MIT
#include "deferred/io/length_prefixed.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "reactors/virtual_time.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using namespace std::chrono_literals;
using io::Errc;
using io::ProtocolError;
using Message = std::optional<std::string>;

namespace {

constexpr std::size_t no_limit = static_cast<std::size_t>(-1);

template <class... I>
std::string bytes(I... all) {
  return {static_cast<char>(all)...};
}

/// The message that bytes begin with, in brackets and with its size, or what else they are.
template <class N>
std::string message_of(std::string_view in, std::size_t limit) {
  try {
    const auto found = io::parse_prefixed<N>(in, limit);
    if (!found) return "a beginning";
    return "[" + std::string(found->text) + "] of " + std::to_string(found->size);
  } catch (const ProtocolError& error) {
    return error.what();
  }
}

template <class N>
std::string error_of_encoding(std::size_t size) {
  try {
    return io::encode_prefixed<N>(std::string(size, 'x')).size() == size + sizeof(N) ? "" : "size";
  } catch (const std::length_error& error) {
    return error.what();
  }
}

template <class N>
void read_back(Reactor& reactor, std::size_t size) {
  const auto body = [size](Reactor& on) -> Task<> {
    Ends ends = co_await connected(on);
    const std::string text = pattern(size);
    Spawned<void> writer = spawn(on, io::write_prefixed<N>(ends.near, text));

    const Message got = co_await io::read_prefixed<N>(ends.far);
    co_await std::move(writer);

    CHECK(got == text);
    CHECK(ends.near.bytes_written() == size + sizeof(N));
    CHECK(ends.far.buffered().empty());
  };
  run_on(reactor, body);
}

}  // namespace

TEST_CASE("a prefixed message is its length, the highest byte first, and its bytes") {
  CHECK(io::encode_prefixed<std::uint8_t>("hello") == bytes(5) + "hello");
  CHECK(io::encode_prefixed<std::uint16_t>("hello") == bytes(0, 5) + "hello");
  CHECK(io::encode_prefixed<std::uint32_t>("hello") == bytes(0, 0, 0, 5) + "hello");
  CHECK(io::encode_prefixed<std::uint64_t>("hello") == bytes(0, 0, 0, 0, 0, 0, 0, 5) + "hello");
  CHECK(io::encode_prefixed<std::uint32_t>("") == bytes(0, 0, 0, 0));
  const std::string text = pattern(0x1f203);
  CHECK(io::encode_prefixed<std::uint32_t>(text) == bytes(0, 1, 0xf2, 3) + text);
}

TEST_CASE("a message that is too long for its length is a std::length_error") {
  CHECK(error_of_encoding<std::uint8_t>(255).empty());
  CHECK(error_of_encoding<std::uint8_t>(256) ==
        "a message of 256 bytes, where the length before it ends at 255");
  CHECK(error_of_encoding<std::uint16_t>(65535).empty());
  CHECK(error_of_encoding<std::uint16_t>(65536) ==
        "a message of 65536 bytes, where the length before it ends at 65535");
}

TEST_CASE("a message is found as soon as all of it is there") {
  const std::string whole = bytes(0, 3) + "abcdef";
  for (std::size_t size = 0; size < 5; ++size) {
    CHECK(message_of<std::uint16_t>(whole.substr(0, size), 10) == "a beginning");
  }
  CHECK(message_of<std::uint16_t>(whole.substr(0, 5), 10) == "[abc] of 5");
  CHECK(message_of<std::uint16_t>(whole, 10) == "[abc] of 5");
  CHECK(message_of<std::uint8_t>(bytes(0) + "x", 10) == "[] of 1");
  CHECK(message_of<std::uint64_t>(bytes(0, 0, 0, 0, 0, 0, 0, 1) + "xy", 10) == "[x] of 9");
}

TEST_CASE("a length over the limit is refused as soon as it is there") {
  CHECK(message_of<std::uint8_t>(bytes(3), 3) == "a beginning");
  CHECK(message_of<std::uint8_t>(bytes(4), 3) == "a message of 4 bytes is longer than 3 bytes");
  CHECK(message_of<std::uint8_t>(bytes(0), 0) == "[] of 1");
  CHECK(message_of<std::uint8_t>(bytes(1), 0) == "a message of 1 bytes is longer than 0 bytes");
  CHECK(message_of<std::uint32_t>(bytes(0x80, 0, 0), 3) == "a beginning");
  CHECK(message_of<std::uint32_t>(bytes(0x80, 0, 0, 0), 1000) ==
        "a message of 2147483648 bytes is longer than 1000 bytes");
  const std::string most(8, '\xff');
  CHECK(message_of<std::uint64_t>(most, 1000) ==
        "a message of 18446744073709551615 bytes is longer than 1000 bytes");
  CHECK(message_of<std::uint64_t>(most, no_limit) == "a beginning");
  CHECK(message_of<std::uint64_t>(most + "abc", no_limit) == "a beginning");
}

TEST_CASE("what is written with a length of any type is read with it") {
  Reactor reactor;
  for (const std::size_t size : {0, 1, 255}) read_back<std::uint8_t>(reactor, size);
  for (const std::size_t size : {0, 256, 65535}) read_back<std::uint16_t>(reactor, size);
  for (const std::size_t size : {0, 65536, 1 << 20}) read_back<std::uint32_t>(reactor, size);
  for (const std::size_t size : {0, 300, 1 << 20}) read_back<std::uint64_t>(reactor, size);
  read_back<unsigned long long>(reactor, 5);
}

TEST_CASE("read_prefixed reads one and leaves what follows to the next reader") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all(bytes(5) + "hello" + bytes(0, 0, 2) + "okrest");
    ends.near.close();

    const Message first = co_await io::read_prefixed<std::uint8_t>(ends.far);
    const Message second = co_await io::read_prefixed<std::uint8_t>(ends.far);
    const Message third = co_await io::read_prefixed<std::uint16_t>(ends.far);
    const std::string rest = co_await ends.far.read_to_end();

    CHECK(first == "hello");
    CHECK(second == "");
    CHECK(third == "ok");
    CHECK(rest == "rest");
  });
}

TEST_CASE("read_prefixed waits for the rest, byte by byte") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    const auto drip = [&ends]() -> Task<> {
      const std::string whole = io::encode_prefixed<std::uint32_t>("slowly, slowly");
      for (const char& byte : whole) {
        co_await ends.near.write_all(std::string_view(&byte, 1));
        co_await Pause{};
      }
    };
    spawn(reactor, drip);

    const Message got = co_await io::read_prefixed<std::uint32_t>(ends.far);

    CHECK(got == "slowly, slowly");
  });
}

TEST_CASE("read_prefixed gives nothing where the peer has ended between two messages") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await io::write_prefixed<std::uint32_t>(ends.near, "last");
    ends.near.close();

    const Message last = co_await io::read_prefixed<std::uint32_t>(ends.far);
    const Message end = co_await io::read_prefixed<std::uint32_t>(ends.far);
    const Message again = co_await io::read_prefixed<std::uint32_t>(ends.far);

    CHECK(last == "last");
    CHECK_FALSE(end);
    CHECK_FALSE(again);
  });
}

TEST_CASE("read_prefixed says who ended inside of a message") {
  run([](Reactor& reactor) -> Task<> {
    const std::string whole = io::encode_prefixed<std::uint32_t>("hi");
    for (std::size_t size = 1; size < whole.size(); ++size) {
      Ends ends = co_await connected(reactor);
      co_await ends.near.write_all(whole.substr(0, size));
      ends.near.close();

      const auto got = co_await as_outcome(io::read_prefixed<std::uint32_t>(ends.far));

      CAPTURE(size);
      CHECK(failed_with(got, Errc::ended));
      CHECK(what(got) ==
            "read a message from " + ends.far.peer() + ": the peer closed before all had come");
    }
  });
}

TEST_CASE("read_prefixed refuses too long a message before its bytes come, and has taken nothing") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all(bytes(0, 16, 0, 1));

    const auto refused = co_await as_outcome(io::read_prefixed<std::uint32_t>(ends.far));

    CHECK(failed_with(refused, Errc::protocol));
    CHECK(what(refused) == "read from " + ends.far.peer() +
                               ": a message of 1048577 bytes is longer than 1048576 bytes");
    CHECK(ends.far.buffered() == bytes(0, 16, 0, 1));
  });
}

TEST_CASE("a cancelled read_prefixed has consumed nothing") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    co_await ends.near.write_all(bytes(0, 5) + "he");
    Spawned<Message> reader = spawn(reactor, io::read_prefixed<std::uint16_t>(ends.far));
    co_await turns(3);

    reader.task().cancel();
    const auto cancelled = co_await as_outcome(std::move(reader));
    co_await ends.near.write_all("llo");
    const Message got = co_await io::read_prefixed<std::uint16_t>(ends.far);

    CHECK(cancelled.check<Cancelled>());
    CHECK(got == "hello");
  });
}

TEST_CASE("write_prefixed has a copy of its bytes") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);
    std::string text = "hello";
    Task<> write = io::write_prefixed<std::uint16_t>(ends.near, text);
    text = "other";

    co_await std::move(write);
    const Message got = co_await io::read_prefixed<std::uint16_t>(ends.far);

    CHECK(got == "hello");
  });
}

TEST_CASE("write_prefixed of what its length cannot say throws, and writes nothing") {
  run([](Reactor& reactor) -> Task<> {
    Ends ends = co_await connected(reactor);

    CHECK_THROWS_AS(static_cast<void>(io::write_prefixed<std::uint8_t>(ends.near, pattern(256))),
                    std::length_error);

    CHECK(ends.near.bytes_written() == 0);
    co_return;
  });
}

TEST_CASE("a write_prefixed that is cut in its middle leaves a stream that refuses to write on") {
  reactors::VirtualTime time;
  Reactor reactor{time};
  run_on(reactor, [](Reactor& on) -> Task<> {
    Ends ends = co_await connected(on);
    const std::string large = pattern(64 << 20);

    const auto cut =
        co_await as_outcome(with_timeout(1s, io::write_prefixed<std::uint32_t>(ends.near, large)));
    const auto after = co_await as_outcome(io::write_prefixed<std::uint32_t>(ends.near, "x"));

    CHECK(cut.check<TimeoutError>());
    CHECK(failed_with(after, Errc::cut_write));
    CHECK(what(after) == "write to " + ends.near.peer() + ": an earlier write was cut after " +
                             std::to_string(ends.near.bytes_written()) + " of " +
                             std::to_string(large.size() + 4) + " bytes: an earlier write was cut");
  });
}
