// SPDX-License-Identifier: MIT
#include "tests/model/tasks_listing.hpp"

#include <vector>

namespace deferred::model {

namespace {

using Does = Statement::Does;
using Body = std::vector<Statement>;

/// Where a statement stands.
struct Place {
  std::string indent;
  std::string nursery;  // the innermost; empty: none
  bool is_void = false;
};

std::string at(const char* what, unsigned number) {
  return std::string(what) + "[" + std::to_string(number) + "]";
}

std::string block(const Body& body, const Place& place);

/// A coroutine with a name: none is made in an expression that awaits.
std::string named(const std::string& name, const Statement& statement, const Body& body,
                  const Place& place, const std::string& parameters = "") {
  const std::string id = std::to_string(statement.id);
  const Place inside{place.indent + "  ", place.nursery, place.is_void};
  const bool is_task = statement.does == Does::spawn || statement.does == Does::child;
  return place.indent + "const auto " + name + id + " = [&](" + parameters + ") -> Task<" +
         (place.is_void ? "" : "int") + "> {\n" +
         (is_task ? inside.indent + "note(\"begins\", " + id + ", 0);\n" : "") + inside.indent +
         "const Leaves leaves(*this, " + id + ");\n" + block(body, inside) + inside.indent +
         (place.is_void ? "co_return;\n" : "co_return 0;\n") + place.indent + "};\n";
}

/// Awaits something, and notes what that gives.
std::string given(const Statement& statement, const Place& place, const std::string& awaited) {
  const std::string id = std::to_string(statement.id);
  return place.indent + "const std::optional<int> given" + id + " = co_await " + awaited + ";\n" +
         place.indent + "note_given(" + id + ", given" + id + ");\n";
}

std::string attempt(const Statement& statement, const Place& place) {
  const std::string id = std::to_string(statement.id);
  const Place inside{place.indent, place.nursery};
  const std::string& indent = place.indent;
  std::string text = named("body", statement, statement.body, inside) +
                     named("otherwise", statement, statement.otherwise, inside);
  text += indent + "int given" + id + " = 0;\n" + indent + "Failure caught" + id + ";\n" + indent +
          "try {\n" + indent + "  given" + id + " = co_await body" + id + "();\n";
  if (statement.does == Does::attempt) {
    text += indent + "} catch (const Cancelled&) {\n" + indent + "  throw;\n";
  }
  text += indent + "} catch (...) {\n" + indent + "  caught" + id + " = Failure::current();\n" +
          indent + "}\n";
  return text + indent + "if (caught" + id + ") {\n" + indent + "  note(\"caught\", " + id +
         ", caught" + id + ");\n" + indent + "  given" + id + " = co_await otherwise" + id +
         "();\n" + indent + "}\n" + indent + "note_given(" + id + ", given" + id + ");\n";
}

std::string nursery(const Statement& statement, const Place& place) {
  const std::string id = std::to_string(statement.id);
  const std::string body =
      named("body", statement, statement.body, {place.indent, "nursery" + id, statement.is_void},
            "[[maybe_unused]] Nursery& nursery" + id);
  if (!statement.is_void) return body + given(statement, place, "with_nursery(body" + id + ")");
  return body + place.indent + "co_await with_nursery(body" + id + ");\n" + place.indent +
         "note_given(" + id + ", 0);\n";
}

std::string wait(const Statement& statement, const Place& place, const std::string& awaited) {
  return place.indent + "co_await " + awaited + ";\n" + place.indent + "note(\"goes on\", " +
         std::to_string(statement.id) + ", 0);\n";
}
std::string wait_for(const Statement& statement, const Place& place, const std::string& deferred) {
  const std::string& indent = place.indent;
  return indent + "if (" + deferred + ".valid()) {\n" + indent +
         "  const int value = co_await std::move(" + deferred + ");\n" + indent +
         "  note(\"goes on\", " + std::to_string(statement.id) + ", value);\n" + indent + "}\n";
}

/// Of the statement's body, as a subtask.
std::string call(const Statement& statement, const Place& place, const std::string& around,
                 const std::string& end) {
  return named("body", statement, statement.body, {place.indent, place.nursery}) +
         given(statement, place, around + "body" + std::to_string(statement.id) + "()" + end);
}

std::string spawned(const Statement& statement, const Place& place, const std::string& in) {
  const std::string id = std::to_string(statement.id);
  const bool is_child = statement.does == Does::child;
  return named("body", statement, statement.body,
               {place.indent, is_child ? place.nursery : std::string()}) +
         place.indent + "spawned(" + id + ", " + std::to_string(statement.number) + ", " + in +
         "body" + id + "));\n";
}

std::string lines(const Statement& statement, const Place& place) {
  const std::string id = std::to_string(statement.id);
  const std::string n = std::to_string(statement.n);
  const std::string time = "std::chrono::milliseconds(" + n + ")";
  const std::string event = at("event", statement.number);
  const std::string task = at("task", statement.number);
  const std::string handle = at("handle", statement.number);
  const std::string scope = at("scope", statement.number);
  const std::string promise = at("promise", statement.number);
  const std::string& indent = place.indent;
  const std::string valid = indent + "if (" + task + ".valid()) ";
  switch (statement.does) {
    case Does::point:
      return wait(statement, place, "cancel_point");
    case Does::pause:
      return wait(statement, place, "Pause{}");
    case Does::sleep:
      return wait(statement, place, "Pause{" + time + "}");
    case Does::event:
      return wait(statement, place, event);
    case Does::event_in_time:
      return wait(statement, place, "with_timeout(" + time + ", " + event + ")");
    case Does::deferred:
      return wait_for(statement, place, at("deferred", statement.number));
    case Does::handle:
      return wait_for(statement, place, handle);
    case Does::set:
      return indent + event + ".set();\n";
    case Does::clear:
      return indent + event + ".clear();\n";
    case Does::fire:
      return indent + "fire(" + id + ", " + promise + ", " + n + ");\n";
    case Does::fail:
      return indent + "fire(" + id + ", " + promise + ", failure_of(" + n + "));\n";
    case Does::error:
      return indent + "throw_error(" + n + ");\n";
    case Does::give:
      return indent + (place.is_void ? "co_return;\n" : "co_return " + n + ";\n");
    case Does::call:
      return call(statement, place, "", "");
    case Does::attempt:
    case Does::attempt_all:
      return attempt(statement, place);
    case Does::nursery:
      return nursery(statement, place);
    case Does::cancel_nursery:
      return place.nursery.empty() ? "" : indent + place.nursery + ".cancel();\n";
    case Does::spawn:
      return spawned(statement, place, "spawn(");
    case Does::child:
      return place.nursery.empty() ? "" : spawned(statement, place, place.nursery + ".spawn(");
    case Does::move_on:
      return call(statement, place, "move_on_after(" + time + ", ", ")");
    case Does::in_time:
      return call(statement, place, "with_timeout(" + time + ", ", ")");
    case Does::run_in_scope:
      return call(statement, place, scope + ".run(", ")");
    case Does::cancel_scope:
      return indent + scope + ".cancel();\n";
    case Does::shield:
      return call(statement, place, "shield(", ")");
    case Does::cancel:
      return valid + task + ".cancel();\n";
    case Does::cancel_once:
      return valid + task + ".cancel_once();\n";
    case Does::throw_into:
      return valid + "throw_into(" + id + ", " + task + ", " + n + ");\n";
    case Does::close:
      return valid + "TaskRef(" + task + ").close();\n";
    case Does::cancel_handle:
      return indent + "if (" + handle + ".valid()) " + handle + ".cancel();\n";
    case Does::pause_task:
      return valid + task + ".pause();\n";
    case Does::resume_task:
      return valid + "resume(" + id + ", " + task + ");\n";
  }
  return "";
}

std::string block(const Body& body, const Place& place) {
  std::string text;
  for (const Statement& statement : body) text += lines(statement, place);
  return text;
}

}  // namespace

std::string listing(std::uint64_t seed, const TasksProgram& program, const Log& expected) {
  std::string text =
      "#include <doctest/doctest.h>\n\n#include \"tests/model/tasks_fixture.hpp\"\n\n"
      "using namespace deferred;\nusing namespace deferred::model;\n\n"
      "TEST_CASE_FIXTURE(TasksFixture, \"tasks of seed " +
      std::to_string(seed) + "\") {\n";
  for (unsigned number = 0; number != most_deferreds; ++number) {
    if (program.follows[number]) text += "  answer_follows(" + std::to_string(number) + ");\n";
  }
  return text + spawned(program.main, {"  ", ""}, "spawn(reactor, ") + "  run_to_end();\n\n" +
         checked(expected) + "}\n";
}

}  // namespace deferred::model
