// SPDX-License-Identifier: MIT
#include "tests/model/chains_listing.hpp"

#include "tests/model/chains_program.hpp"

namespace deferred::model {

namespace {

using Does = Step::Does;

std::string at(const char* what, unsigned place) {
  return std::string(what) + "[" + std::to_string(place) + "]";
}

std::string failure(int number) { return "failure_of(" + std::to_string(number) + ")"; }

std::string block(const std::vector<Step>& steps, const std::string& indent);

std::string end_of_callback(const Step& step) {
  const std::string n = std::to_string(step.n);
  switch (step.end) {
    case End::value:
      return "return number_in(given) + " + n + ";";
    case End::pass:
      return "return Outcome<int>(given);";
    case End::error:
      return "throw_error(" + n + ");";
    default: {
      const std::string d = at("d", step.other);
      return "return " + d + ".valid() ? out(" + d + ") : succeed(" + n + ");";
    }
  }
}

std::string refusable(const Step& step, const std::string& call) {
  return "caught(" + std::to_string(step.id) + ", [&] { " + call + "; });";
}

std::string canceller(const Step& step, const std::string& indent) {
  std::string end =
      step.end == End::follows ? "return Cancelling::answer_follows;" : "return Cancelling::now;";
  if (step.end == End::error) end = "throw_error(" + std::to_string(step.n) + ");";
  if (step.end == End::fires) {
    end = refusable(step, "promise.callback(" + std::to_string(step.n) + ")") + " " + end;
  }
  if (step.end == End::fails) {
    end = refusable(step, "promise.errback(" + failure(step.n) + ")") + " " + end;
  }
  return "[&]([[maybe_unused]] Promise<int>& promise) -> Cancelling {\n" + indent +
         "  note(\"asked\", " + std::to_string(step.id) + ", 0);\n" +
         block(step.body, indent + "  ") + indent + "  " + end + "\n" + indent + "}";
}

std::string added(const Step& step, const std::string& indent) {
  const std::string result = step.end == End::pass    ? "Outcome<int>"
                             : step.end == End::waits ? "Deferred<int>"
                                                      : "int";
  const auto callback = [&](const std::string& type, const char* parameter) {
    const std::string typed =
        parameter == std::string("given") ? "" : indent + "  const Failure given(error);\n";
    return "[&](" + type + " " + parameter + ") -> " + result + " {\n" + typed + indent +
           "  note(" + std::to_string(step.id) + ", given);\n" + block(step.body, indent + "  ") +
           indent + "  " + end_of_callback(step) + "\n" + indent + "}";
  };
  switch (step.side) {
    case Side::value:
      return "add_callback(" + callback("int", "given") + ")";
    case Side::error:
      return "add_errback(" + callback("const Failure&", "given") + ")";
    case Side::odd_error:
      return "add_errback(" + callback("const OddError&", "error") + ")";
    case Side::cancelled:
      return "add_errback(" + callback("const Cancelled&", "error") + ")";
    case Side::both:
      return "add_both(" + callback("const Outcome<int>&", "given") + ")";
    case Side::either:
      return "add_callbacks(" + callback("int", "given") + ", " +
             callback("const Failure&", "given") + ")";
  }
  return "";
}

/// What has to be so, or the step does nothing; and what is done.
std::string line(const Step& step, const std::string& indent) {
  const std::string id = std::to_string(step.id);
  const std::string n = std::to_string(step.n);
  const std::string place = std::to_string(step.place);
  const std::string p = at("p", step.place);
  const std::string d = at("d", step.place);
  const std::string s = at("s", step.place);
  const std::string other = at("d", step.other);
  const std::string makes = "if (makes_room(" + place + ")) ";
  const std::string promised = "if (" + p + ".valid()) ";
  const std::string held = "if (" + d + ".valid()) ";
  const std::string shared = "if (" + s + ") ";
  switch (step.does) {
    case Does::make:
      return makes + "std::tie(" + p + ", " + d + ") = make_deferred<int>(" +
             (step.has_callable ? canceller(step, indent) : "") + ");";
    case Does::succeed:
      return makes + d + " = succeed(" + n + ");";
    case Does::fail:
      return makes + d + " = fail<int>(" + failure(step.n) + ");";
    case Does::fire:
      return promised + refusable(step, p + ".callback(" + n + ")");
    case Does::errback:
      return promised + refusable(step, p + ".errback(" + failure(step.n) + ")");
    case Does::add:
      return held + "put(" + d + ", out(" + d + ")." + added(step, indent) + ");";
    case Does::chain: {
      const std::string to = at("p", step.other);
      return "if (" + d + ".valid() && " + to + ".valid()) chain(" + id + ", " + d + ", " + to +
             ");";
    }
    case Does::pause:
      return held + d + ".pause();";
    case Does::unpause:
      return held + refusable(step, d + ".unpause()");
    case Does::pause_by_promise:
      return promised + p + ".pause();";
    case Does::unpause_by_promise:
      return promised + refusable(step, p + ".unpause()");
    case Does::cancel:
      return held + d + ".cancel();";
    case Does::abandon:
      return held + "out(" + d + ").abandon();";
    case Does::drop_promise:
      return "drop(" + p + ");";
    case Does::drop_deferred:
      return "drop(" + d + ");";
    case Does::take:
      return held + "take(" + id + ", " + d + ");";
    case Does::look_at_promise:
      return promised + "look_at(" + id + ", " + p + ");";
    case Does::look_at_deferred:
      return held + "look_at(" + id + ", " + d + ");";
    case Does::share:
      return held + "{\n" + indent + "  if (makes_room_to_share(" + place + ")) " + s + " = out(" +
             d + ").share();\n" + indent + "}";
    case Does::read:
      return shared + "{\n" + indent + "  if (makes_room_to_read(" + place + ", " +
             std::to_string(step.other) + ")) put(" + other + ", " + s + "->" +
             added(step, indent + "  ") + ");\n" + indent + "}";
    case Does::cancel_shared:
      return shared + s + "->cancel();";
    case Does::drop_shared:
      return "drop(" + s + ");";
  }
  return "";
}

std::string block(const std::vector<Step>& steps, const std::string& indent) {
  std::string text;
  for (const Step& step : steps) text += indent + line(step, indent) + "\n";
  return text;
}

}  // namespace

std::string listing(std::uint64_t seed, const ChainsProgram& program, const Log& expected) {
  return "#include <doctest/doctest.h>\n\n#include \"tests/model/chains_fixture.hpp\"\n\n"
         "using namespace deferred;\nusing namespace deferred::model;\n\n"
         "TEST_CASE_FIXTURE(ChainsFixture, \"chains of seed " +
         std::to_string(seed) + "\") {\n" + block(program.steps, "  ") + "  drop_all();\n\n" +
         checked(expected) + "}\n";
}

}  // namespace deferred::model
