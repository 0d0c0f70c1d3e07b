// SPDX-License-Identifier: MIT
//
// fuzz: worlds of random operations. Prints how many there were, or which failed and how it is
// replayed. The options are in usage().
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

#include "tests/fuzz/runner.hpp"

namespace {

using namespace deferred::fuzz;

constexpr const char* usage =
    "fuzz [--from N] [--worlds N | --seconds N] [--shrink]   worlds of the seeds from N on (1)\n"
    "fuzz --seed N [--trace] [--shrink] [--without A,B,...]  one world, without some actions\n";

constexpr std::uint64_t most_skipped = 100;  // one in so many worlds

[[noreturn]] void wrong(const char* argument) {
  std::fprintf(stderr, "fuzz: %s: what is that?\n%s", argument, usage);
  std::exit(2);
}

struct Arguments {
  std::optional<std::uint64_t> seed;
  std::uint64_t from = 1;
  std::uint64_t worlds = 1000;
  std::uint64_t seconds = 0;
  bool shrink = false;
  RunOptions run;
};

std::uint64_t number(const char* text) {
  char* end = nullptr;
  const std::uint64_t value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') wrong(text);
  return value;
}

void leave_out(RunOptions& options, const char* list) {
  while (*list != '\0') {
    char* end = nullptr;
    options.without.insert(static_cast<std::uint32_t>(std::strtoul(list, &end, 16)));
    if (end == list || (*end != ',' && *end != '\0')) wrong(list);
    list = end + (*end == ',');
  }
}

Arguments parse(int argc, char** argv) {
  Arguments given;
  for (int at = 1; at != argc; ++at) {
    const std::string name = argv[at];
    const auto next = [&] { return ++at < argc ? argv[at] : (wrong(name.c_str()), argv[0]); };
    if (name == "--trace") {
      given.run.trace = true;
    } else if (name == "--shrink") {
      given.shrink = true;
    } else if (name == "--seed") {
      given.seed = number(next());
    } else if (name == "--from") {
      given.from = number(next());
    } else if (name == "--worlds") {
      given.worlds = number(next());
    } else if (name == "--seconds") {
      given.seconds = number(next());
    } else if (name == "--without") {
      leave_out(given.run, next());
    } else if (name == "--help") {
      std::printf("%s", usage);
      std::exit(0);
    } else {
      wrong(argv[at]);
    }
  }
  return given;
}

int tell(const char* program, const Arguments& given, const Ran& ran) {
  std::printf("fuzz: seed %llu failed: %s; replay: %s --seed %llu --trace\n",
              static_cast<unsigned long long>(ran.seed), ran.what.c_str(), program,
              static_cast<unsigned long long>(ran.seed));
  if (!given.shrink) return 1;
  RunOptions least = given.run;
  least.without = shrink(ran.seed, ran, given.run);
  std::printf("the least of it, without %zu actions:\n", least.without.size());
  least.trace = true;
  run_worlds(ran.seed, 1, least);
  std::string list;
  for (const std::uint32_t each : least.without) {
    char text[16];
    std::snprintf(text, sizeof text, "%s%08x", list.empty() ? "" : ",", each);
    list += text;
  }
  std::printf("replay: %s --seed %llu --trace --without %s\n", program,
              static_cast<unsigned long long>(ran.seed), list.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const Arguments given = parse(argc, argv);
  if (given.seed) {
    const Ran ran = run_worlds(*given.seed, 1, given.run);
    return ran.failed ? tell(argv[0], given, ran) : 0;
  }
  constexpr std::uint64_t batch = 100;
  const auto begun = std::chrono::steady_clock::now();
  const auto end = begun + std::chrono::seconds(given.seconds);
  std::uint64_t done = 0;
  std::uint64_t skipped = 0;
  const auto goes_on = [&] {
    return given.seconds != 0 ? std::chrono::steady_clock::now() < end : done < given.worlds;
  };
  while (goes_on()) {
    const std::uint64_t some = given.seconds != 0 ? batch : std::min(batch, given.worlds - done);
    const Ran ran = run_worlds(given.from + done, some, given.run);
    if (ran.failed) return tell(argv[0], given, ran);
    done += some;
    skipped += ran.skipped;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::printf("fuzz: %llu worlds, %.1f s; %llu of them skipped\n",
              static_cast<unsigned long long>(done), took.count(),
              static_cast<unsigned long long>(skipped));
  if (skipped <= done / most_skipped) return 0;
  std::printf("fuzz: too many are skipped\n");
  return 1;
}
