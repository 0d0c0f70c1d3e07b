// SPDX-License-Identifier: MIT
#include "deferred/testing/streams/cases.hpp"

namespace deferred::testing {
namespace {

std::vector<StreamCase> all_stream_groups() {
  struct Group {
    const char* name;
    std::span<const StreamCase> cases;
  };
  const Group groups[] = {
      {"bytes", streams::byte_cases()},         {"readers", streams::reader_cases()},
      {"ends", streams::end_cases()},           {"closing", streams::closing_cases()},
      {"breaking", streams::breaking_cases()},  {"sharing", streams::sharing_cases()},
      {"cut reads", streams::cut_read_cases()}, {"cut writes", streams::cut_write_cases()},
      {"waiting", streams::waiting_cases()},    {"every step", streams::step_cases()},
      {"lives", streams::life_cases()},
  };
  std::vector<StreamCase> all;
  for (const Group& group : groups) {
    for (StreamCase one : group.cases) {
      one.group = group.name;
      all.push_back(one);
    }
  }
  return all;
}

}  // namespace

const std::vector<StreamCase>& stream_cases() {
  static const std::vector<StreamCase> all = all_stream_groups();
  return all;
}

}  // namespace deferred::testing
