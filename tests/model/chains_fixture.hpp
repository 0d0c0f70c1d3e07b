// SPDX-License-Identifier: MIT
//
// ChainsFixture: the places in which the Deferreds of a program lie, and what has happened to them;
// for the library's run of a program, and for the small test that it is printed as.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "deferred/results.hpp"
#include "tests/model/chains_program.hpp"
#include "tests/model/errors.hpp"
#include "tests/model/log.hpp"

namespace deferred::model {

struct ChainsFixture {
  ChainsFixture() noexcept : before(set_unhandled_failure_hook(&reported)) { current = this; }
  ChainsFixture(const ChainsFixture&) = delete;
  ChainsFixture& operator=(const ChainsFixture&) = delete;
  ~ChainsFixture() { set_unhandled_failure_hook(before); }

  void note(const char* what, unsigned id, int with) { log.push_back({what, id, with}); }
  void note(unsigned id, int value) { note("value", id, value); }
  void note(unsigned id, const Failure& error) { note("error", id, number_of(error)); }
  void note(unsigned id, const Outcome<int>& outcome) {
    outcome.has_value() ? note(id, *outcome) : note(id, outcome.failure());
  }
  static int number_in(int value) { return value; }
  static int number_in(const Failure& error) { return number_of(error); }
  static int number_in(const Outcome<int>& outcome) {
    return outcome.has_value() ? *outcome : number_of(outcome.failure());
  }
  /// Nothing is left to a step that the library refuses.
  template <class F>
  void caught(unsigned id, F f) {
    try {
      f();
    } catch (const AlreadyCalledError&) {
      note("fired already", id, 0);
    } catch (const CircularChainError&) {
      note("circular", id, 0);
    } catch (const NotPausedError&) {
      note("not paused", id, 0);
    } catch (const std::logic_error&) {
      note("no result", id, 0);
    }
  }

  /// The place is empty while something is done with what lay there.
  static Deferred<int> out(Deferred<int>& place) { return std::move(place); }
  static void put(Deferred<int>& place, Deferred<int> made) {
    if (!place.valid()) place = std::move(made);
  }
  static void drop(Promise<int>& place) { const Promise<int> gone = std::move(place); }
  static void drop(Deferred<int>& place) { const Deferred<int> gone = std::move(place); }
  static void drop(std::optional<SharedDeferred<int>>& place) {
    const auto gone = std::exchange(place, std::nullopt);
  }
  /// Drops what lies there; what is called by that may put something there.
  bool makes_room(unsigned place) {
    drop(p[place]);
    drop(d[place]);
    return !p[place].valid() && !d[place].valid();
  }
  bool makes_room_to_share(unsigned place) {
    drop(s[place]);
    return d[place].valid() && !s[place];
  }
  bool makes_room_to_read(unsigned place, unsigned other) {
    drop(d[other]);
    return s[place] && !d[other].valid();
  }
  void drop_all() {
    for (unsigned place = 0; place != places;) {
      const bool is_empty = !p[place].valid() && !d[place].valid() && !s[place];
      if (p[place].valid()) {
        drop(p[place]);
      } else if (d[place].valid()) {
        drop(d[place]);
      } else {
        drop(s[place]);
      }
      place = is_empty ? place + 1 : 0;
    }
  }

  void chain(unsigned id, Deferred<int>& place, Promise<int>& to) {
    Deferred<int> from = out(place);
    caught(id, [&] { std::move(from).chain(std::move(to)); });
    if (from.valid()) put(place, std::move(from));  // NOLINT: chain() did not take it
  }
  void take(unsigned id, Deferred<int>& place) {
    caught(id, [&] {
      const Outcome<int> outcome = std::move(place).result();
      note(id, outcome);
      drop(place);
    });
  }
  void look_at(unsigned id, const Promise<int>& promise) {
    note("fired", id, promise.fired());
    note("wanted", id, promise.wanted());
  }
  void look_at(unsigned id, const Deferred<int>& deferred) {
    note("fired", id, deferred.fired());
    note("has result", id, deferred.has_result());
  }

  static void reported(const Failure& failure, const std::string&) {
    current->note("reported", 0, number_of(failure));
  }

  Log log;
  std::array<Promise<int>, places> p;
  std::array<Deferred<int>, places> d;
  std::array<std::optional<SharedDeferred<int>>, places> s;
  inline static ChainsFixture* current = nullptr;
  UnhandledFailureHook before;
};

}  // namespace deferred::model
