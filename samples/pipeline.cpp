// SPDX-License-Identifier: MIT
//
// Shows: channels between the tasks of a nursery. A stage sends what it has made, and waits where
// the next one is slower: the channel holds two. It closes the channel when it is done; who
// receives gets what is left, and then nothing. A stage that fails cancels the others. Prints: the
// words of a text with their lengths; then what becomes of a text that is refused.
#include <deferred/deferred.hpp>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>

using deferred::Channel;
using deferred::Task;
using Word = std::pair<std::string, std::size_t>;

Task<> split(std::string text, Channel<std::string>& words) {
  std::istringstream in(text);
  for (std::string word; in >> word;) co_await words.send(std::move(word));
  words.close();
}

Task<> measure(Channel<std::string>& words, Channel<Word>& measured) {
  for (auto word = co_await words.receive(); word; word = co_await words.receive()) {
    if (word->size() > 10) throw std::length_error(*word + " is too long");
    Word pair(*word, word->size());
    co_await measured.send(std::move(pair));
  }
  measured.close();
}

Task<> count_words(std::string text) {
  Channel<std::string> words(2);
  Channel<Word> measured(0);
  const auto stages = [&](deferred::Nursery& nursery) -> Task<> {
    nursery.spawn(split(std::move(text), words));
    nursery.spawn(measure(words, measured));
    for (auto word = co_await measured.receive(); word; word = co_await measured.receive()) {
      std::cout << word->first << ": " << word->second << '\n';
    }
  };
  try {
    co_await deferred::with_nursery(stages);
  } catch (const std::length_error& error) {
    std::cout << "refused: " << error.what() << '\n';
  }
}

Task<int> count_both() {
  co_await count_words("two roads diverged in a yellow wood");
  co_await count_words("and sorry I could not incomprehensibly travel both");
  co_return 0;
}

int main() {
  deferred::Reactor reactor;
  return reactor.run(count_both());
}
