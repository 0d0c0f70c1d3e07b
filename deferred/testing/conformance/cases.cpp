// SPDX-License-Identifier: MIT
#include "deferred/testing/conformance/cases.hpp"

namespace deferred::testing {
namespace {

std::vector<ConformanceCase> all_groups() {
  struct Group {
    const char* name;
    std::span<const ConformanceCase> cases;
  };
  const Group groups[] = {
      {"backend", backend_cases()},
      {"backend descriptors", backend_descriptor_cases()},
      {"run", run_cases()},
      {"shutdown", shutdown_cases()},
      {"posts", post_cases()},
      {"threads", thread_cases()},
      {"timers", timer_cases()},
      {"changing timers", timer_change_cases()},
      {"watches", watch_cases()},
      {"changing watches", watch_change_cases()},
      {"tcp connecting", tcp_connecting_cases()},
      {"tcp streams", tcp_stream_cases()},
      {"tcp ending", tcp_ending_cases()},
      {"cancelling", cancelling_cases()},
      {"exceptions", exception_cases()},
      {"destruction", destruction_cases()},
      {"fairness", fairness_cases()},
  };
  std::vector<ConformanceCase> all;
  for (const Group& group : groups) {
    for (ConformanceCase one : group.cases) {
      one.group = group.name;
      all.push_back(one);
    }
  }
  return all;
}

}  // namespace

const std::vector<ConformanceCase>& conformance_cases() {
  static const std::vector<ConformanceCase> all = all_groups();
  return all;
}

}  // namespace deferred::testing
