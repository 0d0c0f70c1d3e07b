// SPDX-License-Identifier: MIT
//
// A conversation that ends at each of its bytes: by a reset, or as its sender says no more.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "deferred/io.hpp"
#include "deferred/tasks/nursery.hpp"
#include "tests/io/loopback.hpp"

using namespace deferred;
using namespace deferred::testing;
using io::Errc;
using io::Listener;
using io::ServeOptions;
using io::Stream;

namespace {

// Three messages that are sent at once, each a line and a netstring.
constexpr std::string_view conversation = "one\n5:hello,two\r\n0:,three\n12:twelve bytes,";
constexpr std::size_t message_ends[] = {12, 20, conversation.size()};

std::size_t whole_messages(std::size_t bytes) {
  std::size_t whole = 0;
  for (const std::size_t end : message_ends) whole += bytes >= end ? 1 : 0;
  return whole;
}
bool ends_a_message(std::size_t bytes) {
  const auto* const last = std::end(message_ends);
  return bytes == 0 || std::find(std::begin(message_ends), last, bytes) != last;
}

/// Answers each message; counts them.
Task<> answer_all(Stream& stream, std::size_t& answered) {
  while (true) {
    const std::optional<std::string> line = co_await io::read_line(stream);
    if (!line) co_return;
    const std::optional<std::string> text = co_await io::read_netstring(stream);
    if (!text) throw std::system_error(Errc::ended, "read from " + stream.peer());
    co_await stream.write_all("ok\n");
    ++answered;
  }
}

/// How the peer ends what it sends.
enum class Way { reset, half_close };

/// Sends so much, waits until it has been read, and ends. Gives the answers.
Task<std::string> send_and_end(Stream& stream, std::size_t bytes, const Stream& reader, Way way) {
  co_await stream.write_all(conversation.substr(0, bytes));
  while (reader.bytes_read() < bytes) co_await Pause{};
  if (way == Way::reset) {
    stream.abort();
    co_return "";
  }
  co_await stream.shutdown_write();
  co_return co_await stream.read_to_end();
}

Task<> answer_and_close(Stream& stream, std::size_t& answered, std::optional<Outcome<void>>& end) {
  end = co_await as_outcome(answer_all(stream, answered));
  stream.close();
}

struct Cut {
  std::size_t answered = 0;
  std::string heard;
  std::string peer;
  std::optional<Outcome<void>> end;
};

/// Of the two ends of a connection one answers what the other sends.
Task<Cut> cut_at(Stream& answering, Stream& sending, std::size_t bytes, Way way) {
  Cut cut;
  cut.peer = answering.peer();
  const auto both = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(answer_and_close(answering, cut.answered, cut.end));
    cut.heard = co_await send_and_end(sending, bytes, answering, way);
  };
  co_await with_nursery(both);
  co_return cut;
}

}  // namespace

TEST_CASE(
    "who is reset at any byte has what came whole before, and then one error, at either end") {
  run([](Reactor& reactor) -> Task<> {
    const auto before = open_descriptors();
    for (std::size_t bytes = 0; bytes <= conversation.size(); ++bytes) {
      for (const bool is_client : {false, true}) {
        CAPTURE(bytes);
        CAPTURE(is_client);
        Ends ends = co_await connected(reactor);
        Stream& answering = is_client ? ends.near : ends.far;
        Stream& sending = is_client ? ends.far : ends.near;

        const Cut cut = co_await cut_at(answering, sending, bytes, Way::reset);

        CHECK(cut.answered == whole_messages(bytes));
        CHECK(what(*cut.end) == "read from " + cut.peer + ": Connection reset by peer");
      }
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("whose peer says no more at any byte answers what came whole, and says what did not") {
  run([](Reactor& reactor) -> Task<> {
    const auto before = open_descriptors();
    for (std::size_t bytes = 0; bytes <= conversation.size(); ++bytes) {
      for (const bool is_client : {false, true}) {
        CAPTURE(bytes);
        CAPTURE(is_client);
        Ends ends = co_await connected(reactor);
        Stream& answering = is_client ? ends.near : ends.far;
        Stream& sending = is_client ? ends.far : ends.near;

        const Cut cut = co_await cut_at(answering, sending, bytes, Way::half_close);

        const std::size_t whole = whole_messages(bytes);
        CHECK(cut.answered == whole);
        CHECK(cut.heard == std::string("ok\nok\nok\n").substr(0, 3 * whole));
        CHECK(cut.end->has_value() == ends_a_message(bytes));
        if (!cut.end->has_value()) {
          CHECK(cut.end->check<std::system_error>());
          CHECK(what(*cut.end).find(cut.peer) != std::string::npos);
        }
      }
    }
    CHECK(open_descriptors() == before);
  });
}

TEST_CASE("of connections that are reset at any byte, unread, a server loses each, and no other") {
  run([](Reactor&) -> Task<> {
    Listener listener = io::listen("127.0.0.1", 0);
    const auto before = open_descriptors();
    std::size_t errors = 0;
    std::size_t ended = 0;
    ServeOptions options;
    options.on_error = [&errors](const std::exception&) { ++errors; };
    const auto handler = [&ended](Stream stream) -> Task<> {
      std::size_t answered = 0;
      const auto end = co_await as_outcome(answer_all(stream, answered));
      ++ended;
      stream.close();
      end.value();
    };
    const auto both = [&](Nursery& nursery) -> Task<> {
      nursery.spawn(io::serve(listener, handler, options));
      Stream good = co_await io::connect("127.0.0.1", listener.port());
      for (std::size_t bytes = 0; bytes <= conversation.size(); ++bytes) {
        Stream bad = co_await io::connect("127.0.0.1", listener.port());
        co_await bad.write_all(conversation.substr(0, bytes));
        bad.abort();
      }
      co_await good.write_all(conversation);
      co_await good.shutdown_write();
      const std::string answers = co_await good.read_to_end();
      CHECK(answers == "ok\nok\nok\n");
      // Some were gone before they were accepted.
      while (open_descriptors() > before + 1) co_await Pause{};
      listener.close();
    };
    co_await with_nursery(both);

    CHECK(ended >= 1);
    CHECK(errors <= conversation.size() + 1);
  });
}
