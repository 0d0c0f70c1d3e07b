// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/front.hpp"

#include <charconv>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

namespace deferred::testing::conformance {
namespace {

constexpr const char* usage =
    "usage: [--isolate | --together] [--filter=TEXT] [--limit=SECONDS] [--most-failures=N]\n"
    "  --isolate          each case in a process of its own: one that hangs or crashes fails by "
    "its\n"
    "                     name, and the others go on. The default\n"
    "  --together         all cases in this process, for a debugger; one that hangs ends it\n"
    "  --filter=TEXT      only cases whose \"GROUP: NAME\" contains TEXT\n"
    "  --limit=SECONDS    how long a case may take; 10\n"
    "  --most-failures=N  no more cases after N failures\n"
    "or one of\n"
    "  --list             the cases\n"
    "  --help             this\n";

int misused(const std::string& what, const Front& front) {
  std::fprintf(stderr, "%s\n%s%s", what.c_str(), usage, front.more_options);
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

int run_front(int argc, const char* const* argv, const Front& front) {
  ConformanceOptions options;
  options.isolate = true;
  std::size_t seconds = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--list") {
      front.list();
      return 0;
    } else if (front.more(argument)) {
      return 0;
    } else if (argument == "--help") {
      std::printf("%s%s", usage, front.more_options);
      return 0;
    } else if (argument == "--isolate" || argument == "--together") {
      options.isolate = argument == "--isolate";
    } else if (const auto filter = value_of(argument, "--filter=")) {
      options.filter = *filter;
    } else if (const auto limit = value_of(argument, "--limit=")) {
      if (!read_number(*limit, seconds))
        return misused("--limit takes whole seconds, at least 1", front);
      options.limit = std::chrono::seconds(seconds);
    } else if (const auto most = value_of(argument, "--most-failures=")) {
      if (!read_number(*most, options.most_failures)) {
        return misused("--most-failures takes a number, at least 1", front);
      }
    } else {
      return misused("what is " + std::string(argument) + "?", front);
    }
  }
  try {
    return front.run(options) > 0 ? 1 : 0;
  } catch (const std::invalid_argument& error) {
    return misused(error.what(), front);
  }
}

}  // namespace deferred::testing::conformance
