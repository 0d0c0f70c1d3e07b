// SPDX-License-Identifier: MIT
#include <string>

#include "tests/model/tasks_program.hpp"

namespace deferred::model {

namespace {

using Does = Statement::Does;

std::string block(const std::vector<Statement>& body, const std::string& indent);

std::string thrown(int number) {
  return (number % 2 == 1 ? "OddError(" : "EvenError(") + std::to_string(number) + ")";
}

std::string lambda(const Statement& statement, const std::string& indent) {
  const bool is_nursery = statement.does == Does::nursery;
  const std::string head = is_nursery ? (statement.is_void ? "[&](Nursery& n) -> Task<> {\n"
                                                           : "[&](Nursery& n) -> Task<int> {\n")
                                      : "[&]() -> Task<int> {\n";
  return head + block(statement.body, indent + "  ") + indent + "}";
}

std::string line(const Statement& statement, const std::string& indent) {
  const std::string number = std::to_string(statement.number);
  const std::string time = std::to_string(statement.n) + "ms";
  const std::string event = "event" + number;
  const std::string task = "task" + number;
  const std::string body = statement.body.empty() && statement.does < Does::call
                               ? std::string()
                               : lambda(statement, indent);
  switch (statement.does) {
    case Does::point:
      return "co_await cancel_point;";
    case Does::pause:
      return "co_await Pause{};";
    case Does::sleep:
      return "co_await Pause{" + time + "};";
    case Does::event:
      return "co_await " + event + ";";
    case Does::event_in_time:
      return "co_await with_timeout(" + time + ", " + event + ");";
    case Does::deferred:
      return "co_await std::move(deferred" + number + ");";
    case Does::set:
      return event + ".set();";
    case Does::clear:
      return event + ".clear();";
    case Does::fire:
      return "promise" + number + ".callback(" + std::to_string(statement.n) + ");";
    case Does::fail:
      return "promise" + number + ".errback(" + thrown(statement.n) + ");";
    case Does::error:
      return "throw " + thrown(statement.n) + ";";
    case Does::give:
      return "co_return " + std::to_string(statement.n) + ";";
    case Does::call:
      return "co_await " + body + "();";
    case Does::attempt:
    case Does::attempt_all:
      return "try {\n" + block(statement.body, indent + "  ") + indent +
             (statement.does == Does::attempt ? "} but for Cancelled {\n" : "} catch (...) {\n") +
             block(statement.otherwise, indent + "  ") + indent + "}";
    case Does::nursery:
      return "co_await with_nursery(" + body + ");";
    case Does::cancel_nursery:
      return "n.cancel();";
    case Does::spawn:
      return task + " = spawn(" + body + ");";
    case Does::child:
      return task + " = n.spawn(" + body + ");";
    case Does::move_on:
      return "co_await move_on_after(" + time + ", " + body + "());";
    case Does::in_time:
      return "co_await with_timeout(" + time + ", " + body + "());";
    case Does::run_in_scope:
      return "co_await scope" + number + ".run(" + body + "());";
    case Does::cancel_scope:
      return "scope" + number + ".cancel();";
    case Does::shield:
      return "co_await shield(" + body + "());";
    case Does::cancel:
      return task + ".cancel();";
    case Does::cancel_once:
      return task + ".cancel_once();";
    case Does::throw_into:
      return task + ".throw_(" + thrown(statement.n) + ");";
    case Does::close:
      return task + ".close();";
    case Does::handle:
      return "co_await std::move(handle" + number + ");";
    case Does::cancel_handle:
      return "handle" + number + ".cancel();";
    case Does::pause_task:
      return task + ".pause();";
    case Does::resume_task:
      return task + ".resume();";
  }
  return "";
}

std::string block(const std::vector<Statement>& body, const std::string& indent) {
  std::string text;
  for (const Statement& statement : body) {
    text += indent + line(statement, indent) + "  // #" + std::to_string(statement.id) + "\n";
  }
  return text;
}

}  // namespace

std::string listing(const TasksProgram& program) {
  std::string text;
  for (unsigned number = 0; number != most_deferreds; ++number) {
    if (!program.follows[number]) continue;
    text += "  // deferred" + std::to_string(number) + "'s canceller says that an answer follows\n";
  }
  return text + "  task0 = spawn(reactor, " + lambda(program.main, "  ") +
         ");\n  // and at the end all tasks are closed, the first one first\n";
}

}  // namespace deferred::model
