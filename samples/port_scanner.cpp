// SPDX-License-Identifier: MIT
//
// Shows: bounded parallelism over a network: 500 addresses are tried, 50 at a time, each with a
// limit; a Ctrl-C ends it with what it has found so far. Progress goes to standard error.
// Prints: where somebody listens, and how many addresses were tried. With a host and two numbers,
// it scans these ports of that host; without, addresses of this machine where three listen.
#include <algorithm>
#include <cstdlib>
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>
#include <vector>

using namespace deferred;
using namespace std::chrono_literals;

struct Scan {
  std::vector<std::string> open;
  int tried = 0;
};

Task<> try_one(const io::Address& address, Scan& scan) {
  try {
    io::Stream stream =
        co_await io::connect(address.host(), address.port(), io::ConnectOptions(2s));
    scan.open.push_back(stream.peer());
  } catch (const std::system_error&) {  // nobody is there
  }
  if (++scan.tried % 100 == 0) std::cerr << scan.tried << " tried\n";
}

Task<> scan_all(const std::vector<io::Address>& addresses, Scan& scan) {
  const auto one = [&scan](const io::Address& address) { return try_one(address, scan); };
  try {
    co_await for_each_at_most(50, addresses, one);
  } catch (const Cancelled&) {  // by Ctrl-C: run() does that
    std::cout << "interrupted\n";
  }
}

Task<int> scan_ports(std::string host, int first, int last) {
  std::vector<io::Address> addresses;
  for (int port = first; port <= last; ++port) {
    addresses.push_back(io::Address::ip(host, static_cast<std::uint16_t>(port)).value());
  }
  Scan scan;
  co_await scan_all(addresses, scan);
  for (const std::string& peer : scan.open) std::cout << peer << '\n';
  std::cout << scan.tried << " of " << addresses.size() << " tried\n";
  co_return 0;
}

Task<int> scan_this_machine() {
  // All of 127.0.0.0/8 is this machine.
  std::vector<io::Listener> listeners;
  std::uint16_t port = 0;
  for (const char* host : {"127.0.0.7", "127.0.0.99", "127.0.1.5"}) {
    listeners.push_back(io::listen(host, port));
    port = listeners.front().port();
  }
  std::vector<io::Address> addresses;
  for (int i = 1; i <= 500; ++i) {
    const std::string host = "127.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    addresses.push_back(io::Address::ip(host, port).value());
  }
  Scan scan;
  co_await scan_all(addresses, scan);
  std::sort(scan.open.begin(), scan.open.end());
  for (const std::string& peer : scan.open) std::cout << peer.substr(0, peer.find(':')) << '\n';
  std::cout << scan.tried << " of " << addresses.size() << " tried\n";
  co_return 0;
}

int main(int argc, char** argv) {
  Reactor reactor;
  if (argc != 4) return reactor.run(scan_this_machine());
  return reactor.run(scan_ports(argv[1], std::atoi(argv[2]), std::atoi(argv[3])));
}
