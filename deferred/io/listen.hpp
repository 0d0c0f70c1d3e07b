// SPDX-License-Identifier: MIT
//
// listen: a Listener at an address of this machine. Next: serve.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "deferred/io/descriptor.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/io/listener.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Listens from now on at what an endpoint says (endpoint.hpp), with the current network
/// (network.hpp):
///
///     tcp:HOST:PORT   with options `backlog=`, `share_port=yes`: as listen(HOST, PORT)
///     unix:PATH       with options `backlog=`, `mode=`, octal; unix:@NAME for an abstract name. A
///                     path that nobody listens at any more is replaced; at the end it is removed
///     fd:N            a socket that was handed down (systemd), as listen(Descriptor)
///
/// or of a kind that a library has added (endpoint_kinds.hpp). Options in the text go before those
/// of the call. Throws std::system_error: "listen on unix:/run/x: Address already in use", or
/// Errc::bad_endpoint.
DEFERRED_API Listener listen(std::string_view endpoint, const ListenOptions& options = {});
/// The same on another reactor than the running one.
DEFERRED_API Listener listen(Reactor& reactor, std::string_view endpoint,
                             const ListenOptions& options = {});

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

/// Over a socket that listens, which is the listener's from now on, and does not block any more:
/// one that was handed down, or made before a fork(). The path of a Unix one is left at the end.
/// Throws std::system_error; then it is closed.
DEFERRED_API Listener listen(Descriptor socket);
DEFERRED_API Listener listen(Reactor& reactor, Descriptor socket);

/// A listening socket of the system's, of tcp:HOST:PORT or unix:PATH, that needs no reactor: opened
/// before the privileges for it are given up, before a fork(), or once for each reactor of a
/// machine's cores (ListenOptions::share_port). Not of localhost, which is two. Throws as listen().
DEFERRED_API Descriptor open_listener(std::string_view endpoint, const ListenOptions& options = {});

}  // namespace deferred::io
