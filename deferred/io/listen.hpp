// SPDX-License-Identifier: MIT
//
// listen: a Listener at an address of this machine. Next: serve.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "deferred/io/listen_options.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Listens from now on, at an IPv4 or IPv6 address of this machine, with the current network
/// (network.hpp). "localhost" is both [::1] and 127.0.0.1, where there are both, with the same
/// port; "*" is everywhere, which is meant to be written down: "" is refused. "::" takes those who
/// come by IPv4 too. Port 0 picks a free one. Throws std::system_error: "listen on 127.0.0.1:80:
/// Permission denied".
DEFERRED_API Listener listen(std::string_view host, std::uint16_t port,
                             const ListenOptions& options = {});
/// The same on another reactor than the running one.
DEFERRED_API Listener listen(Reactor& reactor, std::string_view host, std::uint16_t port,
                             const ListenOptions& options = {});

}  // namespace deferred::io
