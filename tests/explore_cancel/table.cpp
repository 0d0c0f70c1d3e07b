// SPDX-License-Identifier: MIT
//
// Each program, cut once and twice wherever it waits. Of runs with two cuts `./dev test` makes 500
// of each, evenly chosen; with --all all are made. --filter TEXT: programs whose name has that
// text; --only "cancel at 3, close at 5": that run. --losses: says what each type may lose, for
// losses.py.
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "tests/explore_cancel/programs.hpp"

using namespace deferred::testing;

int main(int argc, char** argv) {
  ExploreCancelOptions options;
  options.most_runs = 500;
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--all") {
      options.most_runs = std::numeric_limits<std::size_t>::max();
    } else if (argument == "--losses") {
      for (const Program& program : awaitable_programs()) {
        std::printf("%s\t%s\n", program.name, program.loses);
      }
      return EXIT_SUCCESS;
    } else if (argument == "--filter" && i + 1 < argc) {
      filter = argv[++i];
    } else if (argument == "--only" && i + 1 < argc) {
      options.only = argv[++i];
    } else {
      std::fprintf(stderr, "unknown argument, or one without its value: %s\n", argv[i]);
      return 2;
    }
  }

  std::size_t programs = 0, runs = 0, faults = 0;
  for (const auto family :
       {&awaitable_programs, &callback_programs, &call_programs, &channel_programs,
        &family_programs, &generator_programs, &task_programs, &wait_programs, &io_programs,
        &server_programs, &process_programs, &names_programs, &datagram_programs, &file_programs}) {
    for (const Program& program : family()) {
      if (std::string_view(program.name).find(filter) == std::string_view::npos) continue;
      const ExploreCancelReport report = explore_cancel(program.run, options);
      std::printf("%s: %s\n", program.name, report.summary().c_str());
      ++programs;
      runs += report.runs;
      faults += report.faults.size();
    }
  }
  std::printf("%zu programs, %zu runs, %zu faults\n", programs, runs, faults);
  return programs != 0 && faults == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
