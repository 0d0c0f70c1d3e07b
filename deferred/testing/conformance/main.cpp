// SPDX-License-Identifier: MIT
#include <charconv>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "deferred/testing/reactor_conformance_main.hpp"

namespace deferred::testing {
namespace {

int misused(const std::string& what) {
  std::fprintf(stderr,
               "%s\nusage: [--isolate] [--filter=TEXT] [--limit=SECONDS] [--most-failures=N] | "
               "--list | --twisted\n",
               what.c_str());
  return 2;
}

std::optional<std::string_view> value_of(std::string_view argument, std::string_view option) {
  if (!argument.starts_with(option)) return std::nullopt;
  return argument.substr(option.size());
}

bool read_number(std::string_view text, std::size_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

}  // namespace

int reactor_conformance_main(int argc, const char* const* argv, const ReactorUnderTest& tried) {
  ConformanceOptions options;
  std::size_t seconds = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--list") {
      for (const ConformanceCase& one : conformance_cases()) {
        std::printf("%s: %s\n", one.group, one.name);
      }
      return 0;
    } else if (argument == "--twisted") {
      std::fputs(twisted_coverage().c_str(), stdout);
      return 0;
    } else if (argument == "--isolate") {
      options.isolate = true;
    } else if (const auto filter = value_of(argument, "--filter=")) {
      options.filter = *filter;
    } else if (const auto limit = value_of(argument, "--limit=")) {
      if (!read_number(*limit, seconds)) return misused("--limit takes whole seconds, at least 1");
      options.limit = std::chrono::seconds(seconds);
    } else if (const auto most = value_of(argument, "--most-failures=")) {
      if (!read_number(*most, options.most_failures)) {
        return misused("--most-failures takes a number, at least 1");
      }
    } else {
      return misused("what is " + std::string(argument) + "?");
    }
  }
  return run_conformance(tried, options).count(Verdict::failed) > 0 ? 1 : 0;
}

}  // namespace deferred::testing
