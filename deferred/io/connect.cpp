// SPDX-License-Identifier: MIT
#include "deferred/io/connect.hpp"

#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "deferred/io/detail/endpoint_kinds.hpp"
#include "deferred/io/detail/happy_eyeballs.hpp"
#include "deferred/io/detail/hosts.hpp"
#include "deferred/io/errors.hpp"
#include "deferred/io/network.hpp"
#include "deferred/tasks/cancel_scope.hpp"
#include "deferred/yieldables/cancel_point.hpp"

namespace deferred::io {
namespace {

Task<Stream> connect_to(Network& network, std::string host, std::uint16_t port,
                        detail::Attempts& attempts) {
  std::vector<Address> found = co_await detail::addresses_of(network, std::move(host), port);
  co_return co_await attempts.run(std::move(found));
}

}  // namespace

Task<Stream> connect(std::string endpoint, ConnectOptions options) {
  co_await cancel_point;
  Endpoint parsed = Endpoint::parse(endpoint);
  const auto kind = Reactor::current().service<detail::Kinds>().of(parsed);
  Task<Stream> connecting = kind->connect(std::move(parsed), options);
  co_return co_await unlisted(std::move(connecting));
}

Task<Stream> connect(std::string host, std::uint16_t port, ConnectOptions options) {
  co_await cancel_point;
  Network& network = current_network();
  detail::Attempts attempts("connect to " + host_and_port(host, port), network, options.stagger);
  Task<Stream> connecting = connect_to(network, std::move(host), port, attempts);
  std::optional<Stream> stream = co_await move_on_after(options.limit, std::move(connecting));
  if (!stream) attempts.fail(std::make_error_code(std::errc::timed_out));
  co_return std::move(*stream);
}

}  // namespace deferred::io
