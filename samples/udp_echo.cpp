// SPDX-License-Identifier: MIT
//
// Shows: datagrams. A server answers whoever sends it one. They get lost on the way, as here the
// first of each question does, and come twice, as here each answer does, and nobody says so: the
// client asks again when no answer has come, and drops those to another question than its last, of
// which each has a number.
// Prints: what the client is answered.
#include <deferred/deferred.hpp>
#include <iostream>
#include <reactors/virtual_time.hpp>
#include <set>
#include <stdexcept>
#include <string>

using namespace deferred;
using namespace std::chrono_literals;

Task<> serve(io::Datagram& socket) {
  std::set<std::string> lost;
  char buffer[512];
  while (true) {
    const io::Received received = co_await socket.receive(buffer);
    const std::string question(buffer, received.size);
    if (lost.insert(question).second) continue;
    const std::size_t text = question.find(' ') + 1;
    const std::string answer = question.substr(0, text) + "you said " + question.substr(text);
    co_await socket.send_to(answer, received.from);
    co_await socket.send_to(answer, received.from);
  }
}

Task<std::string> answer_to(io::Datagram& socket, std::string number) {
  char buffer[512];
  while (true) {
    const io::Received received = co_await socket.receive(buffer);
    const std::string answer(buffer, received.size);
    if (answer.starts_with(number)) co_return answer.substr(number.size());
  }
}

Task<std::string> ask(io::Datagram& socket, int n, std::string question) {
  const std::string number = std::to_string(n) + " ";
  const std::string numbered = number + question;
  for (int tries = 0; tries < 5; ++tries) {
    co_await socket.send(numbered);
    const auto answer = co_await move_on_after(200ms, answer_to(socket, number));
    if (answer) co_return *answer;
  }
  throw std::runtime_error("nobody answers " + question);
}

Task<> main_task() {
  io::Datagram server = io::bind("udp:127.0.0.1:0");
  io::Datagram client = co_await io::connect_datagram("udp:" + server.local().text());
  const auto talk = [&](Nursery& nursery) -> Task<> {
    nursery.spawn(serve(server));
    int n = 0;
    for (const char* question : {"hello", "are you there?", "goodbye"}) {
      const std::string answer = co_await ask(client, ++n, question);
      std::cout << answer << '\n';
    }
    nursery.cancel();
  };
  co_await with_nursery(talk);
}

int main() {
  reactors::VirtualTime time;
  Reactor reactor{time};
  return reactor.run(main_task());
}
