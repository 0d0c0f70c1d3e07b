// SPDX-License-Identifier: MIT
#include "tests/model/log.hpp"

#include <algorithm>

namespace deferred::model {

namespace {

std::string line(const Log& log, std::size_t at) {
  if (at >= log.size()) return "-";
  const Entry& entry = log[at];
  return std::string(entry.what) + " #" + std::to_string(entry.whose) + ": " +
         std::to_string(entry.with);
}

}  // namespace

std::string beside(const Log& library, const Log& model) {
  constexpr std::size_t width = 40;
  std::string text = "//   library" + std::string(width - 7, ' ') + "model\n";
  for (std::size_t at = 0; at < std::max(library.size(), model.size()); ++at) {
    const std::string left = line(library, at);
    const std::string right = line(model, at);
    const std::size_t gap = left.size() < width ? width - left.size() : 1;
    text += (left == right ? "//   " : "// ! ") + left + std::string(gap, ' ') + right + "\n";
    if (left != right) break;
  }
  return text;
}

std::string checked(const Log& expected) {
  std::string text = "  const Log expected{\n";
  for (const Entry& entry : expected) {
    text += "      {\"" + std::string(entry.what) + "\", " + std::to_string(entry.whose) + ", " +
            std::to_string(entry.with) + "},\n";
  }
  return text + "  };\n  INFO(beside(log, expected));\n  CHECK(log == expected);\n";
}

}  // namespace deferred::model
