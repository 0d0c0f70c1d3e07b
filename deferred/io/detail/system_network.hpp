// SPDX-License-Identifier: MIT
//
// SystemNetwork: the Network of sockets.
#pragma once

#include "deferred/io/network.hpp"

namespace deferred::io::detail {

class SystemNetwork final : public Network {
 public:
  explicit SystemNetwork(Reactor& reactor) noexcept : reactor_(reactor) {}

  Task<Stream> connect(Address to) override;
  Listener listen(const Address& at, const ListenOptions& options) override;
  Datagram bind(const Address& at, const ListenOptions& options) override;
  Task<std::vector<Address>> look_up(std::string host) override;

 private:
  Reactor& reactor_;
};

}  // namespace deferred::io::detail
