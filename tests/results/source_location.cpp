// SPDX-License-Identifier: MIT
#include "deferred/results/source_location.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <type_traits>
#include <vector>

using namespace deferred;

// It is passed between a library and a program of different compilers: as a pointer is.
static_assert(sizeof(SourceLocation) == sizeof(void*));
static_assert(std::is_trivially_copyable_v<SourceLocation>);

namespace {

SourceLocation called_at(SourceLocation where = SourceLocation::current()) { return where; }

}  // namespace

TEST_CASE("a SourceLocation as a default argument is the place of the call") {
  const SourceLocation here = called_at();
  const std::uint32_t line = __LINE__ - 1;

  CHECK(here.line() == line);
  CHECK(std::string(here.file_name()) == __FILE__);
  CHECK(std::string(here.function_name()) != "");
}

TEST_CASE("an unknown place has line 0 and no names") {
  const SourceLocation unknown;

  CHECK(unknown.line() == 0);
  CHECK(std::string(unknown.file_name()) == "");
  CHECK(std::string(unknown.function_name()) == "");
}

#if defined(__cpp_lib_source_location)
TEST_CASE("a std::source_location is taken for a SourceLocation") {
  const std::source_location here = std::source_location::current();

  const SourceLocation same = here;

  CHECK(same.line() == here.line());
  CHECK(std::string(same.file_name()) == here.file_name());
}

TEST_CASE("a place that a compiler without records has met is read as any other") {
  const detail::SourceRecord* const record = detail::source_record("folder/a.cpp", "f", 42);

  const auto place = std::bit_cast<std::source_location>(record);

  CHECK(to_string(place) == "a.cpp:42 in f");
}
#endif

TEST_CASE("one place has one record, whichever thread asks for it") {
  constexpr std::uint32_t lines = 3000;  // so that some share a list
  std::vector<const detail::SourceRecord*> seen[2];
  const auto ask = [](std::vector<const detail::SourceRecord*>& records) {
    for (std::uint32_t line = 1; line <= lines; ++line) {
      records.push_back(detail::source_record("b.cpp", "g", line));
    }
  };

  std::thread other([&] { ask(seen[0]); });
  ask(seen[1]);
  other.join();

  CHECK(seen[0] == seen[1]);
  std::uint32_t right = 0;
  for (std::uint32_t line = 1; line <= lines; ++line) {
    right += seen[0][line - 1]->line == line ? 1 : 0;
  }
  CHECK(right == lines);
}
