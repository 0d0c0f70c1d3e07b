// SPDX-License-Identifier: MIT
#include "deferred/io/detail/joined_transport.hpp"

#include <utility>

#include "deferred/io/detail/transport_access.hpp"

namespace deferred::io::detail {

JoinedTransport::JoinedTransport(std::string peer, Stream in, Stream out)
    : Transport(in.reactor(), std::move(peer), in.transport().readable(),
                out.transport().writable()),
      in_(std::move(in)),
      out_(std::move(out)) {
  keeps_output = TransportAccess::keeps_output(out_.transport());
}

std::optional<std::size_t> JoinedTransport::try_read(std::span<char> into) {
  const auto got = in_.transport().try_read(into);
  drained = in_.transport().is_drained();
  return got;
}

std::optional<std::size_t> JoinedTransport::try_write(std::string_view data) {
  return out_.transport().try_write(data);
}

bool JoinedTransport::try_flush() { return out_.transport().try_flush(); }
bool JoinedTransport::try_shutdown_write() { return out_.transport().try_shutdown_write(); }

void JoinedTransport::do_close(Ending how) noexcept {
  in_.transport().close(how);
  out_.transport().close(how);
}

}  // namespace deferred::io::detail
