// SPDX-License-Identifier: MIT
//
// bind: a Datagram at an address of this machine; connect_datagram: one for a peer. Next:
// datagram.hpp.
#pragma once

#include <string>
#include <string_view>

#include "deferred/io/connect_options.hpp"
#include "deferred/io/datagram.hpp"
#include "deferred/io/descriptor.hpp"
#include "deferred/io/listen_options.hpp"
#include "deferred/memory/api.hpp"

namespace deferred::io {

/// Receives from now on at what an endpoint says (endpoint.hpp), with the current network
/// (network.hpp), and sends from there:
///
///     udp:HOST:PORT   an IPv4 or IPv6 address of this machine; `*` is everywhere, both by IPv4 and
///                     IPv6; port 0 picks a free one. With option `share_port=yes`. Not localhost,
///                     which is two
///     unixgram:PATH   with option `mode=`, octal; unixgram:@NAME for an abstract name. A path that
///                     is nobody's any more is replaced; at the end it is removed
///     fd:N            a socket that was handed down (systemd), as adopt_datagram(Descriptor)
///
/// or of a kind that a library has added (endpoint_kinds.hpp). Options in the text go before those
/// of the call. What is sent from everywhere leaves by the address that the machine finds best,
/// which need not be the one that was asked. Throws std::system_error: "bind to 127.0.0.1:53:
/// Permission denied", or Errc::bad_endpoint. (Twisted: listenUDP, listenUNIXDatagram)
DEFERRED_API Datagram bind(std::string_view endpoint, const ListenOptions& options = {});
/// The same on another reactor than the running one.
DEFERRED_API Datagram bind(Reactor& reactor, std::string_view endpoint,
                           const ListenOptions& options = {});

/// A Datagram with a free address of its own and the endpoint as its peer: "udp:example.org:53",
/// "unixgram:/run/x", "fd:3". Of several addresses of a host it takes the first that can be
/// reached, as far as the routes of this machine tell: whether somebody receives there is not
/// asked, and what it refuses is an error of a later call. Throws std::system_error, "connect to
/// unix:/run/x: Connection refused", or Errc::bad_endpoint. `limit` is for the look-up of a name.
/// (Twisted: connectUNIXDatagram)
DEFERRED_API Task<Datagram> connect_datagram(std::string endpoint, ConnectOptions options = {});

/// Over a socket of datagrams, of UDP or Unix, which is the Datagram's from now on; that it blocks,
/// or does not, is left as it is. One that is connected has that peer. The path of a Unix one is
/// left at the end. Throws std::system_error, "adopt descriptor 5"; then it is closed.
DEFERRED_API Datagram adopt_datagram(Descriptor socket);
DEFERRED_API Datagram adopt_datagram(Reactor& reactor, Descriptor socket);

}  // namespace deferred::io
