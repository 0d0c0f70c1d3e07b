// SPDX-License-Identifier: MIT
//
// Shows: happy eyeballs (RFC 8305). The addresses of a host are tried one after the other, each
// with a head start; any() takes the first that answers, and the others are cut off.
// Prints: which address was tried when, and which one it is; then what happens where none answers.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using deferred::Pause;
using deferred::Task;

struct Address {
  std::string name;
  deferred::Duration answers;
  bool refuses = false;
};

Task<std::string> try_it(Address address, deferred::Duration head_start) {
  co_await Pause{head_start};
  std::cout << "  " << head_start / 1ms << " ms: " << address.name << '\n';
  co_await Pause{address.answers};
  if (address.refuses) throw std::runtime_error(address.name + " refuses");
  co_return address.name;
}

Task<> connect(std::vector<Address> addresses) {
  std::vector<Task<std::string>> tries;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    tries.push_back(try_it(addresses[i], i * 250ms));
  }
  try {
    const auto first = co_await any(std::move(tries));
    std::cout << "  it is " << first.value << ", the address #" << first.index + 1 << '\n';
  } catch (const std::exception& error) {
    const auto more = deferred::Failure::current().suppressed();
    std::cout << "  " << error.what() << ", and " << more.size() << " more\n";
  }
}

Task<> main_task() {
  std::cout << "the first one is slow:\n";
  const std::vector<Address> slow{{"2001:db8::1", 10s}, {"192.0.2.1", 30ms}, {"192.0.2.2", 30ms}};
  co_await connect(slow);
  std::cout << "all refuse:\n";
  const std::vector<Address> closed{{"2001:db8::1", 10ms, true}, {"192.0.2.1", 10ms, true}};
  co_await connect(closed);
}

int main() {
  deferred::reactors::VirtualTime time;
  deferred::Reactor reactor{time};
  return reactor.run(main_task());
}
