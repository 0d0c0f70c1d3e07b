// SPDX-License-Identifier: MIT
#include <string>

#include "tests/model/chains_program.hpp"

namespace deferred::model {

namespace {

using Does = Step::Does;

std::string name(const char* what, unsigned place) { return what + std::to_string(place); }

std::string thrown(int number) {
  return (number % 2 == 1 ? "OddError(" : "EvenError(") + std::to_string(number) + ")";
}

std::string block(const std::vector<Step>& steps, const std::string& indent);

std::string end_of_callback(const Step& step, const char* given) {
  const std::string n = std::to_string(step.n);
  switch (step.end) {
    case End::value:
      return "return number(" + std::string(given) + ") + " + n + ";";
    case End::pass:
      return "return Outcome<int>(" + std::string(given) + ");";
    case End::error:
      return "throw " + thrown(step.n) + ";";
    case End::waits: {
      const std::string d = name("d", step.other);
      return "if (" + d + ".valid()) return std::move(" + d + "); return succeed(" + n + ");";
    }
    default:
      return "";
  }
}

std::string end_of_canceller(const Step& step) {
  switch (step.end) {
    case End::fires:
      return "p.callback(" + std::to_string(step.n) + ");";
    case End::fails:
      return "p.errback(" + thrown(step.n) + ");";
    case End::error:
      return "throw " + thrown(step.n) + ";";
    case End::follows:
      return "return Cancelling::answer_follows;";
    default:
      return "";
  }
}

std::string lambda(const Step& step, const char* parameter, const std::string& end,
                   const std::string& indent) {
  return "[&](" + std::string(parameter) + ") {  // #" + std::to_string(step.id) + "\n" +
         block(step.body, indent + "  ") + indent + "  " + end + "\n" + indent + "}";
}

std::string added(const Step& step, const std::string& indent) {
  const auto of = [&](const char* type, const char* given) {
    const std::string parameter = std::string(type) + given;
    return lambda(step, parameter.c_str(), end_of_callback(step, given), indent);
  };
  switch (step.side) {
    case Side::value:
      return "add_callback(" + of("int ", "n") + ")";
    case Side::error:
      return "add_errback(" + of("Failure ", "e") + ")";
    case Side::odd_error:
      return "add_errback(" + of("const OddError& ", "e") + ")";
    case Side::cancelled:
      return "add_errback(" + of("const Cancelled& ", "e") + ")";
    case Side::both:
      return "add_both(" + of("Outcome<int> ", "o") + ")";
    case Side::either:
      return "add_callbacks(" + of("int ", "n") + ", " + of("Failure ", "e") + ")";
  }
  return "";
}

std::string line(const Step& step, const std::string& indent) {
  const std::string p = name("p", step.place);
  const std::string d = name("d", step.place);
  const std::string s = name("s", step.place);
  const std::string n = std::to_string(step.n);
  switch (step.does) {
    case Does::make:
      return "std::tie(" + p + ", " + d + ") = make_deferred<int>(" +
             (step.has_callable ? lambda(step, "Promise<int>& p", end_of_canceller(step), indent)
                                : std::string()) +
             ");";
    case Does::succeed:
      return d + " = succeed(" + n + ");";
    case Does::fail:
      return d + " = fail<int>(" + thrown(step.n) + ");";
    case Does::fire:
      return p + ".callback(" + n + ");";
    case Does::errback:
      return p + ".errback(" + thrown(step.n) + ");";
    case Does::add:
      return d + " = std::move(" + d + ")." + added(step, indent) + ";";
    case Does::chain:
      return "std::move(" + d + ").chain(std::move(" + name("p", step.other) + "));";
    case Does::pause:
      return d + ".pause();";
    case Does::unpause:
      return d + ".unpause();";
    case Does::pause_by_promise:
      return p + ".pause();";
    case Does::unpause_by_promise:
      return p + ".unpause();";
    case Does::cancel:
      return d + ".cancel();";
    case Does::abandon:
      return "std::move(" + d + ").abandon();";
    case Does::drop_promise:
      return "{ auto gone = std::move(" + p + "); }";
    case Does::drop_deferred:
      return "{ auto gone = std::move(" + d + "); }";
    case Does::take:
      return "std::move(" + d + ").result();";
    case Does::look_at_promise:
      return p + ".fired(); " + p + ".wanted();";
    case Does::look_at_deferred:
      return d + ".fired(); " + d + ".has_result();";
    case Does::share:
      return s + " = std::move(" + d + ").share();";
    case Does::read:
      return name("d", step.other) + " = " + s + "->" + added(step, indent) + ";";
    case Does::cancel_shared:
      return s + "->cancel();";
    case Does::drop_shared:
      return s + ".reset();";
  }
  return "";
}

std::string block(const std::vector<Step>& steps, const std::string& indent) {
  std::string text;
  for (const Step& step : steps) {
    text += indent + line(step, indent) + "  // #" + std::to_string(step.id) + "\n";
  }
  return text;
}

}  // namespace

std::string listing(const ChainsProgram& program) {
  return block(program.steps, "  ") +
         "  // then what is left is dropped: of each number the Promise, the Deferred, the "
         "SharedDeferred\n";
}

}  // namespace deferred::model
