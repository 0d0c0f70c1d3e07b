// SPDX-License-Identifier: MIT
#include "tests/fuzz/items.hpp"

#include <map>
#include <string>

#include "tests/fuzz/world.hpp"

namespace deferred::fuzz {

namespace {

struct Living {
  int all = 0;
  std::map<std::string, int> of_kind;
};
Living& living() {
  static Living one;
  return one;
}

}  // namespace

Counted::Counted(const char* kind) noexcept : kind_(kind), self_(this) {
  ++living().all;
  ++living().of_kind[kind];
}

Counted::~Counted() {
  check();
  self_ = nullptr;
  --living().all;
  --living().of_kind[kind_];
}

void Counted::check() const noexcept {
  if (self_ != this) World::current().fail("an object is used after its end, or destroyed twice");
}

int Census::live() noexcept { return living().all; }

const char* Census::of_what() {
  static std::string text;
  text.clear();
  for (const auto& [kind, number] : living().of_kind) {
    if (number != 0) text += (text.empty() ? "" : ", ") + std::to_string(number) + " of " + kind;
  }
  return text.c_str();
}

void Census::clear() noexcept { living() = {}; }

Fragile::Fragile(Fragile&& other)
    : number(other.number), moves_left(other.moves_left), counted(other.counted) {
  if (moves_left == 0) return;
  other.moves_left = 0;
  if (--moves_left == 0) throw Thrown(number);
}

Due::~Due() {
  if (is_due_) World::current().fail("a callback is destroyed that was not called");
}

Token::Token(Random& random, const char* kind)
    : random_(random.next()), acts_at_end_(random.one_in(4)), counted_(kind) {
  if (random.one_in(4)) loot_ = World::current().loot(random);
}

Token::Token(Token&& other) noexcept
    : random_(other.random_),
      loot_(std::move(other.loot_)),
      acts_at_end_(std::exchange(other.acts_at_end_, false)),
      counted_(other.counted_) {}

Token::~Token() {
  if (acts_at_end_) World::current().act(random_.next(), 1);
}

void Token::act() {
  counted_.check();
  World::current().act(random_.next(), 2);
}

}  // namespace deferred::fuzz
