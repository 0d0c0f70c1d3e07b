// SPDX-License-Identifier: MIT
//
// Replays inputs of a target: the files that it is given, and those in the folders. Before each it
// prints the command that replays this one alone, so that the last line says which it was that
// failed. libFuzzer's programs take files in the same way.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "tests/fuzz/parsers/target.hpp"

namespace {

std::vector<std::filesystem::path> files_in(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// False if it cannot be read.
bool replay(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string read{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) return false;
  // Of its own size, so that AddressSanitizer sees who goes beyond it.
  const auto bytes = std::make_unique<std::uint8_t[]>(read.size());
  std::copy(read.begin(), read.end(), bytes.get());
  LLVMFuzzerTestOneInput(bytes.get(), read.size());
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : files_in(argv[i])) {
      std::printf("%s %s\n", argv[0], path.c_str());
      std::fflush(stdout);
      if (!replay(path)) {
        std::printf("cannot be read\n");
        return 2;
      }
      ++count;
    }
  }
  std::printf("inputs: %zu\n", count);
  return count == 0 ? 2 : 0;
}
