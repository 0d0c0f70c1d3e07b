// SPDX-License-Identifier: MIT
//
// JoinedTransport: two streams as one, of which one is read and the other written: standard input
// and output, a child's output and input.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "deferred/io/stream.hpp"
#include "deferred/io/transport.hpp"

namespace deferred::io::detail {

/// Its errors name the stream they come from; what closes it closes both.
class JoinedTransport : public Transport {
 public:
  /// REQUIRES: both are open, on one reactor, and nobody waits on them or has buffered anything.
  JoinedTransport(std::string peer, Stream in, Stream out);

  std::optional<std::size_t> try_read(std::span<char> into) override;
  std::optional<std::size_t> try_write(std::string_view data) override;
  bool try_flush() override;
  bool try_shutdown_write() override;

 protected:
  void do_close(Ending how) noexcept override;

 private:
  Stream in_;
  Stream out_;
};

}  // namespace deferred::io::detail
