// SPDX-License-Identifier: MIT
//
// Shows: Twisted's DeferredList, for callbacks alone: several downloads at once, and a callback
// that has the result of each, whether it came or failed. all_settled() says what is waited for,
// to_deferred() makes a Deferred of it. There is no coroutine, and no reactor either.
// Prints: what became of each poem when the last of them is done; then that a failure ends all().
#include <deferred/deferred.hpp>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using deferred::Deferred;
using deferred::Failure;
using deferred::Outcome;
using deferred::Promise;

struct Downloads {
  std::vector<Promise<std::string>> promises;
  std::vector<Deferred<std::string>> poems;

  explicit Downloads(int count) {
    for (int i = 0; i < count; ++i) {
      auto [promise, poem] = deferred::make_deferred<std::string>();
      promises.push_back(std::move(promise));
      poems.push_back(std::move(poem));
    }
  }
};

int main() {
  Downloads each(3);
  deferred::to_deferred(all_settled(std::move(each.poems)))
      .add_callback([](std::vector<Outcome<std::string>> poems) {
        for (const Outcome<std::string>& poem : poems) {
          std::cout << (poem.has_value() ? *poem : "no poem: " + poem.failure().what()) << '\n';
        }
      })
      .detach();
  each.promises[2].callback("The Road Not Taken");
  each.promises[0].callback("Ozymandias");
  std::cout << "one is still on its way\n";
  each.promises[1].errback(std::runtime_error("the server is gone"));

  Downloads together(2);
  deferred::to_deferred(all(std::move(together.poems)))
      .add_callback([](std::vector<std::string>) { std::cout << "all of them\n"; })
      .add_errback([](const Failure& failure) { std::cout << failure.what() << '\n'; })
      .detach();
  together.promises[1].errback(std::runtime_error("not all of them"));
  std::cout << "the other one is " << (together.promises[0].wanted() ? "waited for" : "cancelled")
            << '\n';
}
