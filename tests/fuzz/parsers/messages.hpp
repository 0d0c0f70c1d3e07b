// SPDX-License-Identifier: MIT
//
// What the targets of messages share: what some bytes are - as a whole, in pieces, and read from a
// stream to which they come in pieces - has to be the same.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/parsed_message.hpp"
#include "deferred/io/stream.hpp"
#include "deferred/reactor/reactor.hpp"
#include "deferred/tasks/task.hpp"
#include "tests/fuzz/parsers/target.hpp"

namespace deferred::fuzz {

/// What some bytes were.
class Decoded {
 public:
  std::vector<std::string> texts;
  std::string fault;     // none: the rest is a beginning
  std::size_t left = 0;  // how much is behind them

  friend bool operator==(const Decoded&, const Decoded&) = default;
};

/// Of `parse(bytes)`, which gives a message, or nothing, or throws std::system_error.
template <class Parse>
Decoded decoded_whole(std::string_view bytes, Parse parse) {
  Decoded all;
  try {
    while (const std::optional<io::ParsedMessage> found = parse(bytes)) {
      holds(found->size <= bytes.size(), "a message is a part of what was parsed");
      all.texts.emplace_back(found->text);
      bytes.remove_prefix(found->size);
    }
  } catch (const std::system_error& error) {
    all.fault = error.what();
  }
  all.left = bytes.size();
  return all;
}

/// The same for one who keeps what is left, and parses again when more has come. After a fault no
/// more is fed: what is left then counts what never came.
template <class Parse>
Decoded decoded_in_pieces(std::string_view bytes, std::size_t piece, Parse parse) {
  Decoded all;
  std::string kept;
  std::size_t fed = 0;
  in_pieces(bytes, piece, [&](std::string_view more) {
    fed += more.size();
    kept += more;
    Decoded now = decoded_whole(kept, parse);
    for (std::string& text : now.texts) all.texts.push_back(std::move(text));
    all.fault = now.fault;
    kept.erase(0, kept.size() - now.left);
    return all.fault.empty();
  });
  all.left = kept.size() + bytes.size() - fed;
  return all;
}

/// A transport to which pieces come, and then the end.
class InPieces final : public io::Transport {
 public:
  explicit InPieces(Reactor& reactor, std::deque<std::string> pieces)
      : Transport(reactor, "the peer", always_, always_),
        pieces_(std::move(pieces)),
        always_(reactor) {}

  std::optional<std::size_t> try_read(std::span<char> into) override {
    if (pieces_.empty()) return 0;
    std::string& first = pieces_.front();
    const std::size_t got = first.copy(into.data(), into.size());
    first.erase(0, got);
    if (first.empty()) pieces_.pop_front();
    return got;
  }
  std::optional<std::size_t> try_write(std::string_view data) override { return data.size(); }
  bool try_shutdown_write() override { return true; }

 private:
  class Always final : public io::Readiness {
   public:
    explicit Always(Reactor& reactor) noexcept : Readiness(reactor) {}

   private:
    void arm() override {
      later_ = reactor().call_later(Duration::zero(), [this] { report(); });
    }
    void disarm() noexcept override { later_.cancel(); }
    DelayedCall later_;
  };

  void do_close(io::Ending) noexcept override {}

  std::deque<std::string> pieces_;
  Always always_;
};

/// What `read(stream)` gives one after the other, and what is left in the stream when it gives no
/// more, or throws std::system_error.
template <class Read>
Decoded read_in_pieces(std::string_view bytes, std::size_t piece, Read read) {
  static Reactor reactor;
  std::deque<std::string> pieces;
  in_pieces(bytes, piece, [&](std::string_view more) {
    pieces.emplace_back(more);
    return true;
  });
  Decoded all;
  const auto read_all = [&]() -> Task<> {
    io::Stream stream = io::make_stream<InPieces>(reactor, std::move(pieces));
    try {
      while (true) {
        std::optional<std::string> text = co_await read(stream);
        if (!text) break;
        all.texts.push_back(*std::move(text));
      }
    } catch (const std::system_error& error) {
      all.fault = error.what();
    }
    const std::string left = co_await stream.read_to_end();
    all.left = left.size();
    holds(bytes.ends_with(left), "what was not read can be read");
  };
  reactor.run_until(read_all());
  return all;
}

/// What a stream's reader says of a fault that a parser finds.
inline std::string of_peer(const std::string& fault) { return "read from the peer: " + fault; }

}  // namespace deferred::fuzz
