// SPDX-License-Identifier: MIT
//
// What the library carries in these worlds: results, errors and captures. Each is counted, and says
// so where it is destroyed twice, or used after its end. Know the world only by what they do to it.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tests/fuzz/random.hpp"

namespace deferred::fuzz {

/// One that is counted, from its construction to its end.
class Counted {
 public:
  explicit Counted(const char* kind) noexcept;
  Counted(const Counted& other) noexcept : Counted(other.kind_) { other.check(); }
  Counted& operator=(const Counted& other) noexcept {
    check();
    other.check();
    return *this;
  }
  ~Counted();

  /// Ends the world if this is no living object.
  void check() const noexcept;

 private:
  const char* kind_;
  const Counted* self_;
};

/// Of each kind, how many live; for the text of a failure: "2 of Item, 1 of Token".
struct Census {
  static int live() noexcept;
  static const char* of_what();
  static void clear() noexcept;
};

/// A result.
struct Item {
  explicit Item(unsigned n) noexcept : number(n), counted("Item") {}
  unsigned number;
  Counted counted;
};

/// A result whose move may throw.
struct Fragile {
  /// Its `breaks_at`-th move from now throws; 0: none.
  Fragile(unsigned n, unsigned breaks_at) noexcept
      : number(n), moves_left(breaks_at), counted("Fragile") {}
  Fragile(Fragile&& other);
  Fragile& operator=(Fragile&&) = delete;
  unsigned number;
  unsigned moves_left;
  Counted counted;
};

/// An error.
struct Thrown {
  explicit Thrown(unsigned n) noexcept : number(n), counted("Thrown") {}
  unsigned number;
  Counted counted;
};

/// What a callback has that has to be called. `called()` says that it was.
class Due {
 public:
  explicit Due(const char* kind) noexcept : counted_(kind) {}
  Due(Due&& other) noexcept
      : is_due_(std::exchange(other.is_due_, false)), counted_(other.counted_) {}
  Due& operator=(Due&&) = delete;
  ~Due();
  void called() noexcept { is_due_ = false; }

 private:
  bool is_due_ = true;
  Counted counted_;
};

/// What a callback may own, whatever it is. The world can take it away: so no circle of owners that
/// it made itself is left at its end.
using Loot = std::vector<std::shared_ptr<void>>;

/// What each callable, undo and frame has: it acts on the world when it is told to, and maybe at
/// its end.
class Token {
 public:
  explicit Token(Random& random, const char* kind = "Token");
  Token(Token&& other) noexcept;
  Token& operator=(Token&&) = delete;
  ~Token();

  /// Does something to the world.
  void act();
  /// Ends the world if it has ended.
  void check() const noexcept { counted_.check(); }
  /// Numbers of its own.
  Random& random() noexcept { return random_; }

 private:
  Random random_;
  std::shared_ptr<Loot> loot_;
  bool acts_at_end_ = false;
  Counted counted_;
};

}  // namespace deferred::fuzz
