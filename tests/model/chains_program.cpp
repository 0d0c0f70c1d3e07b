// SPDX-License-Identifier: MIT
#include "tests/model/chains_program.hpp"

#include <array>
#include <utility>

#include "tests/fuzz/random.hpp"

namespace deferred::model {

namespace {

using fuzz::Random;
using Does = Step::Does;

constexpr unsigned longest = 40;
constexpr unsigned deepest = 3;

/// How often each thing is done.
constexpr std::pair<Does, unsigned> often[] = {
    {Does::make, 12},
    {Does::succeed, 3},
    {Does::fail, 2},
    {Does::fire, 14},
    {Does::errback, 6},
    {Does::add, 30},
    {Does::chain, 6},
    {Does::pause, 4},
    {Does::unpause, 2},
    {Does::pause_by_promise, 3},
    {Does::unpause_by_promise, 1},
    {Does::cancel, 7},
    {Does::abandon, 2},
    {Does::drop_promise, 3},
    {Does::drop_deferred, 3},
    {Does::take, 3},
    {Does::look_at_promise, 2},
    {Does::look_at_deferred, 2},
    {Does::share, 4},
    {Does::read, 8},
    {Does::cancel_shared, 2},
    {Does::drop_shared, 1},
};

/// What often comes right after something else, at the same place: by chance it would be rare.
constexpr std::pair<Does, Does> in_a_row[] = {
    {Does::make, Does::add},   {Does::add, Does::chain},   {Does::add, Does::fire},
    {Does::fire, Does::pause}, {Does::pause, Does::chain}, {Does::chain, Does::pause_by_promise},
    {Does::chain, Does::fire}, {Does::share, Does::read},  {Does::read, Does::cancel_shared},
};

class Maker {
 public:
  Maker(std::uint64_t seed, const std::set<std::uint32_t>& without)
      : random_(seed),
        without_(without),
        in_use_(2 + random_.below(random_.one_in(3) ? places - 1 : 3)) {}

  std::vector<Step> all() {
    std::vector<Step> steps;
    for (unsigned place = 0; place != in_use_; ++place) {
      keep(steps, step(random_.one_in(6) ? Does::succeed : Does::make, place, 0));
    }
    const unsigned wanted = next_id_ + 3 + random_.below(longest - in_use_ - 3);
    while (next_id_ < wanted) keep_next(steps, 0);
    return steps;
  }

 private:
  void keep(std::vector<Step>& steps, Step made) {
    if (!without_.contains(made.id)) steps.push_back(std::move(made));
  }
  void keep_next(std::vector<Step>& steps, unsigned depth) {
    if (!steps.empty() && random_.one_in(2)) {
      const auto& [first, then] = in_a_row[random_.below(std::size(in_a_row))];
      if (steps.back().does == first) return keep(steps, step(then, steps.back().place, depth));
    }
    keep(steps, step(some_deed(), random_.below(in_use_), depth));
  }
  Does some_deed() {
    unsigned all = 0;
    for (const auto& [does, weight] : often) all += weight;
    unsigned at = random_.below(all);
    for (const auto& [does, weight] : often) {
      if (at < weight) return does;
      at -= weight;
    }
    return Does::make;
  }
  Step step(Does does, unsigned place, unsigned depth) {
    Step made;
    made.does = does;
    made.id = next_id_++;
    made.place = place;
    made.other = another(does, place);
    made.n = static_cast<int>(random_.below(50));
    if (does == Does::make) made.has_callable = random_.one_in(2);
    if (does == Does::make && made.has_callable) canceller(made);
    if (does == Does::add || does == Does::read) callback(made);
    if (!made.has_callable || depth == deepest || !random_.one_in(3)) return made;
    if (made.end == End::waits && random_.one_in(4)) {
      keep(made.body, step(Does::pause_by_promise, place, depth + 1));  // of what waits then
    }
    for (unsigned left = 1 + random_.below(3); left != 0 && next_id_ <= longest; --left) {
      keep_next(made.body, depth + 1);
    }
    return made;
  }
  /// A chain to itself is a circle: one of them in ten.
  unsigned another(Does does, unsigned place) {
    const unsigned other = random_.below(in_use_);
    if ((does != Does::chain && does != Does::add) || other != place) return other;
    return random_.one_in(10) ? place : (place + 1) % in_use_;
  }
  void canceller(Step& made) {
    constexpr std::array ends{End::nothing, End::nothing, End::fires,
                              End::fails,   End::follows, End::error};
    made.end = ends[random_.below(ends.size())];
  }
  void callback(Step& made) {
    constexpr std::array sides{Side::value, Side::value,     Side::value,    Side::both,
                               Side::both,  Side::either,    Side::error,    Side::error,
                               Side::error, Side::odd_error, Side::cancelled};
    constexpr unsigned of_readers = 6;
    constexpr std::array ends{End::value, End::value, End::pass,  End::pass,
                              End::error, End::waits, End::waits, End::waits};
    made.has_callable = true;
    made.side = sides[random_.below(made.does == Does::read ? of_readers : sides.size())];
    made.end = ends[random_.below(ends.size())];
    const bool typed = made.side == Side::odd_error || made.side == Side::cancelled;
    if (typed && made.end == End::pass) made.end = End::value;  // it is not given the Failure
  }

  Random random_;
  const std::set<std::uint32_t>& without_;
  unsigned in_use_;
  std::uint32_t next_id_ = 1;
};

void list_ids(const std::vector<Step>& steps, std::vector<std::uint32_t>& ids) {
  for (const Step& step : steps) {
    ids.push_back(step.id);
    list_ids(step.body, ids);
  }
}

}  // namespace

ChainsProgram make_chains(std::uint64_t seed, const std::set<std::uint32_t>& without) {
  return {Maker(seed, without).all()};
}

std::vector<std::uint32_t> ids_of(const ChainsProgram& program) {
  std::vector<std::uint32_t> ids;
  list_ids(program.steps, ids);
  return ids;
}

}  // namespace deferred::model
