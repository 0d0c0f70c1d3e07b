// SPDX-License-Identifier: MIT
//
// The table: each program, with each of its allocations failing, in both ways, on two backends; and
// whether each public operation has a program.
//
//     allocation_failure [--operations FILE] [--sample] [--filter TEXT] [--only N]
//
// --sample: each program on one backend. --filter: programs whose name has that text. --only: the
// N-th allocation only.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "reactors/virtual_time.hpp"
#include "tests/allocation_failure/programs.hpp"

using namespace deferred;
using namespace deferred::testing;

namespace {

struct Options {
  std::string operations;  // the file that lists them; empty: whatever the programs cover
  std::string filter;
  bool sample = false;  // one backend each
  std::size_t only = AllocationFailureOptions().only;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
    if (argument == "--sample") {
      options.sample = true;
      continue;
    }
    if (value && argument == "--operations") {
      options.operations = value;
    } else if (value && argument == "--filter") {
      options.filter = value;
    } else if (value && argument == "--only") {
      options.only = std::stoul(value);
    } else {
      std::fprintf(stderr, "unknown argument, or one without its value: %s\n", argv[i]);
      std::exit(2);
    }
    ++i;
  }
  return options;
}

Programs all_programs() {
  Programs all;
  for (const auto room :
       {&results_programs,      &reactor_programs,   &run_programs,        &tasks_programs,
        &generator_programs,    &scope_programs,     &seeing_programs,     &call_programs,
        &yieldables_programs,   &channel_programs,   &join_programs,       &threads_programs,
        &io_programs,           &io_value_programs,  &io_stream_programs,  &io_message_programs,
        &io_transport_programs, &io_server_programs, &io_process_programs, &names_programs,
        &datagram_programs,     &file_programs}) {
    for (Program& program : room()) all.push_back(std::move(program));
  }
  return all;
}

/// The operations that the library has, or those that the programs cover.
std::set<std::string> operations_of(const Options& options, const Programs& programs) {
  std::set<std::string> all;
  if (options.operations.empty()) {
    for (const Program& program : programs)
      all.insert(program.covers.begin(), program.covers.end());
    return all;
  }
  std::ifstream list(options.operations);
  for (std::string line; std::getline(list, line);) all.insert(line);
  return all;
}

const std::pair<const char*, std::unique_ptr<Backend> (*)()> backends[] = {
    {"poll", nullptr}, {"virtual time", []() -> std::unique_ptr<Backend> {
                          return std::make_unique<reactors::VirtualTime>();
                        }}};

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  const Options options = parse(argc, argv);
  const Programs programs = all_programs();
  const auto operations = operations_of(options, programs);
  std::map<std::string, bool, std::less<>> right_by_operation;  // of those that have a program
  std::size_t unknown = 0, index = 0, wrong = 0;

  std::printf("%-44s %-13s %12s %6s\n", "program", "backend", "allocations", "runs");
  for (const Program& program : programs) {
    ++index;
    if (std::string_view(program.name).find(options.filter) == std::string_view::npos) continue;
    bool all_right = true;
    for (std::size_t b = 0; b != std::size(backends); ++b) {
      if (options.sample && b != index % std::size(backends)) continue;
      AllocationFailureOptions how;
      if (backends[b].second) how.make = backends[b].second;
      how.only = options.only;
      const auto report = with_allocation_failures(program.run, how);
      std::printf("%-44s %-13s %12zu %6zu\n", program.name, backends[b].first, report.allocations,
                  report.runs);
      for (const std::string& fault : report.faults) std::printf("    FAULT %s\n", fault.c_str());
      all_right = all_right && report.faults.empty();
    }
    wrong += all_right ? 0 : 1;
    for (const char* const operation : program.covers) {
      if (!operations.contains(operation)) {
        std::printf("    FAULT no such operation: %s\n", operation);
        ++unknown;
      }
      const auto [at, fresh] = right_by_operation.try_emplace(operation, all_right);
      at->second = at->second && all_right;
    }
  }
  std::size_t good = 0;
  std::size_t missing = 0;
  for (const std::string& operation : operations) {
    const auto found = right_by_operation.find(operation);
    if (found == right_by_operation.end()) {
      ++missing;
      if (options.filter.empty()) std::printf("no program: %s\n", operation.c_str());
    } else if (found->second) {
      ++good;
    }
  }
  std::printf("allocation failure: %zu of %zu operations\n", good, operations.size());
  if (!options.filter.empty()) return wrong != 0;
  return wrong != 0 || unknown != 0 || missing != 0;
}
