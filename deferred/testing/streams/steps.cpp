// SPDX-License-Identifier: MIT
#include "deferred/testing/streams/steps.hpp"

#include <algorithm>
#include <system_error>

#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/tasks/spawn.hpp"
#include "deferred/yieldables/pause.hpp"

namespace deferred::testing::streams {

const std::string& much() {
  static const std::string bytes(std::size_t{32} << 20, 'm');
  return bytes;
}

Task<> turns(int count) {
  for (int i = 0; i < count; ++i) co_await Pause{};
}

Task<std::string> take_some(Stream& stream, std::size_t at_most) {
  std::string text(at_most, ' ');
  const std::size_t got = co_await stream.read_some(text);
  text.resize(got);
  co_return text;
}

Task<std::string> take(Stream& stream, std::size_t count, std::size_t at_once) {
  std::string all;
  while (all.size() < count) {
    const std::string piece = co_await take_some(stream, std::min(at_once, count - all.size()));
    if (piece.empty()) break;
    all += piece;
  }
  co_return all;
}

Task<> put(Stream& stream, std::string text) { co_await stream.write_all(text); }

Task<> put_in_pieces(Stream& stream, std::string text, std::size_t piece) {
  for (std::size_t at = 0; at < text.size(); at += piece) {
    co_await stream.write_all(std::string_view(text).substr(at, piece));
    co_await Pause{};
  }
}

Task<> put_and_close(Stream& stream, std::string text) {
  co_await stream.write_all(text);
  stream.close();
}

Task<std::string> fill(const Context& c, Stream& stream, std::string_view text) {
  std::string all;
  for (int refused = 0; refused < 3;) {  // on a busy machine a limit alone tells little
    const auto taken = co_await move_on_after(c.rest_time(), stream.write_some(text));
    if (!taken) {
      ++refused;
      continue;
    }
    refused = 0;
    all += text.substr(0, *taken);
    c.check(all.size() < much().size(), "a writer waits for its reader, if it has the trait clogs");
  }
  co_return all;
}

Task<Spawned<void>> stuck_writer(const Context& c, Stream& stream, std::string& expected) {
  expected += co_await fill(c, stream, pattern(50'000));
  while (true) {
    Spawned<void> writer = spawn(put(stream, pattern(300'000)));
    expected += pattern(300'000);
    co_await turns(3);
    if (!writer.done()) co_return writer;
    co_await std::move(writer);  // there was room after all
    c.check(expected.size() < much().size(), "a writer waits for its reader");
  }
}

Task<> drain(const Context& c, Stream& stream) {
  std::string room(1 << 20, ' ');
  while (true) {
    const auto got = co_await move_on_after(c.rest_time(), stream.read_some(room));
    if (!got || *got == 0) co_return;
  }
}

Task<> read_to_any_end(Stream& stream) {
  std::string room(1 << 16, ' ');
  try {
    for (std::size_t got = 1; got != 0;) got = co_await stream.read_some(room);
  } catch (const std::system_error&) {
  }
}

}  // namespace deferred::testing::streams
