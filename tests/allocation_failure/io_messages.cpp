// SPDX-License-Identifier: MIT
//
// Messages over streams, and their parsers: lines and prefixed ones.
#include <cstdint>
#include <optional>
#include <string>

#include "tests/allocation_failure/io_ends.hpp"
#include "tests/allocation_failure/programs.hpp"

namespace deferred::testing {
namespace {

using Message = std::optional<std::string>;

// Not in the string itself.
const char* const hello = "hello to all of those who read";
const char* const again = "once again to those who read on";

// What came is kept, whatever fails: a reader of messages goes on.
template <class F>
void reading(Reactor& reactor, std::string_view bytes, F read_one) {
  Ends ends = connected(reactor);
  say(reactor, ends.near, bytes);
  const auto read = [&]() -> Task<Message> { co_return co_await read_one(ends.far); };
  for (const char* const expected : {hello, again}) {
    Outcome<Message> got{Message()};
    try {
      got = end_of(reactor, read);
    } catch (const std::bad_alloc&) {
      got = Failure::current();
    }
    if (!got.has_value()) {
      right(out_of_memory(got), "another error");
      const AllocationsSucceed memory;
      got = end_of(reactor, read);
      right(got.has_value(), "a read after one that failed does not read");
    }
    right(*got == expected, "a message is lost");
  }
  right(ends.far.find_buffered('x') == std::string_view::npos, "there is more");
}
void reading_lines(Reactor& reactor) {
  reading(reactor, "hello to all of those who read\r\nonce again to those who read on\n",
          [](io::Stream& stream) { return io::read_line(stream); });
}
void reading_prefixed(Reactor& reactor) {
  reading(reactor, "\x1ehello to all of those who read\x1fonce again to those who read on",
          [](io::Stream& stream) { return io::read_prefixed<std::uint8_t>(stream); });
}
// A message that is written is written once, as a whole.
void writing_prefixed(Reactor& reactor) {
  Ends ends = connected(reactor);
  const auto write = [&ends]() -> Task<> {
    co_await io::write_prefixed<std::uint32_t>(ends.near, hello);
  };
  const Outcome<void> written = end_of(reactor, write);
  has_value_or_no_memory(written);
  const AllocationsSucceed memory;
  if (!written.has_value()) {
    right(ends.near.bytes_written() == 0, "a write that failed has written something");
    right(end_of(reactor, write).has_value(), "a write after one that failed does not write");
  }
  const auto got = end_of(reactor, spawn(reactor, io::read_prefixed<std::uint32_t>(ends.far)));
  right(got.has_value() && *got == hello && ends.far.buffered().empty(), "another message");
}

// What is wrong is told as that if there is memory for its text, and else as std::bad_alloc.
void parsers(Reactor&) {
  const auto line = io::parse_line("hello\r\n", 100);
  right(line && line->text == "hello" && line->size == 7, "a line is found");
  const std::string encoded = io::encode_prefixed<std::uint16_t>(hello);
  const auto message = io::parse_prefixed<std::uint16_t>(encoded, 100);
  right(message && message->text == hello && message->size == 32, "a message is found");
  try {
    static_cast<void>(io::parse_line("hello", 2));
    right(false, "a line is not too long");
  } catch (const io::ProtocolError&) {
  }
  try {
    static_cast<void>(io::parse_prefixed<std::uint16_t>(encoded, 2));
    right(false, "a message is not too long");
  } catch (const io::ProtocolError&) {
  }
}

}  // namespace

Programs io_message_programs() {
  return {
      {"read_line",
       {"deferred::io::read_line()", "deferred::io::Stream::find_buffered()"},
       &reading_lines},
      {"read_prefixed", {"deferred::io::read_prefixed()"}, &reading_prefixed},
      {"write_prefixed", {"deferred::io::write_prefixed()"}, &writing_prefixed},
      {"parsers of messages",
       {"deferred::io::parse_line()", "deferred::io::encode_prefixed()",
        "deferred::io::parse_prefixed()"},
       &parsers},
  };
}

}  // namespace deferred::testing
