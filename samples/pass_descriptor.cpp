// SPDX-License-Identifier: MIT
//
// Shows: a descriptor that is sent over a Unix socket, as a server hands an open file to a client
// that may not open it; and who the client is.
// Prints: what the client reads of the file that it was given.
#include <fcntl.h>
#include <unistd.h>
#include <array>
#include <deferred/deferred.hpp>
#include <iostream>
#include <string>

using namespace deferred;

Task<> hand_out(io::Stream client) {
  const io::Credentials who = io::peer_credentials(client);
  if (who.uid != ::getuid()) throw io::ProtocolError(client.peer() + ": another user");
  const io::Descriptor file(::open("/proc/self/comm", O_RDONLY | O_CLOEXEC));
  const int number = file.fd();
  co_await io::send_with_descriptors(client, "a file", std::span(&number, 1));
}

Task<> ask_for_it(std::string endpoint) {
  io::Stream server = co_await io::connect(endpoint);
  std::array<char, 100> words;
  const io::ReceivedDescriptors got = co_await io::receive_with_descriptors(server, words, 1);
  std::cout << std::string_view(words.data(), got.size) << ", ";
  std::array<char, 100> text;
  const auto size = ::read(got.descriptors.at(0).fd(), text.data(), text.size());
  std::cout << "in which stands: " << std::string_view(text.data(), static_cast<std::size_t>(size));
}

Task<int> main_task() {
  const std::string endpoint = "unix:@deferred-sample-" + std::to_string(::getpid());
  io::Listener listener = io::listen(endpoint);
  Task<> serving = io::serve(listener, hand_out);
  const auto both = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(std::move(serving));
    co_await ask_for_it(endpoint);
    nursery.cancel();
  };
  co_await with_nursery(both);
  co_return 0;
}

int main() {
  Reactor reactor;
  return reactor.run(main_task());
}
