// SPDX-License-Identifier: MIT
#include "tests/model/tasks_program.hpp"

#include <algorithm>
#include <utility>

#include "tests/fuzz/random.hpp"

namespace deferred::model {

namespace {

using fuzz::Random;
using Does = Statement::Does;

constexpr unsigned longest = 60;
constexpr unsigned deepest = 6;
constexpr std::uint32_t unwrapped = 0x80000000;  // of an id: only what is around the body

/// How often each thing is done.
constexpr std::pair<Does, unsigned> often[] = {
    {Does::point, 3},        {Does::pause, 14},         {Does::sleep, 14},
    {Does::event, 4},        {Does::event_in_time, 6},  {Does::deferred, 6},
    {Does::set, 6},          {Does::clear, 2},          {Does::fire, 7},
    {Does::fail, 3},         {Does::error, 3},          {Does::give, 3},
    {Does::call, 3},         {Does::attempt, 5},        {Does::attempt_all, 8},
    {Does::nursery, 14},     {Does::cancel_nursery, 4}, {Does::spawn, 12},
    {Does::child, 30},       {Does::move_on, 8},        {Does::in_time, 5},
    {Does::run_in_scope, 8}, {Does::cancel_scope, 5},   {Does::shield, 7},
    {Does::cancel, 7},       {Does::cancel_once, 8},    {Does::throw_into, 4},
    {Does::close, 4},        {Does::handle, 8},         {Does::cancel_handle, 3},
    {Does::pause_task, 4},   {Does::resume_task, 5},
};

bool has_body(Does does) {
  constexpr Does those[] = {Does::call,   Does::attempt,     Does::attempt_all, Does::nursery,
                            Does::spawn,  Does::child,       Does::move_on,     Does::in_time,
                            Does::shield, Does::run_in_scope};
  return std::find(std::begin(those), std::end(those), does) != std::end(those);
}

class Maker {
 public:
  Maker(std::uint64_t seed, const std::set<std::uint32_t>& without)
      : random_(seed), without_(without), wanted_(8 + random_.below(longest - 8)) {}

  TasksProgram all() {
    TasksProgram program;
    for (bool& follows : program.follows) follows = random_.one_in(3);
    program.main.does = Does::spawn;
    while (next_id_ <= wanted_) keep_next(program.main.body, 0, false);
    return program;
  }

 private:
  void keep(std::vector<Statement>& body, Statement made) {
    if (without_.contains(made.id)) return;
    if (!without_.contains(made.id | unwrapped)) return body.push_back(std::move(made));
    for (Statement& inner : made.body) body.push_back(std::move(inner));
  }
  Does some_deed() {
    unsigned all = 0;
    for (const auto& [does, weight] : often) all += weight;
    unsigned at = random_.below(all);
    for (const auto& [does, weight] : often) {
      if (at < weight) return does;
      at -= weight;
    }
    return Does::point;
  }
  /// Often a child comes between two close(), before the task waits: by chance it would be rare.
  void keep_next(std::vector<Statement>& body, unsigned depth, bool in_nursery) {
    Does does = some_deed();
    const auto before = [&](std::size_t back) {
      return body.size() < back ? Does::point : body[body.size() - back].does;
    };
    if (random_.one_in(2)) {
      if (before(1) == Does::close) does = Does::child;
      if (before(1) == Does::child && before(2) == Does::close) does = Does::close;
    }
    while (!fits(does, depth, in_nursery)) does = some_deed();
    keep(body, statement(does, depth, in_nursery));
  }
  Statement statement(Does does, unsigned depth, bool in_nursery) {
    Statement made;
    made.id = next_id_++;
    made.does = does;
    made.n = 1 + static_cast<int>(random_.below(6));
    made.number = random_.below(numbers(made.does));
    made.is_void = random_.one_in(2);
    if (does == Does::close && random_.one_in(3)) made.number = owner_;
    const bool is_task = does == Does::spawn || does == Does::child;
    if (is_task && next_task_ != most_tasks) made.number = next_task_++;
    if (!has_body(made.does)) return made;
    const unsigned task = is_task ? std::exchange(task_, made.number) : task_;
    const unsigned owner = does == Does::child ? std::exchange(owner_, task) : owner_;
    const bool inside = made.does == Does::nursery || (in_nursery && made.does != Does::spawn);
    fill(made.body, depth + 1, inside);
    if (made.does == Does::attempt || made.does == Does::attempt_all) {
      fill(made.otherwise, depth + 1, inside);
    }
    task_ = task;
    owner_ = owner;
    return made;
  }
  /// The first task is to go far: it does not end, or wait for others, before the end.
  static bool fits(Does does, unsigned depth, bool in_nursery) {
    if (depth == deepest && has_body(does)) return false;
    if (!in_nursery && (does == Does::child || does == Does::cancel_nursery)) return false;
    constexpr Does stops[] = {Does::error, Does::give, Does::event, Does::deferred, Does::handle};
    return depth != 0 || std::find(std::begin(stops), std::end(stops), does) == std::end(stops);
  }
  void fill(std::vector<Statement>& body, unsigned depth, bool in_nursery) {
    for (unsigned left = 1 + random_.below(5); left != 0 && next_id_ <= wanted_; --left) {
      keep_next(body, depth, in_nursery);
    }
  }
  /// How many there are of what a statement is about.
  unsigned numbers(Does does) {
    switch (does) {
      case Does::spawn:
      case Does::child:
        return most_tasks;
      case Does::cancel:
      case Does::cancel_once:
      case Does::throw_into:
      case Does::close:
      case Does::handle:
      case Does::cancel_handle:
      case Does::pause_task:
      case Does::resume_task:
        return next_task_;
      case Does::event:
      case Does::event_in_time:
      case Does::set:
      case Does::clear:
        return most_events;
      case Does::deferred:
      case Does::fire:
      case Does::fail:
        return most_deferreds;
      case Does::run_in_scope:
      case Does::cancel_scope:
        return most_scopes;
      default:
        return 1;
    }
  }

  Random random_;
  const std::set<std::uint32_t>& without_;
  unsigned wanted_;
  unsigned next_task_ = 1;
  unsigned task_ = 0;   // in whose body it is
  unsigned owner_ = 0;  // and in whose that one is
  std::uint32_t next_id_ = 1;
};

void list_ids(const std::vector<Statement>& body, std::vector<std::uint32_t>& ids) {
  for (const Statement& statement : body) {
    ids.push_back(statement.id);
    if (!statement.body.empty()) ids.push_back(statement.id | unwrapped);
    list_ids(statement.body, ids);
    list_ids(statement.otherwise, ids);
  }
}

}  // namespace

TasksProgram make_tasks(std::uint64_t seed, const std::set<std::uint32_t>& without) {
  return Maker(seed, without).all();
}

std::vector<std::uint32_t> ids_of(const TasksProgram& program) {
  std::vector<std::uint32_t> ids;
  list_ids(program.main.body, ids);
  return ids;
}

}  // namespace deferred::model
