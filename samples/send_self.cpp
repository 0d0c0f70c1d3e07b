// SPDX-License-Identifier: MIT
//
// Shows: a callback interface in a single line of execution (resumeback's `this.send`): a Reply
// makes the callback, and is awaited for what the callback gets. The callback may be called before
// the await or after it, from this thread or another, or never at all.
// Prints: a conversation with somebody who asks in a thread of his own.
#include <deferred/deferred.hpp>
#include <functional>
#include <iostream>
#include <string>
#include <thread>

using deferred::Reply;
using deferred::Task;

// The callback interface: it answers in a thread, or, when asked for nothing, at once.
std::thread ask(std::string question, std::function<void(std::string)> answered) {
  if (question.empty()) {
    answered("what?");
    return {};
  }
  if (question == "may I go?") return {};  // drops the callback without calling it
  return std::thread([question, answered] { answered("42, for you asked: " + question); });
}

Task<> talk() {
  for (const std::string question : {"how many?", "", "may I go?"}) {
    Reply<std::string> reply;
    std::thread asking = ask(question, reply.send());
    try {
      const std::string answer = co_await reply;
      std::cout << answer << '\n';
    } catch (const deferred::AbandonedError&) {
      std::cout << "no answer will ever come\n";
    }
    if (asking.joinable()) asking.join();
  }
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(talk());
}
